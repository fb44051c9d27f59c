"""Sends through the embedded chain: signed, broadcast and included; signing beside CosmJS."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from r3mes_ray.bench.cosmjs import CosmJs
from r3mes_ray.bench.report import Report, Row, machine, row
from r3mes_ray.chain import open_chain, queries
from r3mes_ray.chain.base import ChainClient, SignedTx
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import Coin
from r3mes_ray.chain.tx import Signer, Terms, coin_messages, sign_tx
from r3mes_ray.errors import TxRejected
from r3mes_ray.node.chain_process import ChainProcess
from r3mes_ray.node.ports import free_ports
from r3mes_ray.node.up import dump_settings
from r3mes_ray.settings import Settings
from r3mes_ray.types import TxHash
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.tx.v1beta1 import service_pb2 as service

CACHE = Path(".cache")
SENDS, ACCOUNTS, BLOCK_TIME_MS = 10_000, 16, 250
_GAS, _FEE, _FUNDS = 200_000, 5_000, 10**10
_SIGNATURES, _REPEATS = 500, 5
_MEMPOOL_FULL = ("sdk", 20)
_KEYS = [PrivateKey(bytes([number + 1]) * 32) for number in range(ACCOUNTS)]

Say = Callable[[str], None]


@dataclass(slots=True)
class Times:
    """When each transaction was taken by the node, and when a block with it was seen."""

    taken: dict[TxHash, float] = field(default_factory=dict)
    included: dict[TxHash, float] = field(default_factory=dict)

    def waits(self) -> list[float]:
        """Seconds from taken to included, ascending."""
        return sorted(self.included[name] - moment for name, moment in self.taken.items())


def measure(settings: Settings, say: Say) -> Report:
    """Run a chain of its own in a fresh home and send 10,000 transactions from 16 accounts through it."""
    home = settings.home / "bench"
    with CosmJs(CACHE) as peer:
        say(f"signing: {_REPEATS} times {_SIGNATURES} transactions, ours and CosmJS's in turn")
        signing = _signing(peer)
    shutil.rmtree(home / "chain-run", ignore_errors=True)
    grpc, rpc = free_ports(2)
    own = settings.model_copy(
        update={
            "home": home / "chain-run",
            "chain": settings.chain.model_copy(update={"grpc_address": f"127.0.0.1:{grpc}"}),
            "localnet": settings.localnet.model_copy(
                update={"grpc_port": grpc, "rpc_port": rpc, "block_time_ms": BLOCK_TIME_MS}
            ),
        }
    )
    return Report(machine(), (signing, *asyncio.run(_load(own, say))))


def _signing(peer: CosmJs) -> Row:
    _sign(_KEYS[0], 1, 0, 20)
    peer.seconds(20)
    ours, theirs = [], []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        _sign(_KEYS[0], 1, 0, _SIGNATURES)
        ours.append(_SIGNATURES / (time.perf_counter() - began))
        theirs.append(_SIGNATURES / peer.seconds(_SIGNATURES))
    return row("signed", ours, "tx/s", lower_is_better=False, peer="CosmJS 0.39.0", peer_samples=theirs)


def _sign(key: PrivateKey, account_number: int, first: int, count: int, chain_id: str = "remes-test") -> list[SignedTx]:
    address = key.address("remes")
    message = MsgSend(from_address=address, to_address=address, amount=coin_messages([Coin(1, "uremes")]))
    terms = Terms(_GAS, (Coin(_FEE, "uremes"),))
    return [
        sign_tx(key, [message], Signer(chain_id, account_number, sequence), terms)
        for sequence in range(first, first + count)
    ]


async def _load(settings: Settings, say: Say) -> list[Row]:
    config = dump_settings(settings, "config.yaml")
    balances = [f"{key.address(settings.chain.bech32_prefix)}={_FUNDS}{settings.chain.denom}" for key in _KEYS]
    process = ChainProcess(settings, config, balances, say)
    await process.start()
    try:
        client = open_chain(settings, None)
        say(f"signing {SENDS} transactions of {ACCOUNTS} accounts")
        batches = [await _batch(client, settings, key) for key in _KEYS]
        say("sending them")
        return await _sent(client, batches)
    finally:
        await process.stop()


async def _batch(client: ChainClient, settings: Settings, key: PrivateKey) -> list[SignedTx]:
    found = await queries.account(client, key.address(settings.chain.bech32_prefix))
    return _sign(key, found.number, found.sequence, SENDS // ACCOUNTS, settings.chain.chain_id)


async def _sent(client: ChainClient, batches: Sequence[list[SignedTx]]) -> list[Row]:
    times, total = Times(), sum(map(len, batches))
    height = (await client.status()).height
    began = time.perf_counter()
    watching = asyncio.create_task(_watch(client, times, height + 1, total))
    await asyncio.gather(*(_hand_over(client, batch, times) for batch in batches))
    handed = time.perf_counter()
    await watching
    ended, waits = time.perf_counter(), times.waits()
    return [
        row("broadcast", [total / (handed - began)], "tx/s", lower_is_better=False),
        row("included", [total / (ended - began)], "tx/s", lower_is_better=False),
        row("from broadcast to block, p50", [waits[len(waits) // 2]], "s"),
        row("from broadcast to block, p99", [waits[len(waits) * 99 // 100]], "s"),
    ]


async def _hand_over(client: ChainClient, batch: list[SignedTx], times: Times) -> None:
    """Broadcast one account's transactions in order; a full mempool is tried again."""
    for tx in batch:
        request = service.BroadcastTxRequest(tx_bytes=tx.raw, mode=service.BROADCAST_MODE_SYNC)
        while True:
            answer = (await queries.ask(client, request, service.BroadcastTxResponse)).tx_response
            if not answer.code:
                break
            if (answer.codespace, answer.code) != _MEMPOOL_FULL:
                raise TxRejected(answer.codespace, answer.code, answer.raw_log, tx.tx_hash, 0)
            await asyncio.sleep(BLOCK_TIME_MS / 1000)
        times.taken[tx.tx_hash] = time.perf_counter()


async def _watch(client: ChainClient, times: Times, height: int, total: int) -> None:
    """Read each block as it comes, until all transactions are in one."""
    while len(times.included) < total:
        await queries.wait_for_height(client, height, poll_s=0.05)
        seen = await queries.block(client, height)
        now = time.perf_counter()
        times.included.update((name, now) for name in seen.transactions)
        height += 1
