"""`kill -9` of the proposer at every state of its journal, against a chain of its own process.

Three rounds run beside each other, of one account. In each a process dies at a state, the next one goes on and dies at
the next state, and so on: in the first before the state's record is written, in the second with half of it on disk, in
the third right after; as `soak` all three die amid what is done on the record's behalf, at calls that the seed chooses.
The chain is killed too, whenever the rest of a phase is skipped.
"""

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from rounds import EXPERTS, Mortal, Network

from r3mes_ray.chain import queries
from r3mes_ray.training.journal import journal_path, open_journal
from r3mes_ray.training.records import Prepared, TxSigned
from r3mes_ray.wire.cosmos.tx.v1beta1.tx_pb2 import TxBody, TxRaw
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgCommitAggregation, MsgRevealAggregation

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

UNTIL_COMMIT = ("began", "aggregated", "published", "prepared", "tx_signed commit", "committed")
UNTIL_REVEAL = ("tx_signed reveal", "revealed")
UNTIL_END = ("tx_signed submit", "finalized", "ended")
EXACT = ("before", "torn", "after")
KILLED = -9
SOAK_SEEDS = 6
"""Three kills of a state each: with the exact ones 21 of each state."""
MOST_CALLS = {"began": 20_000}
"""Calls of the longest action; the others take, or wait through, up to 1,000."""


@pytest.fixture(scope="module")
def network(tmp_path_factory, new_home, process, ray_address, rounds_environment):
    return Network(tmp_path_factory.mktemp("killed"), new_home, process, ray_address)


@pytest.fixture(scope="module")
def servers(network):
    made = [Mortal(network, network.root / "processes" / expert) for expert in EXPERTS]
    yield made
    for server in made:
        server.close()


def records_of(network, round_id):
    """Names of a journal's whole records, and whether half a one follows."""
    path = journal_path(network.home, network.settings.chain.chain_id, round_id)
    text = path.read_text() if path.exists() else ""
    whole, _, rest = text.rpartition("\n")
    found = [json.loads(line)["record"] for line in whole.splitlines()]
    return [f"{r['kind']} {r['step']}" if r["kind"].startswith("tx_") else r["kind"] for r in found], bool(rest)


def die_through(network, server, round_id, states, way, points):
    """Let one process after the other die at these states."""
    for state in states:
        calls = int(MOST_CALLS.get(state, 1_000) ** points.random())
        dies = {"record": state, "when": way, "calls": calls}
        status, said = server.run("round", "resume", "--round", round_id, dies=dies)
        assert status == KILLED, f"{dies}: {said}\n{server.said}"
        whole, torn = records_of(network, round_id)
        assert ((whole[-1:] == [state]), torn) == (way in ("after", "amid"), way == "torn"), f"{dies}: {whole}"


@pytest.mark.parametrize("seed", [None, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(SOAK_SEEDS))])
def test_proposer_killed_at_every_state_commits_once_and_ends_its_round(network, servers, seed):
    ways = EXACT if seed is None else ("amid",) * 3
    points = [random.Random(f"{seed} {number}") for number in range(3)]
    started = {name: network.ask(lambda client, name=name: queries.expert(client, name)).version for name in EXPERTS}
    rounds = [network.open_round(expert) for expert in EXPERTS]

    def through(states):
        jobs = zip(servers, rounds, ways, points, strict=True)
        with ThreadPoolExecutor(3) as pool:
            running = [pool.submit(die_through, network, s, r.round_id, states, *rest) for s, r, *rest in jobs]
        for one in running:
            one.result()

    network.skip_to(max(opened.submit_end for opened in rounds))
    through(UNTIL_COMMIT)
    network.skip_to(max(opened.commit_end for opened in rounds))
    through(UNTIL_REVEAL)
    network.skip_to(max(opened.challenge_end for opened in rounds))
    through(UNTIL_END)

    for server, opened in zip(servers, rounds, strict=True):
        status, report = server.run("round", "resume", "--round", opened.round_id)
        assert status == 0, f"{report}\n{server.said}"
        assert (report["outcome"], report["version"]) == ("finalized", started[opened.expert] + 1)
        assert len(report["accepted"]) == 2
        check_one_salt(network, opened.round_id)
    found = [network.commitment(opened.round_id).commitment_id for opened in rounds]
    # The chain counts commitments: a second one of any round would have taken a number.
    assert sorted(found) == list(range(min(found), min(found) + 3))


def check_one_salt(network, round_id):
    """Whatever was signed in the round names one commitment and opens it with the one salt."""
    with open_journal(network.home, network.settings.chain.chain_id, round_id) as journal:
        (prepared,) = [record for record in journal.records if isinstance(record, Prepared)]
        signed = [record for record in journal.records if isinstance(record, TxSigned)]
    commits = {m.commitment_hash for m in messages(signed, "commit", MsgCommitAggregation)}
    salts = {m.salt for m in messages(signed, "reveal", MsgRevealAggregation)}
    assert (commits, salts) == ({prepared.commitment}, {prepared.salt})
    assert network.commitment(round_id).commitment_hash == prepared.commitment


def messages(signed, step, kind):
    for record in signed:
        if record.step == step:
            (packed,) = TxBody.FromString(TxRaw.FromString(bytes.fromhex(record.raw)).body_bytes).messages
            yield kind.FromString(packed.value)


def test_proposer_that_comes_back_too_late_forfeits(network, servers):
    """It comes last: the chain takes stake for what was never revealed."""
    server, late = servers[0], network.open_round(EXPERTS[0])
    network.skip_to(late.submit_end)
    dies = {"record": "committed", "when": "after", "calls": 0}
    assert server.run("round", "resume", "--round", late.round_id, dies=dies)[0] == KILLED, server.said
    before = network.commitment(late.round_id)

    network.skip_to(late.reveal_end)
    status, said = server.run("round", "resume", "--round", late.round_id)
    assert (status, said["error"]["type"]) == (1, "RoundClosed")
    assert "cannot reveal" in said["error"]["message"]
    status, report = server.run("round", "resume", "--round", late.round_id)
    assert (status, report["outcome"]) == (1, "forfeited")
    whole, _ = records_of(network, late.round_id)
    assert [name for name in whole if name == "prepared" or "reveal" in name] == ["prepared"]
    assert network.commitment(late.round_id).commitment_hash == before.commitment_hash
