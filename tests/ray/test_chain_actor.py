"""The actor that signs for an account: a real Ray, a real node, errors that arrive as themselves."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from r3mes_ray.chain import queries
from r3mes_ray.chain.actor import ActorChainClient, actor_name, chain_actor, stop_chain_actor
from r3mes_ray.chain.base import send
from r3mes_ray.chain.keyring import Keyring
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.errors import ChainUnavailable, KeyNotFound, NotOnChain, TxRejected, WrongPassphrase
from r3mes_ray.localnet.genesis import genesis_of
from r3mes_ray.localnet.server import Endpoints, serve_chain
from r3mes_ray.settings import Settings
from r3mes_ray.types import RoundId
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend, MsgSendResponse
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin

pytestmark = pytest.mark.ray

ALICE, BOB = PrivateKey(b"\x01" * 32), PrivateKey(b"\x02" * 32)
PASSPHRASE = "words of the test"
FUNDS = 1_000_000_000


def run_node(settings: Settings, ready: Future[tuple[Endpoints, asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        genesis = genesis_of(settings, {ALICE.address("remes"): FUNDS})
        await serve_chain(settings, genesis, ready=lambda found: ready.set_result((found, loop, stop)), stop=stop)

    try:
        asyncio.run(serve())
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Settings]:
    """A node in a thread of its own, and a home whose passphrase lies in a file."""
    keyring = Keyring(tmp_path / "keyring")
    keyring.save("alice", ALICE, PASSPHRASE)
    keyring.save("bob", BOB, PASSPHRASE)
    (tmp_path / "keyring" / "passphrase").write_text(PASSPHRASE)
    local = {"grpc_port": 0, "rpc_port": 0, "block_time_ms": 20}
    ready: Future[tuple[Endpoints, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    settings = Settings.model_validate({"home": tmp_path, "localnet": local})
    thread = threading.Thread(target=run_node, args=(settings, ready))
    thread.start()
    endpoints, loop, stop = ready.result(timeout=30)
    yield settings.model_copy(update={"chain": settings.chain.model_copy(update={"grpc_address": endpoints.grpc})})
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.fixture
def alice(ray_cluster: object, node: Settings) -> Iterator[ActorChainClient]:
    yield chain_actor(node, "alice")
    stop_chain_actor(node, "alice")


def pay(amount: int) -> MsgSend:
    coins = [Coin(denom="uremes", amount=str(amount))]
    return MsgSend(from_address=ALICE.address("remes"), to_address=BOB.address("remes"), amount=coins)


async def test_actor_signs_sends_and_answers(alice: ActorChainClient) -> None:
    assert alice.address == ALICE.address("remes")
    assert (await alice.status()).chain_id == "remes-test"
    result = await send(alice, [pay(5)])
    assert [type(answer) for answer in result.responses] == [MsgSendResponse]
    assert await queries.balance(alice, BOB.address("remes"), "uremes") == 5


async def test_actor_is_one_for_an_account_and_owns_its_sequence(alice: ActorChainClient, node: Settings) -> None:
    clients = [alice, chain_actor(node, "alice"), pickle.loads(pickle.dumps(alice))]
    results = await asyncio.gather(*(send(clients[n % 3], [pay(n + 1)]) for n in range(12)))
    assert len({result.tx_hash for result in results}) == 12
    assert (await queries.account(alice, alice.address)).sequence == 12


async def test_actor_errors_arrive_as_themselves(alice: ActorChainClient) -> None:
    with pytest.raises(NotOnChain) as missing:
        await queries.round_of(alice, RoundId(0))
    assert type(missing.value) is NotOnChain
    with pytest.raises(TxRejected) as refused:
        await alice.sign([pay(2 * FUNDS)])
    assert type(refused.value) is TxRejected
    assert (refused.value.codespace, refused.value.code) == ("sdk", 5)


async def test_actor_killed_comes_back_with_the_chains_sequence(alice: ActorChainClient, node: Settings) -> None:
    import ray

    await send(alice, [pay(1)])
    handle = ray.get_actor(actor_name("remes-test", alice.address), "r3mes")
    ray.kill(handle, no_restart=False)
    for _ in range(100):
        try:
            await send(alice, [pay(2)])
            break
        except ChainUnavailable:
            await asyncio.sleep(0.1)
    assert (await queries.account(alice, alice.address)).sequence == 2


async def test_actor_wrong_passphrase_says_so(ray_cluster: object, node: Settings) -> None:
    assert "R3MES_KEYRING_PASSPHRASE" not in os.environ
    (node.home / "keyring" / "passphrase").write_text("other words")
    client = chain_actor(node, "bob")
    try:
        with pytest.raises(WrongPassphrase):
            await client.sign([pay(1)], gas=1)
    finally:
        stop_chain_actor(node, "bob")


def test_actor_unknown_key_says_so(ray_cluster: object, node: Settings) -> None:
    with pytest.raises(KeyNotFound):
        chain_actor(node, "carol")
