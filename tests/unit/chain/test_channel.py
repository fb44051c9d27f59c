from __future__ import annotations

import asyncio

import grpc
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


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while part := await source.read(2**16):
        sink.write(part)
    sink.close()


async def test_call_to_a_node_whose_handshake_takes_a_second_is_answered() -> None:
    """A busy or distant node takes longer than the pause between two attempts to connect."""
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.0)
        answers, requests = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pump(reader, requests), _pump(answers, writer))

    relay = await asyncio.start_server(late, "127.0.0.1", 0)
    channel = NodeChannel(f"127.0.0.1:{relay.sockets[0].getsockname()[1]}", 30.0)
    with pytest.raises(InvalidInput, match="does not answer this query"):
        await channel.call(QueryRoundRequest(round_id=0))
    await channel.close()
    relay.close()
    await server.stop(None)
