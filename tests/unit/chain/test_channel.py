from __future__ import annotations

import pytest

from r3mes_ray.chain.channel import NodeChannel, methods
from r3mes_ray.errors import ChainUnavailable, InvalidInput
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.tx.v1beta1.service_pb2 import BroadcastTxResponse
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryRoundRequest, QueryRoundResponse


def test_methods_are_found_by_request_type() -> None:
    table = methods()
    assert table["r3mes.v1.QueryRoundRequest"].path == "/r3mes.v1.Query/Round"
    assert table["r3mes.v1.QueryRoundRequest"].answer is QueryRoundResponse
    assert table["cosmos.tx.v1beta1.BroadcastTxRequest"].path == "/cosmos.tx.v1beta1.Service/BroadcastTx"
    assert table["cosmos.tx.v1beta1.BroadcastTxRequest"].answer is BroadcastTxResponse
    assert table["cosmos.base.tendermint.v1beta1.GetLatestBlockRequest"].path.endswith("Service/GetLatestBlock")


def test_methods_no_message_of_a_transaction_is_a_query() -> None:
    assert not [name for name in methods() if name.rpartition(".")[2].startswith("Msg")]


async def test_call_of_no_query_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no query"):
        await NodeChannel("127.0.0.1:1", 1.0).call(MsgSend())


async def test_call_nobody_listens_is_unavailable_with_the_address() -> None:
    channel = NodeChannel("127.0.0.1:1", 5.0)
    with pytest.raises(ChainUnavailable, match=r"127\.0\.0\.1:1"):
        await channel.call(QueryRoundRequest(round_id=0))
    await channel.close()
