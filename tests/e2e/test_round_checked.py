"""Nodes that never met compute the same aggregate, anyone can check it, and what was changed is found.

The updates are full of ties (see rounds.py). Three homes share nothing but the chain and the miners' content: a
proposer, a second proposer, and a checker; each with other threads, kernels and numbers of workers, also in the workers
of the two clusters that fetch and aggregate.
"""

import asyncio
import json

import pytest
from clusters import cluster
from rounds import ENVIRONMENT, Network

from r3mes_ray.chain import open_chain
from r3mes_ray.chain.base import send
from r3mes_ray.content import open_store
from r3mes_ray.node.bootstrap import bootstrap
from r3mes_ray.node.identity import ensure_key
from r3mes_ray.settings import load_settings
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

EXPERT, UPDATES = "python", 6
FIRST = {"OMP_NUM_THREADS": "1", "MKL_CBWR": "COMPATIBLE", "OPENBLAS_CORETYPE": "Prescott"}
SECOND = {"OMP_NUM_THREADS": "2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "default"}
CHECKER = {"OMP_NUM_THREADS": "3", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "ATEN_CPU_CAPABILITY": "avx2"}


@pytest.fixture(scope="module")
def miners(tmp_path_factory, new_home, process, rounds_environment):
    """The miners' content: the store, and the URL at which it is served."""
    home = new_home(tmp_path_factory.mktemp("miners"))
    return open_store(load_settings(home, None)), process("content", "serve", "--home", home, "--json").wait_json()[
        "url"
    ]


@pytest.fixture(scope="module")
def network(tmp_path_factory, new_home, process, ray_address, rounds_environment, miners):
    root = tmp_path_factory.mktemp("checked")
    content = {"kind": "disk", "peers": [miners[1]]}
    training = {"fetch_concurrency": 1}
    return Network(root, new_home, process, ray_address, miners=UPDATES, content=content, training=training)


@pytest.fixture(scope="module")
def second_cluster(rounds_environment):
    with cluster(SECOND, workers=8) as own:
        yield own


@pytest.fixture(scope="module")
def second_proposer(network, new_home, miners, second_cluster):
    """A home whose account proposes too, on a cluster of its own of eight workers, which fetch at a time."""
    home = new_home(
        network.root / "second",
        chain={"grpc_address": network.settings.chain.grpc_address},
        content={"kind": "disk", "peers": [miners[1]]},
        training={"fetch_concurrency": 8},
        ray={"address": second_cluster.address},
    )
    settings = load_settings(home, None)
    key = ensure_key(settings, "operator")

    async def register():
        operator = open_chain(network.settings, network.operator)
        coins = [Coin(denom="uremes", amount="100000000")]
        await send(operator, [MsgSend(from_address=operator.address, to_address=key.address("remes"), amount=coins)])
        await bootstrap(settings, open_chain(settings, key), open_store(settings), lambda line: None)

    asyncio.run(register())
    return home


@pytest.fixture(scope="module")
def rounds(network, process, miners, second_proposer):
    """One round that both proposers ran to its end: (the round, the winner's report, the other's)."""
    opened = network.open_round(EXPERT, updates=UPDATES, store=miners[0])
    network.skip_to(opened.submit_end)
    running = [
        process("round", "run", "--expert", EXPERT, "--home", home, "--json", env=ENVIRONMENT | machine)
        for home, machine in ((network.home, FIRST), (second_proposer, SECOND))
    ]
    for phase, step in ((opened.commit_end, "[8/9] reveal"), (opened.challenge_end, "[9/9] submit")):
        for proposer in running:
            network.wait_for(proposer, step)
        network.skip_to(phase)
    return opened, [proposer.wait_json() for proposer in running]


@pytest.fixture(scope="module")
def checker(network, new_home, process, miners, rounds):
    """A home that was not there."""
    url = process("content", "serve", "--home", network.home, "--json").wait_json()["url"]
    return new_home(
        network.root / "checker",
        chain={"grpc_address": network.settings.chain.grpc_address},
        content={"kind": "disk", "peers": [miners[1], url]},
        model={"threads": 2},
    )


def test_two_proposers_that_never_met_have_the_same_cid(rounds, ray_cluster, second_cluster):
    _, reports = rounds
    assert (ray_cluster.workers, second_cluster.workers) == (2, 8)
    assert (ray_cluster.threads, second_cluster.threads) == (1, 2)
    # Where the processor has no other kernels than torch's default ones, the threads alone differ.
    assert second_cluster.kernels == "DEFAULT"
    assert sorted(report["outcome"] for report in reports) == ["finalized", "superseded"]
    assert [len(report["accepted"]) for report in reports] == [UPDATES, UPDATES]
    assert len({report["cid"] for report in reports}) == 1


def test_a_third_home_verifies_the_round_as_exact(rounds, checker, r3mes):
    opened, reports = rounds
    code, found, said = r3mes("round", "verify", opened.round_id, "--home", checker, env=CHECKER)
    assert (code, found["verdict"]) == (0, "EXACT"), said
    assert found["own_cid"] == found["cid"] == reports[0]["cid"]
    assert found["accepted"] == reports[0]["accepted"]


def changed(text):
    """Proofs with one field that is not what it was."""
    proof = json.loads(text)
    yield proof | {"index": (proof["index"] + 1) % proof["total"]}
    yield proof | {"total": proof["index"] + 1}
    yield proof | {"merkle_root": flipped(proof["merkle_root"])}
    yield proof | {"update": proof["update"] | {"id": proof["update"]["id"] + 1}}
    yield proof | {"update": proof["update"] | {"gradient_hash": flipped(proof["update"]["gradient_hash"])}}
    for number, node in enumerate(proof["path"]):
        yield proof | {"path": [*proof["path"][:number], flipped(node), *proof["path"][number + 1 :]]}
    yield proof | {"path": proof["path"][:-1]}


def flipped(text):
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def test_proof_is_verified_offline_and_a_changed_one_is_refused(network, rounds, r3mes, tmp_path):
    opened, reports = rounds
    chosen = reports[0]["accepted"][2]
    code, proof, _ = r3mes("round", "proof", opened.round_id, "--gradient", chosen, "--home", network.home)
    assert (code, proof["update"]["id"], proof["total"]) == (0, chosen, UPDATES)
    good, bad = tmp_path / "proof.json", tmp_path / "bad.json"
    good.write_text(json.dumps(proof))
    # No home, so no node that could be asked.
    code, said, _ = r3mes("verify", "proof", good, "--home", tmp_path / "nowhere")
    assert (code, said) == (0, {"ok": True, "verified": 1})
    for forged in changed(good.read_text()):
        bad.write_text(json.dumps({"proofs": [proof, forged]}))
        code, said, _ = r3mes("verify", "proof", bad, "--home", tmp_path / "nowhere")
        assert (code, said["error"]["type"]) == (1, "ClaimDiffers"), forged


def test_proof_of_an_update_that_was_not_accepted_is_refused(network, rounds, r3mes):
    code, said, _ = r3mes("round", "proof", rounds[0].round_id, "--gradient", 999, "--home", network.home)
    assert (code, said["error"]["type"]) == (1, "InvalidInput")
