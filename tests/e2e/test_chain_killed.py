"""`kill -9` at random points under load: what a client was told is there, no sequence is missing, the log replays."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.chain.base import SignedTx
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.errors import ChainError
from r3mes_ray.localnet.blocks import genesis_block, next_block
from r3mes_ray.localnet.genesis import genesis_path, read_genesis
from r3mes_ray.localnet.machine import identity_of
from r3mes_ray.localnet.state import EmptyState, Overlay
from r3mes_ray.localnet.store import open_store
from r3mes_ray.settings import ChainSettings, Settings
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin

pytestmark = pytest.mark.e2e

SENDERS = tuple(PrivateKey(bytes((number,)) * 32) for number in (31, 32, 33))
TARGET = PrivateKey(b"\x12" * 32).address("remes")


def _settings(home: Path, address: str) -> Settings:
    return Settings(home=home, chain=ChainSettings(grpc_address=address, inclusion_timeout_s=1))


async def _is_there(settings: Settings, tx: SignedTx) -> bool:
    answer = await queries.transaction(open_chain(settings, None), tx.tx_hash)
    return answer.code == 0


async def _send(settings: Settings, key: PrivateKey, told: list[SignedTx]) -> None:
    """Send one after another until the chain dies; what was included is told."""
    client = open_chain(settings, key)
    coin = Coin(denom="uremes", amount="1")
    message = MsgSend(from_address=key.address("remes"), to_address=TARGET, amount=[coin])
    try:
        while True:
            tx = await client.sign([message], gas=200_000)
            await client.broadcast(tx)
            told.append(tx)
    except ChainError:
        return


async def _load_until_killed(home: Path, address: str, pid: int, delay_s: float) -> list[SignedTx]:
    settings = _settings(home, address)
    told: list[SignedTx] = []
    asyncio.get_running_loop().call_later(delay_s, os.kill, pid, signal.SIGKILL)
    await asyncio.gather(*(_send(settings, key, told) for key in SENDERS))
    return told


@pytest.mark.parametrize("kills", [3, pytest.param(100, marks=pytest.mark.soak)])
def test_chain_killed_at_random_points_loses_nothing(process, tmp_path: Path, kills: int) -> None:
    points = random.Random(kills)
    balances = [f"--genesis-balance={key.address('remes')}=1000000000000uremes" for key in SENDERS]
    told: list[SignedTx] = []
    for _ in range(kills):
        ports = ("--grpc-port", 0, "--rpc-port", 0, "--block-time-ms", 20)
        chain = process("chain", "start", "--home", tmp_path, "--json", *ports, *balances)
        address = chain.wait_json()["grpc"]
        assert not told or asyncio.run(_is_there(_settings(tmp_path, address), told[-1]))
        delay_s = points.uniform(0.2, 1.2)
        told += asyncio.run(_load_until_killed(tmp_path, address, chain.process.pid, delay_s))
        assert chain.process.wait(20) == -signal.SIGKILL
    assert len(told) >= kills
    _check_log(tmp_path, {tx.tx_hash for tx in told})


def _check_log(home: Path, told: set[str]) -> None:
    genesis = read_genesis(genesis_path(Settings(home=home)))
    store = open_store(home / "chain" / "chain.sqlite", genesis)
    executed, state = genesis_block(genesis), Overlay(EmptyState())
    state.writes.update(executed.writes)
    sequences: dict[str, list[int]] = {}
    included = set()
    for height in range(1, store.head.height + 1):
        stored = store.txs(height)
        included |= {one.response.txhash for one in stored if one.response.code == 0}
        for one in stored:
            marks = (a.value for e in one.response.events for a in e.attributes if a.key == "acc_seq")
            account, _, number = next(marks).rpartition("/")
            sequences.setdefault(account, []).append(int(number))
        block = store.block(height)
        txs = [one.raw for one in stored]
        executed = next_block(identity_of(genesis), executed.block, state, block.time_ns, txs)
        state.writes.update(executed.writes)
        assert executed.block.app_hash == block.app_hash
    store.close()
    assert told <= included
    assert all(numbers == list(range(len(numbers))) for numbers in sequences.values())
