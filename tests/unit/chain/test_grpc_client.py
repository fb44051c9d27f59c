from __future__ import annotations

import asyncio

import pytest

from r3mes_ray.chain.base import send
from r3mes_ray.chain.grpc_client import GrpcChainClient
from r3mes_ray.chain.tx import hash_of
from r3mes_ray.errors import (
    ChainMismatch,
    ChainUnavailable,
    ConfigError,
    InvalidInput,
    NotOnChain,
    TxRejected,
    TxUnknown,
)
from r3mes_ray.settings import ChainSettings
from r3mes_ray.wire.cosmos.auth.v1beta1.query_pb2 import QueryAccountRequest
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend, MsgSendResponse
from r3mes_ray.wire.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, TxBody, TxRaw

MESSAGE = MsgSend(from_address="a", to_address="b")


async def test_sign_uses_chain_number_sequence_gas_and_timeout(client: GrpcChainClient) -> None:
    tx = await client.sign([MESSAGE], memo="hello")
    raw = TxRaw.FromString(tx.raw)
    auth, body = AuthInfo.FromString(raw.auth_info_bytes), TxBody.FromString(raw.body_bytes)
    assert (tx.sequence, auth.signer_infos[0].sequence) == (3, 3)
    assert auth.fee.gas_limit == 70_000
    assert [(coin.amount, coin.denom) for coin in auth.fee.amount] == [("1750", "uremes")]
    assert tx.timeout_height == body.timeout_height == 127
    assert body.memo == "hello"
    assert tx.tx_hash == hash_of(tx.raw)


async def test_broadcast_included_gives_height_and_responses(client: GrpcChainClient, node) -> None:
    result = await client.broadcast(await client.sign([MESSAGE]))
    assert (result.height, result.gas_used) == (8, 48_000)
    assert isinstance(result.responses[0], MsgSendResponse)
    assert result.responses[1].type_url == "/un.Known"


async def test_sign_twenty_at_a_time_uses_every_sequence_once(client: GrpcChainClient, node) -> None:
    results = await asyncio.gather(*(send(client, [MESSAGE], memo=str(i)) for i in range(20)))
    assert len({result.tx_hash for result in results}) == 20
    assert node.taken == list(range(3, 23))


async def test_broadcast_out_of_order_is_handed_over_in_order(client: GrpcChainClient, node) -> None:
    signed = [await client.sign([MESSAGE], gas=1, memo=str(i)) for i in range(5)]
    await asyncio.gather(*(client.broadcast(tx) for tx in reversed(signed)))
    assert node.taken == [3, 4, 5, 6, 7]


async def test_send_another_wallet_used_the_sequence_signs_again(client: GrpcChainClient, node) -> None:
    await send(client, [MESSAGE])
    node.sequence += 4
    await send(client, [MESSAGE], gas=1)
    assert node.taken == [3, 8]


async def test_send_signed_but_never_sent_holds_others_only_for_a_while(client: GrpcChainClient, node) -> None:
    await client.sign([MESSAGE], gas=1)
    await send(client, [MESSAGE], gas=1, memo="later")
    assert node.taken == [3]


async def test_broadcast_wrong_sequence_is_refused_and_the_next_one_is_right(client: GrpcChainClient, node) -> None:
    tx = await client.sign([MESSAGE], gas=1)
    node.sequence = 9
    with pytest.raises(TxRejected) as caught:
        await client.broadcast(tx)
    assert (caught.value.codespace, caught.value.code, caught.value.height) == ("sdk", 32, 0)
    assert (await client.sign([MESSAGE], gas=1)).sequence == 9


async def test_sign_others_wait_in_the_mempool_simulates_with_what_the_node_expects(
    client: GrpcChainClient, node
) -> None:
    node.auto_include = False
    first = await client.sign([MESSAGE])
    node.sequence += 1
    second = await client.sign([MESSAGE])
    assert (first.sequence, second.sequence) == (3, 4)


async def test_broadcast_same_bytes_twice_is_one_transaction(client: GrpcChainClient, node) -> None:
    tx = await client.sign([MESSAGE])
    first, second = await client.broadcast(tx), await client.broadcast(tx)
    assert first == second
    assert node.taken == [3]
    assert (await client.sign([MESSAGE])).sequence == 4


async def test_broadcast_answer_lost_finds_the_transaction(client: GrpcChainClient, node) -> None:
    node.lose_answers = 1
    result = await client.broadcast(await client.sign([MESSAGE]))
    assert result.height == 8
    assert node.taken == [3]


async def test_broadcast_node_down_for_a_while_sends_the_same_bytes_again(client: GrpcChainClient, node) -> None:
    tx = await client.sign([MESSAGE])
    node.down = 10
    assert (await client.broadcast(tx)).tx_hash == tx.tx_hash
    assert node.taken == [3]


async def test_broadcast_node_lost_its_mempool_sends_the_same_bytes_again(client: GrpcChainClient, node) -> None:
    node.auto_include = False
    tx = await client.sign([MESSAGE])
    sending = asyncio.create_task(client.broadcast(tx))
    while not node.mempool:
        await asyncio.sleep(0)
    node.crash()
    node.auto_include = True
    assert (await sending).tx_hash == tx.tx_hash
    assert set(node.offered) == {tx.raw}


async def test_broadcast_mempool_full_is_tried_again(client: GrpcChainClient, node) -> None:
    node.full = 3
    assert (await client.broadcast(await client.sign([MESSAGE]))).height == 8
    assert len(node.offered) == 4


async def test_broadcast_never_included_is_unknown_with_its_hash(client: GrpcChainClient, node) -> None:
    node.auto_include = False
    tx = await client.sign([MESSAGE])
    with pytest.raises(TxUnknown) as caught:
        await client.broadcast(tx)
    assert caught.value.tx_hash == tx.tx_hash
    assert set(node.offered) == {tx.raw}


async def test_broadcast_node_never_answers_is_unavailable(client: GrpcChainClient, node) -> None:
    tx = await client.sign([MESSAGE])
    node.down = 10**9
    with pytest.raises(ChainUnavailable):
        await client.broadcast(tx)


async def test_broadcast_included_with_a_code_is_rejected_with_its_height(client: GrpcChainClient, node) -> None:
    node.deliver_code = 11
    with pytest.raises(TxRejected) as caught:
        await client.broadcast(await client.sign([MESSAGE]))
    assert (caught.value.code, caught.value.height, caught.value.log) == (11, 8, "out of gas")


async def test_broadcast_changed_bytes_are_refused(client: GrpcChainClient) -> None:
    tx = await client.sign([MESSAGE])
    forged = type(tx)(tx.raw + b"\0", tx.tx_hash, tx.sequence, tx.timeout_height)
    with pytest.raises(InvalidInput, match="another hash"):
        await client.broadcast(forged)


async def test_client_node_of_another_chain_is_refused_before_anything_is_sent(client: GrpcChainClient, node) -> None:
    node.chain_id = "remes-1"
    with pytest.raises(ChainMismatch):
        await client.query(QueryAccountRequest(address="a"))
    with pytest.raises(ChainMismatch):
        await client.sign([MESSAGE])
    assert node.offered == []


async def test_client_chain_exchanged_while_it_was_down_is_noticed(client: GrpcChainClient, node) -> None:
    await client.query(QueryAccountRequest(address="a"))
    node.down, node.chain_id = 1, "remes-1"
    with pytest.raises(ChainUnavailable):
        await client.query(QueryAccountRequest(address="a"))
    with pytest.raises(ChainMismatch):
        await client.query(QueryAccountRequest(address="a"))


async def test_client_without_key_asks_and_does_not_sign(node) -> None:
    reader = GrpcChainClient(ChainSettings(), None, node)
    assert (await reader.status()).height == 7
    with pytest.raises(ConfigError, match="no key"):
        await reader.sign([MESSAGE])
    with pytest.raises(ConfigError, match="no key"):
        _ = reader.address


async def test_sign_simulation_fails_is_rejected_with_its_code(client: GrpcChainClient, node) -> None:
    def refuse(raw: bytes) -> int:
        raise InvalidInput("tx", "spendable balance 0uremes is smaller than 5uremes: insufficient funds")

    node.check = refuse
    with pytest.raises(TxRejected) as caught:
        await client.sign([MESSAGE])
    assert (caught.value.codespace, caught.value.code) == ("sdk", 5)
    assert node.offered == []


async def test_sign_unknown_account_says_so(client: GrpcChainClient, node, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = node.call

    async def call(request):
        if isinstance(request, QueryAccountRequest):
            raise NotOnChain("account", request.address)
        return await answer(request)

    monkeypatch.setattr(node, "call", call)
    with pytest.raises(NotOnChain, match="account remes1"):
        await client.sign([MESSAGE], gas=1)
