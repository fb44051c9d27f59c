from __future__ import annotations

import pytest

from r3mes_ray.chain.channel import NodeChannel
from r3mes_ray.errors import ChainUnavailable, InvalidInput
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryRoundRequest


async def test_call_of_no_query_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no query"):
        await NodeChannel("127.0.0.1:1", 1.0).call(MsgSend())


async def test_call_nobody_listens_is_unavailable_with_the_address() -> None:
    channel = NodeChannel("127.0.0.1:1", 5.0)
    with pytest.raises(ChainUnavailable, match=r"127\.0\.0\.1:1"):
        await channel.call(QueryRoundRequest(round_id=0))
    await channel.close()
