"""The contract of ChainClient, over a real node in this process: every verb, and what each refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.chain.base import ChainClient, SignedTx, send
from r3mes_ray.chain.codes import code_of
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.tx import hash_of
from r3mes_ray.errors import ChainMismatch, ChainUnavailable, InvalidInput, NotOnChain, TxRejected
from r3mes_ray.localnet import codes
from r3mes_ray.localnet.genesis import genesis_of
from r3mes_ray.localnet.server import Endpoints, serve_chain
from r3mes_ray.settings import Settings
from r3mes_ray.types import Address, RoundId, TxHash
from r3mes_ray.wire.cosmos.bank.v1beta1.query_pb2 import QueryBalanceRequest, QueryBalanceResponse
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend, MsgSendResponse
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.remes.remes.v1.query_pb2 import QueryGetStoredGradientRequest

ALICE, BOB, NOBODY = (PrivateKey(bytes([n]) * 32) for n in (1, 2, 3))
FUNDS = 1_000_000_000


def settings_of(home: Path, **chain: object) -> Settings:
    return Settings.model_validate(
        {"home": home, "chain": chain, "localnet": {"grpc_port": 0, "rpc_port": 0, "block_time_ms": 20}}
    )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Endpoints]:
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    genesis = genesis_of(settings, {ALICE.address("remes"): FUNDS, BOB.address("remes"): FUNDS})
    serving = asyncio.create_task(serve_chain(settings, genesis, ready=ready.set_result, stop=stop))
    await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    try:
        yield ready.result()
    finally:
        stop.set()
        await serving


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Settings]:
    async with running(settings_of(tmp_path)) as endpoints:
        yield settings_of(tmp_path, grpc_address=endpoints.grpc)


@pytest.fixture
def alice(node: Settings) -> ChainClient:
    return open_chain(node, ALICE)


def pay(sender: Address, amount: int = 5, to: PrivateKey = BOB) -> MsgSend:
    return MsgSend(
        from_address=sender, to_address=to.address("remes"), amount=[Coin(denom="uremes", amount=str(amount))]
    )


async def test_status_names_chain_and_height(alice: ChainClient) -> None:
    first = await alice.status()
    assert first.chain_id == "remes-test"
    await send(alice, [pay(alice.address)])
    later = await alice.status()
    assert later.height > first.height
    assert datetime.fromisoformat(later.time) > datetime.fromisoformat(first.time)


async def test_send_moves_coins_and_takes_the_fee(alice: ChainClient) -> None:
    result = await send(alice, [pay(alice.address, 7)], memo="seven")
    assert [type(answer) for answer in result.responses] == [MsgSendResponse]
    record = await queries.transaction(alice, result.tx_hash)
    assert (record.height, record.code, record.memo) == (result.height, 0, "seven")
    assert record.messages == ("/cosmos.bank.v1beta1.MsgSend",)
    fee = -(-record.gas_wanted * 25 // 1000)
    assert await queries.balance(alice, alice.address, "uremes") == FUNDS - 7 - fee
    assert await queries.balance(alice, BOB.address("remes"), "uremes") == FUNDS + 7
    assert record.gas_used < record.gas_wanted
    assert any(event.type == "transfer" for event in result.events)


async def test_query_block_of_a_transaction_lists_it(alice: ChainClient) -> None:
    result = await send(alice, [pay(alice.address)])
    block = await queries.block(alice, result.height)
    assert block.transactions == (result.tx_hash,)
    assert (await queries.block(alice)).height >= result.height


async def test_query_of_what_is_not_there_says_so(alice: ChainClient) -> None:
    with pytest.raises(NotOnChain):
        await alice.query(QueryGetStoredGradientRequest(id=0))
    with pytest.raises(NotOnChain):
        await queries.transaction(alice, TxHash("AB" * 32))
    with pytest.raises(NotOnChain):
        await queries.round_of(alice, RoundId(0))
    assert await queries.commitment(alice, RoundId(0), alice.address) is None
    assert await queries.node_registration(alice, alice.address) is None
    assert await queries.experts(alice) == []


async def test_query_answer_has_its_type(alice: ChainClient) -> None:
    answer = await alice.query(QueryBalanceRequest(address=alice.address, denom="uremes"))
    assert isinstance(answer, QueryBalanceResponse)
    assert answer.balance.amount == str(FUNDS)


async def test_query_the_node_refuses_is_invalid(alice: ChainClient) -> None:
    with pytest.raises(InvalidInput):
        await alice.query(QueryBalanceRequest(address="remes1nonsense", denom="uremes"))
    with pytest.raises(InvalidInput):
        await alice.query(pay(alice.address))


async def test_params_are_those_of_the_genesis(alice: ChainClient) -> None:
    found = await queries.params(alice)
    assert (found.rule_set, found.denom, found.submit_blocks) == ("v2", "uremes", 120)


async def test_sign_too_little_funds_is_rejected_by_code(alice: ChainClient) -> None:
    with pytest.raises(TxRejected) as caught:
        await alice.sign([pay(alice.address, 2 * FUNDS)])
    assert (caught.value.codespace, caught.value.code, caught.value.height) == ("sdk", 5, 0)
    assert (await send(alice, [pay(alice.address)])).height > 0


async def test_broadcast_fails_in_the_block_is_rejected_with_its_height(alice: ChainClient) -> None:
    tx = await alice.sign([pay(alice.address, 2 * FUNDS)], gas=200_000)
    with pytest.raises(TxRejected) as caught:
        await alice.broadcast(tx)
    assert (caught.value.codespace, caught.value.code) == ("sdk", 5)
    assert caught.value.height > 0
    assert (await queries.account(alice, alice.address)).sequence == 1


async def test_sign_unknown_account_says_so(node: Settings) -> None:
    with pytest.raises(NotOnChain):
        await open_chain(node, NOBODY).sign([pay(NOBODY.address("remes"))])


async def test_sign_for_another_account_is_rejected(alice: ChainClient) -> None:
    with pytest.raises(TxRejected) as caught:
        await send(alice, [pay(BOB.address("remes"))], gas=200_000)
    assert caught.value.codespace == "sdk"
    assert caught.value.code in (4, 8)
    assert await queries.balance(alice, BOB.address("remes"), "uremes") == FUNDS


async def test_sign_price_too_low_is_rejected_by_code(node: Settings) -> None:
    cheap = node.model_copy(update={"chain": node.chain.model_copy(update={"gas_price": "0.001"})})
    with pytest.raises(TxRejected) as caught:
        await send(open_chain(cheap, ALICE), [pay(ALICE.address("remes"))])
    assert (caught.value.codespace, caught.value.code) == ("sdk", 13)


async def test_broadcast_wrong_sequence_is_rejected_and_send_recovers(node: Settings, alice: ChainClient) -> None:
    stale = await alice.sign([pay(alice.address)], gas=100_000)
    await send(open_chain(node, ALICE), [pay(alice.address, 6)])
    with pytest.raises(TxRejected) as caught:
        await alice.broadcast(stale)
    assert (caught.value.codespace, caught.value.code, caught.value.height) == ("sdk", 32, 0)
    assert (await send(alice, [pay(alice.address)])).height > 0


async def test_send_two_clients_of_one_account_both_get_through(node: Settings) -> None:
    clients = [open_chain(node, ALICE), open_chain(node, ALICE)]
    for amount in range(1, 4):
        for client in clients:
            await send(client, [pay(client.address, amount)])
    assert (await queries.account(clients[0], clients[0].address)).sequence == 6


async def test_send_twenty_at_once_are_all_included_once(alice: ChainClient) -> None:
    results = await asyncio.gather(*(send(alice, [pay(alice.address, n + 1)]) for n in range(20)))
    assert len({result.tx_hash for result in results}) == 20
    assert (await queries.account(alice, alice.address)).sequence == 20
    assert await queries.balance(alice, BOB.address("remes"), "uremes") == FUNDS + sum(range(1, 21))


async def test_broadcast_same_bytes_twice_is_one_transaction(node: Settings, alice: ChainClient) -> None:
    tx = await alice.sign([pay(alice.address)])
    first, second = await asyncio.gather(alice.broadcast(tx), open_chain(node, ALICE).broadcast(tx))
    third = await open_chain(node, ALICE).broadcast(tx)
    assert first == second == third
    assert await queries.balance(alice, BOB.address("remes"), "uremes") == FUNDS + 5


async def test_broadcast_bytes_that_are_no_transaction_are_rejected(alice: ChainClient) -> None:
    raw = b"\x0a\xff\xff"
    with pytest.raises(TxRejected) as caught:
        await alice.broadcast(SignedTx(raw, hash_of(raw), 0, 0))
    assert (caught.value.codespace, caught.value.code) == ("sdk", 2)


async def test_broadcast_forged_signature_is_rejected(alice: ChainClient) -> None:
    tx = await alice.sign([pay(alice.address)])
    raw = tx.raw[:-1] + bytes([tx.raw[-1] ^ 1])
    with pytest.raises(TxRejected) as caught:
        await alice.broadcast(SignedTx(raw, hash_of(raw), tx.sequence, tx.timeout_height))
    assert (caught.value.codespace, caught.value.code) == ("sdk", 4)


async def test_broadcast_past_its_timeout_height_is_rejected(node: Settings) -> None:
    brief = node.model_copy(update={"chain": node.chain.model_copy(update={"timeout_blocks": 1})})
    client, other = open_chain(brief, ALICE), open_chain(node, BOB)
    tx = await client.sign([pay(client.address)])
    for _ in range(3):
        await send(other, [pay(other.address, to=ALICE)])
    with pytest.raises(TxRejected) as caught:
        await client.broadcast(tx)
    assert (caught.value.codespace, caught.value.code, caught.value.height) == ("sdk", 30, 0)


async def test_client_of_another_chain_signs_nothing(node: Settings) -> None:
    other = node.model_copy(update={"chain": node.chain.model_copy(update={"chain_id": "remes-1"})})
    client = open_chain(other, ALICE)
    for action in (client.status(), queries.params(client), client.sign([pay(client.address)], gas=1)):
        with pytest.raises(ChainMismatch):
            await action


async def test_client_without_node_is_unavailable(tmp_path: Path) -> None:
    client = open_chain(settings_of(tmp_path, grpc_address="127.0.0.1:1"), ALICE)
    for action in (client.status(), queries.params(client), client.sign([pay(client.address)], gas=1)):
        with pytest.raises(ChainUnavailable):
            await action


async def test_broadcast_node_restarted_meanwhile_is_included_once(tmp_path: Path) -> None:
    async with running(settings_of(tmp_path)) as endpoints:
        client = open_chain(settings_of(tmp_path, grpc_address=endpoints.grpc), ALICE)
        await send(client, [pay(client.address)])
        tx = await client.sign([pay(client.address, 6)])
    sending = asyncio.create_task(client.broadcast(tx))
    await asyncio.sleep(0)
    port = int(endpoints.grpc.rpartition(":")[2])
    again = Settings.model_validate(
        {"home": tmp_path, "localnet": {"grpc_port": port, "rpc_port": 0, "block_time_ms": 20}}
    )
    async with running(again):
        assert (await sending).tx_hash == tx.tx_hash
        assert await queries.balance(client, BOB.address("remes"), "uremes") == FUNDS + 11


@pytest.mark.parametrize(
    "code", [value for value in vars(codes).values() if isinstance(value, codes.Code)], ids=lambda code: code.text
)
def test_code_of_every_refusal_of_the_node_is_understood(code: codes.Code) -> None:
    sentence = f"{codes.Refused(code, 'some: detail')} (codespace {code.codespace}, code {code.number})"
    assert code_of(sentence) == (code.codespace, code.number)
