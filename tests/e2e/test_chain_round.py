"""One round over the wire: the real client against the chain's process, which is killed between commit and reveal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.message import Message

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.chain.base import send
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.submission import build_submit_gradient
from r3mes_ray.node.ports import free_ports
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.protocol.commitment import commitment_hash
from r3mes_ray.protocol.merkle import UpdateLeaf, merkle_root
from r3mes_ray.settings import ChainSettings, Settings
from r3mes_ray.types import RoundId, TxHash
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgOpenRound, MsgRegisterExpert
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NODE_TYPE_PROPOSER
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgCommitAggregation,
    MsgRegisterNode,
    MsgRevealAggregation,
    MsgSubmitAggregation,
)

pytestmark = pytest.mark.e2e

PROPOSER, *MINERS = (PrivateKey(bytes((number,)) * 32) for number in (0x21, 0x22, 0x23))
ADDRESS = PROPOSER.address("remes")
AGGREGATE = cid_of(b"the aggregate")
SALT = "0f" * 32
VERSION = "tiny/python@0"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (port,) = free_ports(1)
    return Settings(home=tmp_path, chain=ChainSettings(grpc_address=f"127.0.0.1:{port}", inclusion_timeout_s=30))


@pytest.fixture
def start(settings: Settings) -> Iterator:
    running: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        port = settings.chain.grpc_address.rpartition(":")[2]
        command = [sys.executable, "-m", "r3mes_ray.cli.main", "chain", "start", "--json"]
        command += ["--home", str(settings.home), "--grpc-port", port, "--rpc-port", "0", "--block-time-ms", "100"]
        for key in (PROPOSER, *MINERS):
            command += ["--genesis-balance", f"{key.address('remes')}=1000000000uremes"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert json.loads(process.stdout.readline())["chain_id"] == "remes-test"
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_round_goes_on_after_the_chain_was_killed(settings: Settings, start) -> None:
    process = start()
    client = open_chain(settings, PROPOSER)
    hashes = [await _prepare(client)]
    opened = await queries.open_round(client, "python")
    assert opened is not None
    for key in MINERS:
        hashes.append(await _submit_update(settings, key))
    await queries.wait_for_height(client, opened.submit_end)
    updates = await queries.round_updates(client, RoundId(0))
    assert [update.update_id for update in updates] == [0, 1]
    root = merkle_root(
        [UpdateLeaf(u.update_id, u.cid, u.gradient_hash, parse_address(u.miner, "remes")) for u in updates]
    )
    hashes.append(await _one(client, _commit(root)))
    process.send_signal(signal.SIGKILL)
    process.wait()
    start()
    commitment = await queries.commitment(client, RoundId(0), ADDRESS)
    assert (commitment.commitment_id, commitment.status) == (0, "committed")
    await queries.wait_for_height(client, opened.commit_end)
    hashes.append(await _one(client, _reveal(root)))
    await queries.wait_for_height(client, opened.challenge_end)
    hashes.append(await _one(client, _finalise(root)))
    expert = await queries.expert(client, "python")
    assert (expert.version, expert.history[0].adapter) == (1, AGGREGATE)
    assert await queries.open_round(client, "python") is None
    for tx_hash in hashes:
        assert (await queries.transaction(client, tx_hash)).code == 0


async def _one(client, message: Message) -> TxHash:
    return (await send(client, [message])).tx_hash


async def _prepare(client) -> TxHash:
    result = await send(
        client,
        [
            MsgRegisterNode(
                node_address=ADDRESS,
                node_type=NODE_TYPE_PROPOSER,
                roles=[NODE_TYPE_PROPOSER],
                stake=(await queries.params(client)).proposer_stake,
            ),
            MsgRegisterExpert(
                owner=ADDRESS,
                name="python",
                base_model="tiny",
                base_hash="ab" * 32,
                description_cid=cid_of(b"description"),
                bond=Coin(denom="uremes", amount="1000000"),
            ),
            MsgOpenRound(
                proposer=ADDRESS,
                expert="python",
                rule="mean",
                submit_blocks=60,
                commit_blocks=60,
                reveal_blocks=60,
                challenge_blocks=5,
            ),
        ],
    )
    return result.tx_hash


async def _submit_update(settings: Settings, key: PrivateKey) -> TxHash:
    content = key.address("remes").encode()
    message = build_submit_gradient(
        key,
        settings.chain.chain_id,
        cid=cid_of(content),
        gradient_hash="cd" * 32,
        model_version=VERSION,
        round_id=RoundId(0),
        nonce=1,
    )
    return await _one(open_chain(settings, key), message)


def _commit(root: str) -> MsgCommitAggregation:
    account = parse_address(ADDRESS, "remes")
    text = commitment_hash("remes-test", account, 0, VERSION, AGGREGATE, root, [0, 1], SALT)
    return MsgCommitAggregation(
        proposer=ADDRESS, commitment_hash=text, training_round_id=0, participant_gradient_ids=[0, 1]
    )


def _reveal(root: str) -> MsgRevealAggregation:
    return MsgRevealAggregation(
        proposer=ADDRESS,
        commitment_id=0,
        aggregated_gradient_ipfs_hash=AGGREGATE,
        merkle_root=root,
        participant_gradient_ids=[0, 1],
        training_round_id=0,
        model_version=VERSION,
        salt=SALT,
    )


def _finalise(root: str) -> MsgSubmitAggregation:
    return MsgSubmitAggregation(
        proposer=ADDRESS,
        aggregated_gradient_ipfs_hash=AGGREGATE,
        merkle_root=root,
        participant_gradient_ids=[0, 1],
        training_round_id=0,
        model_version=VERSION,
    )
