"""Rounds as miners and a proposer live them: processes of their own, a real chain, updates that were really trained."""

import asyncio
import os
import secrets
import signal
import time
from types import SimpleNamespace

import pytest
import torch
from rounds import ENVIRONMENT

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.chain.base import send
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.submission import build_submit_gradient
from r3mes_ray.content import cid_of_path, open_store
from r3mes_ray.models.adapters import UpdateOrigin, make_package, read_package, write_package
from r3mes_ray.node.bootstrap import bootstrap, shipped_experts
from r3mes_ray.node.identity import ensure_key
from r3mes_ray.settings import load_settings
from r3mes_ray.types import RoundId
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

EXPERT = "python"
MINERS = ("alice", "bob", "carol")
PHASES = {"submit_blocks": 60, "commit_blocks": 240, "reveal_blocks": 120, "challenge_blocks": 3, "block_time_ms": 200}
TRAINING = {"target_rank": 8, "mining": {"rank": 4, "steps": 6, "batch": 2, "window_tokens": 32, "learning_rate": 0.01}}


@pytest.fixture(scope="module")
def network(tmp_path_factory, new_home, process, rounds_environment, ray_address):
    """A chain with the shipped experts, a proposer, and three miners who share one content store."""
    root = tmp_path_factory.mktemp("network")
    home = new_home(root / "node", localnet=PHASES, training=TRAINING, ray={"address": ray_address})
    settings = load_settings(home, None)
    operator = ensure_key(settings, "operator")

    def start_chain():
        flags = ("--genesis-balance", f"{operator.address('remes')}=1000000000000uremes")
        started = process("chain", "start", *flags, "--home", home, "--json", env=ENVIRONMENT)
        started.wait_json()
        return started

    chain = start_chain()
    homes = {name: miner_home(root / name, home, new_home) for name in MINERS}
    keys = {name: ensure_key(load_settings(path, None), "operator") for name, path in homes.items()}
    bad = PrivateKey(secrets.token_bytes(32))

    async def prepare():
        client = open_chain(settings, operator)
        await bootstrap(settings, client, open_store(settings), lambda line: None)
        coins = [Coin(denom="uremes", amount="5000000")]
        receivers = [key.address("remes") for key in (*keys.values(), bad)]
        await send(client, [MsgSend(from_address=client.address, to_address=to, amount=coins) for to in receivers])

    asyncio.run(prepare())
    return SimpleNamespace(home=home, settings=settings, homes=homes, chain=chain, start_chain=start_chain, bad=bad)


def miner_home(folder, node, new_home):
    content = {"kind": "disk", "path": str(node / "content")}
    address = load_settings(node, None).chain.grpc_address
    return new_home(folder, chain={"grpc_address": address}, content=content, training=TRAINING)


def start_miners(network, process, tmp_path):
    """Each miner trains on a third of the expert's text; they are left waiting for a round."""
    text = next(item for item in shipped_experts() if item.name == EXPERT).folder.joinpath("train.txt").read_text()
    third = len(text) // 3
    miners = []
    for number, (name, home) in enumerate(network.homes.items()):
        data = tmp_path / f"{name}.txt"
        data.write_text(text[number * third : (number + 1) * third])
        flags = ("--method", "lora") if (number, network_version(network)) == (1, 0) else ()
        arguments = ("mine", "--expert", EXPERT, "--data", data, "--seed", number, *flags)
        miners.append(process(*arguments, "--home", home, "--json", env=ENVIRONMENT))
    for miner in miners:
        wait_for(lambda miner=miner: "waiting for a round" in miner.text, miner)
    return miners


def wait_for(happened, running, timeout_s=300):
    until = time.monotonic() + timeout_s
    while not happened():
        assert running.process.poll() in (None, 0), running.text
        assert time.monotonic() < until, running.text
        time.sleep(0.2)


def ask(network, question):
    return asyncio.run(question(open_chain(network.settings, None)))


def network_version(network):
    return ask(network, lambda client: queries.expert(client, EXPERT)).version


async def submit_changed(network, round_id, like, change, *, version, folder):
    """A miner who hands in another's update with changed tensors, whose bytes are what the chain says they are."""
    client, store = open_chain(network.settings, network.bad), open_store(network.settings)
    await store.get(like, folder / "like")
    good = read_package(folder / "like", max_bytes=2**30)
    tensors = {name: change(name, tensor.clone()) for name, tensor in good.tensors.items()}
    base, origin = good.manifest.base_id, UpdateOrigin(client.address, round_id)
    package = make_package(good.config, tensors, base_id=base, expert=EXPERT, version=version, origin=origin)
    write_package(package, folder / "changed")
    message = build_submit_gradient(
        network.bad,
        network.settings.chain.chain_id,
        cid=cid_of_path(folder / "changed"),
        gradient_hash=package.manifest.gradient_hash,
        model_version=f"{base}/{EXPERT}@{version - 1}",
        round_id=round_id,
        nonce=await queries.next_nonce(client),
    )
    await send(client, [message])
    await store.add(folder / "changed")


def with_nan(name, tensor):
    tensor.view(-1)[0] = torch.nan
    return tensor


def in_another_gauge(name, tensor):
    """The same product of other factors."""
    return tensor * {"lora_A.weight": 3.0, "lora_B.weight": 1 / 3.0}.get(name[-13:], 1.0)


@pytest.fixture(scope="module")
def first_round(network, process, tmp_path_factory):
    """What three miners and a proposer said, and a fourth whose update has a NaN."""
    folder = tmp_path_factory.mktemp("first")
    miners = start_miners(network, process, folder)
    proposer = process("round", "run", "--expert", EXPERT, "--home", network.home, "--json", env=ENVIRONMENT)
    wait_for(lambda: "opened round" in proposer.text, proposer)
    updates = [miner.wait_json() for miner in miners]
    round_id, cid = RoundId(updates[0]["round_id"]), updates[0]["cid"]
    asyncio.run(submit_changed(network, round_id, cid, with_nan, version=1, folder=folder))
    report = proposer.wait_json()
    assert report.get("outcome") == "finalized", f"{report}\n{proposer.text}"
    return SimpleNamespace(updates=updates, report=report)


def test_round_of_trained_updates_and_a_nan_makes_the_next_version(network, first_round, r3mes, tmp_path):
    updates, report = first_round.updates, first_round.report
    assert [update["method"] for update in updates] == ["dora", "lora", "dora"]
    assert report["version"] == 1
    assert sorted(report["accepted"]) == sorted(update["update_id"] for update in updates)
    assert [entry["rule"] for entry in report["excluded"]] == ["finite"]
    assert [entry["step"] for entry in report["transactions"]] == ["commit", "reveal", "submit"]
    expert = ask(network, lambda client: queries.expert(client, EXPERT))
    assert (expert.version, expert.adapter) == (1, report["cid"])
    aggregate = asyncio.run(fetched(network, report["cid"], tmp_path))
    assert aggregate.config.use_dora
    assert list(aggregate.manifest.origin.accepted) == report["accepted"]
    code, listed, _ = r3mes("round", "list", "--expert", EXPERT, "--home", network.home)
    assert (code, [(entry["round_id"], entry["phase"]) for entry in listed]) == (0, [(report["round_id"], "done")])
    code, status, _ = r3mes("round", "status", "--home", network.home)
    assert (code, status) == (0, report | {"seconds": []})
    code, shown, _ = r3mes("round", "show", report["round_id"], "--home", network.home)
    assert (code, shown["report"]["cid"], len(shown["updates"])) == (0, report["cid"], 4)


async def fetched(network, cid, tmp_path):
    await open_store(network.settings).get(cid, tmp_path / "aggregate")
    return read_package(tmp_path / "aggregate", max_bytes=2**30)


def test_round_whose_chain_is_killed_after_the_commit_is_resumed_and_commits_nothing_twice(
    network, first_round, process, r3mes, tmp_path
):
    """And refuses an update of the first round that comes again in other bytes."""
    started = network_version(network)
    miners = start_miners(network, process, tmp_path)
    proposer = process("round", "run", "--expert", EXPERT, "--home", network.home, "--json", env=ENVIRONMENT)
    wait_for(lambda: "opened round" in proposer.text, proposer)
    round_id = RoundId([miner.wait_json()["round_id"] for miner in miners][-1])
    old = first_round.updates[0]
    asyncio.run(submit_changed(network, round_id, old["cid"], in_another_gauge, version=started + 1, folder=tmp_path))
    wait_for(lambda: "[8/9] reveal" in proposer.text, proposer)
    os.kill(network.chain.process.pid, signal.SIGKILL)
    network.chain.process.wait(20)
    proposer.stop(signal.SIGINT)
    assert "[9/9]" not in proposer.text
    network.chain = network.start_chain()
    before = ask(network, lambda client: queries.commitment(client, round_id, opened_by(network)))
    code, report, said = r3mes("round", "resume", "--home", network.home)
    assert code == 0, said
    assert (report["round_id"], report["outcome"], report["version"]) == (round_id, "finalized", started + 1)
    (refused,) = report["excluded"]
    assert refused["rule"] == "stale"
    assert refused["detail"].startswith(f"is update {old['update_id']} of version 1 again")
    assert "commit" not in [line.split()[-1] for line in said.splitlines() if line.startswith("[")]
    after = ask(network, lambda client: queries.commitment(client, round_id, opened_by(network)))
    assert (after.commitment_id, after.committed_height) == (before.commitment_id, before.committed_height)
    assert after.commitment_hash == before.commitment_hash
    assert network_version(network) == started + 1


def opened_by(network):
    return ensure_key(network.settings, "operator").address("remes")
