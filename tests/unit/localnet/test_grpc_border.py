"""The gRPC server over a socket file: whatever comes in, a status goes out, the server lives and the state stays."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from r3mes_ray.localnet.grpc_server import MAX_MESSAGE_BYTES, create_grpc_server
from r3mes_ray.wire.cosmos.auth.v1beta1.query_pb2 import QueryAccountRequest, QueryAccountResponse
from r3mes_ray.wire.cosmos.tx.v1beta1.service_pb2 import SimulateRequest

ACCOUNT = "/cosmos.auth.v1beta1.Query/Account"
SIMULATE = "/cosmos.tx.v1beta1.Service/Simulate"


@pytest.fixture
async def channel(lab, tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    server = create_grpc_server(lab.node, lambda: None)
    address = f"unix:{tmp_path}/chain.sock"
    server.add_insecure_port(address)
    await server.start()
    async with grpc.aio.insecure_channel(address) as opened:
        yield opened
    await server.stop(None)


async def _status(channel: grpc.aio.Channel, path: str, body: bytes) -> grpc.StatusCode:
    try:
        await channel.unary_unary(path)(body)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def _nested(depth: int) -> bytes:
    raw = b""
    for _ in range(depth):
        size = len(raw)
        length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14])
        raw = b"\x0a" + length + raw
    return raw


async def test_grpc_account_is_answered(lab, channel) -> None:
    request = QueryAccountRequest(address=lab.address(lab.alice)).SerializeToString()
    answer = QueryAccountResponse.FromString(await channel.unary_unary(ACCOUNT)(request))
    assert answer.account.type_url == "/cosmos.auth.v1beta1.BaseAccount"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (ACCOUNT, b"\xff\xff", grpc.StatusCode.INVALID_ARGUMENT),
        (ACCOUNT, _nested(5_000), grpc.StatusCode.INVALID_ARGUMENT),
        (SIMULATE, b"\x0a" + _nested(3_000), grpc.StatusCode.INVALID_ARGUMENT),
        (ACCOUNT, bytes(MAX_MESSAGE_BYTES + 1), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (ACCOUNT, QueryAccountRequest(address="nobody").SerializeToString(), grpc.StatusCode.INVALID_ARGUMENT),
        (ACCOUNT, b"", grpc.StatusCode.INVALID_ARGUMENT),
        (SIMULATE, SimulateRequest(tx_bytes=b"\xff").SerializeToString(), grpc.StatusCode.INVALID_ARGUMENT),
        ("/cosmos.auth.v1beta1.Query/Nothing", b"", grpc.StatusCode.UNIMPLEMENTED),
        ("/remes.remes.v1.Query/GetCatchUpInfo", b"", grpc.StatusCode.UNIMPLEMENTED),
        ("/remes.remes.v1.Msg/SubmitGradient", b"", grpc.StatusCode.UNIMPLEMENTED),
    ],
)
async def test_grpc_bad_request_has_a_status_and_the_server_lives(
    lab, channel, path: str, body: bytes, status: grpc.StatusCode
) -> None:
    before = lab.node.store.head.app_hash
    assert await _status(channel, path, body) is status
    request = QueryAccountRequest(address=lab.address(lab.alice)).SerializeToString()
    assert await _status(channel, ACCOUNT, request) is grpc.StatusCode.OK
    assert (lab.node.pending, lab.node.store.head.app_hash) == (0, before)


async def test_grpc_missing_record_is_not_found(lab, channel) -> None:
    request = QueryAccountRequest(address=lab.address(lab.stranger)).SerializeToString()
    assert await _status(channel, ACCOUNT, request) is grpc.StatusCode.NOT_FOUND


async def test_grpc_simulation_that_is_refused_tells_the_code(lab, channel) -> None:
    raw = lab.sign(lab.alice, lab.open_message(lab.alice))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await channel.unary_unary(SIMULATE)(SimulateRequest(tx_bytes=raw).SerializeToString())
    told = dict(caught.value.trailing_metadata())
    assert (told["r3mes-codespace"], told["r3mes-code"]) == ("remes", "1406")


async def test_grpc_noise_never_ends_the_server(lab, channel) -> None:
    noise, before = random.Random(7), lab.node.store.head.app_hash
    for path in (ACCOUNT, SIMULATE, "/cosmos.tx.v1beta1.Service/BroadcastTx", "/cosmos.tx.v1beta1.Service/GetTxsEvent"):
        for size in (1, 3, 10, 100, 10_000):
            assert await _status(channel, path, noise.randbytes(size)) is not grpc.StatusCode.UNAVAILABLE
    assert (lab.node.pending, lab.node.store.head.app_hash) == (0, before)
