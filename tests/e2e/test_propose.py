"""`r3mes propose` through a stop and a start, and a challenge of what a false proposer published.

Every part is a process of its own; the false proposer runs our coordinator with a package that is not what the
updates give.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rounds import ENVIRONMENT, PHASES, RANK, UPDATES, Network

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.chain.base import send
from r3mes_ray.content import open_store
from r3mes_ray.node.identity import ensure_key
from r3mes_ray.settings import load_settings
from r3mes_ray.training.proposer.opening import open_round
from r3mes_ray.training.rules import RuleParameters
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryChallengeRequest, QueryChallengeResponse

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

EXPERTS = ("legal", "python")
TRAINING = {"target_rank": RANK, "min_updates": UPDATES}


@pytest.fixture(scope="module")
def network(tmp_path_factory, new_home, process, ray_address, rounds_environment):
    return Network(tmp_path_factory.mktemp("proposed"), new_home, process, ray_address, training=TRAINING)


@pytest.fixture(scope="module")
def stranger(network, new_home, process):
    """A home that took part in nothing: it knows the chain, and a URL of content."""
    url = process("content", "serve", "--home", network.home, "--json").wait_json()["url"]
    home = new_home(
        network.root / "stranger",
        chain={"grpc_address": network.settings.chain.grpc_address},
        content={"kind": "disk", "peers": [url]},
    )
    address = ensure_key(load_settings(home, None), "operator").address("remes")
    coins = [Coin(denom="uremes", amount="20000000")]

    async def fund():
        client = open_chain(network.settings, network.operator)
        await send(client, [MsgSend(from_address=client.address, to_address=address, amount=coins)])

    asyncio.run(fund())
    return home


class Daemon:
    """A running `r3mes propose`, and the events that it printed."""

    def __init__(self, network, process):
        lengths = [f"--{name}-blocks={getattr(PHASES, name)}" for name in ("submit", "commit", "reveal", "challenge")]
        chosen = [part for name in EXPERTS for part in ("--expert", name)]
        flags = ("--rounds", "1", "--pause", "0.2", "--home", network.home, "--json")
        self._command = process("propose", *chosen, *lengths, *flags, env=ENVIRONMENT)
        self.events = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in iter(self._command.process.stdout.readline, ""):
            self.events.append(json.loads(line))

    def _found(self, event, **fields):
        return [e for e in list(self.events) if e["event"] == event and fields.items() <= e.items()]

    def wait(self, event, **fields):
        """Wait for one event of a kind of each expert."""
        until = time.monotonic() + 300
        while len(found := self._found(event, **fields)) < len(EXPERTS):
            assert self._command.process.poll() is None, f"{self.events}\n{self._command.text}"
            assert time.monotonic() < until, f"{event}: {self.events[-20:]}\n{self._command.text}"
            time.sleep(0.1)
        return found

    def stop(self, number):
        """Send a signal; the exit code."""
        code = self._command.stop(number)
        self._reader.join(30)
        return code


@pytest.fixture(scope="module")
def proposed(network, process):
    """Rounds of two experts, through SIGTERM after the commits and a second daemon: what both said."""
    first = Daemon(network, process)
    ids = {event["expert"]: event["round_id"] for event in first.wait("opened")}
    rounds = [network.ask(lambda client, number=number: queries.round_of(client, number)) for number in ids.values()]

    async def submit():
        for opened in rounds:
            for number in range(UPDATES):
                await network._submit(opened, number, open_store(network.settings))

    asyncio.run(submit())
    network.skip_to(max(opened.submit_end for opened in rounds))
    first.wait("step", step="commit", state="done")
    code = first.stop(signal.SIGTERM)
    second = Daemon(network, process)
    second.wait("step", step="reveal", state="begin")
    network.skip_to(max(opened.commit_end for opened in rounds))
    second.wait("step", step="submit", state="begin")
    network.skip_to(max(opened.challenge_end for opened in rounds))
    second.wait("ended")
    second.wait("opened")
    return ids, first, code, second, second.stop(signal.SIGINT)


def test_propose_told_to_end_leaves_its_commitments_in_journals_and_says_so(proposed):
    ids, first, code, _, _ = proposed
    left = {event["expert"]: event for event in first.events if event["event"] == "left"}
    assert code == 0
    assert {expert: event["round_id"] for expert, event in left.items()} == ids
    assert all("must be revealed" in event["detail"] for event in left.values())
    assert [event["event"] for event in first.events].count("stopping") == 1


def test_propose_started_again_reveals_and_finishes_what_was_left(network, proposed):
    ids, _, _, second, code = proposed
    ended = {event["expert"]: event["report"] for event in second.events if event["event"] == "ended"}
    assert code == 0
    assert {expert: (report["round_id"], report["outcome"]) for expert, report in ended.items()} == {
        expert: (number, "finalized") for expert, number in ids.items()
    }
    steps = {event["step"] for event in second.events if event["event"] == "step" and event["round_id"] in ids.values()}
    assert steps == {"reveal", "submit"}
    for expert in EXPERTS:
        found = network.ask(lambda client, expert=expert: queries.expert(client, expert))
        assert (found.version, found.adapter) == (1, ended[expert]["cid"])
        assert found.open_round not in (None, *ids.values())


def test_honest_round_checked_by_a_stranger_is_exact_and_is_not_challenged(
    network, proposed, stranger, r3mes, tmp_path
):
    number = proposed[0]["python"]
    code, found, said = r3mes("round", "verify", number, "--pictures", tmp_path / "theirs", "--home", stranger)
    assert (code, found["verdict"], found["on_trust"]) == (0, "EXACT", []), said
    code, shown, said = r3mes("round", "show", number, "--pictures", tmp_path / "ours", "--home", network.home)
    assert (code, len(shown["pictures"])) == (0, 3), said
    ours, theirs = ({path.name: path.read_bytes() for path in (tmp_path / who).iterdir()} for who in ("ours", "theirs"))
    assert ours == theirs
    code, refused, _ = r3mes("round", "verify", number, "--challenge", "--home", stranger, env=ENVIRONMENT)
    assert (code, refused["error"]["type"]) == (1, "NotFraud")
    assert "is EXACT, so it is not challenged" in refused["error"]["message"]


@pytest.fixture(scope="module")
def false_round(network):
    """A round whose only proposer is false_proposer.py, in its challenge phase."""
    parameters = RuleParameters(rank=RANK, min_updates=UPDATES)

    async def prepare():
        phases = replace(PHASES, challenge=1000)
        opened = await open_round(open_chain(network.settings, network.operator), "optics", parameters, phases, "mean")
        for number in range(UPDATES):
            await network._submit(opened, number, open_store(network.settings))
        return opened

    opened = asyncio.run(prepare())
    script = Path(__file__).with_name("false_proposer.py")
    command = [sys.executable, str(script), str(network.home), str(opened.round_id)]
    proposer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **ENVIRONMENT})
    try:
        for step, height in (("query", opened.submit_end), ("reveal", opened.commit_end), ("submit", None)):
            assert step in iter(lambda: proposer.stdout.readline().strip(), ""), f"it ended before {step}"
            if height is not None:
                network.skip_to(height)
    finally:
        proposer.kill()
        proposer.communicate()
    network.skip_to(opened.reveal_end)
    return opened


def test_false_aggregate_is_challenged_with_evidence_that_others_can_read(
    network, false_round, stranger, r3mes, tmp_path
):
    number = false_round.round_id
    code, found, said = r3mes("round", "verify", number, "--home", stranger)
    assert (code, found["verdict"]) == (1, "FRAUD"), said
    code, landed, said = r3mes("round", "verify", number, "--challenge", "--home", stranger, env=ENVIRONMENT)
    assert (code, landed and landed["verdict"]) == (0, "FRAUD"), f"{landed}\n{said}"
    challenge = landed["challenge"]

    async def on_chain(client):
        request = QueryChallengeRequest(challenge_id=challenge["challenge_id"])
        record = (await queries.ask(client, request, QueryChallengeResponse)).challenge
        return record, await queries.aggregation(client, challenge["aggregation_id"])

    record, accused = network.ask(on_chain)
    assert (record.challenger, record.evidence_ipfs_hash) == (challenge["challenger"], challenge["evidence"])
    assert record.bond_amount == challenge["bond"] == "10000000uremes"
    assert (accused.status, accused.aggregate) == ("challenged", landed["cid"])
    asyncio.run(open_store(load_settings(stranger, None)).get(challenge["evidence"], tmp_path / "evidence"))
    told = json.loads((tmp_path / "evidence" / "evidence.json").read_text())
    assert told["verification"]["own_cid"] == landed["own_cid"] != landed["cid"]
    assert (tmp_path / "evidence" / "aggregate" / "adapter_model.safetensors").is_file()
    code, again, said = r3mes("round", "verify", number, "--challenge", "--home", stranger, env=ENVIRONMENT)
    assert (code, again and again["error"]["type"]) == (1, "TxRejected"), said
