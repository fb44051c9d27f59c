"""One gRPC connection to a node: finds a request's method by its type, and turns gRPC's errors into ours.

No other module of the package meets an exception of gRPC.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from google.protobuf.message import Message

from r3mes_ray.chain.registry import methods
from r3mes_ray.errors import ChainUnavailable, ConfigError, InvalidInput, NotOnChain, R3mesError
from r3mes_ray.settings import ChainSettings

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 2**20),
    ("grpc.enable_http_proxy", 0),
    # gRPC's own back-off grows to two minutes; a node that was restarted is back in seconds.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Not what its name says: how long one attempt to connect may take, a busy node's or a distant one's handshake too.
    ("grpc.min_reconnect_backoff_ms", 5000),
)
_UNREACHABLE = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.DATA_LOSS,
    }
)


class NodeChannel:
    """A connection that is opened when it is first used, and again in another event loop."""

    def __init__(self, address: str, timeout_s: float, credentials: grpc.ChannelCredentials | None = None) -> None:
        self.address = address
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def call(self, request: Message) -> Message:
        """Send one request and wait for its answer.

        Raises:
            NotOnChain: the record does not exist.
            InvalidInput: no such query, or the node refuses it; `reason` is the node's text.
            ChainUnavailable: no answer in time; the request may have arrived.
        """
        name = request.DESCRIPTOR.full_name
        method = methods().get(name)
        if method is None:
            raise InvalidInput(name, "it is no query of this chain")
        call: Any = self._open().unary_unary(
            method.path,
            request_serializer=lambda message: message.SerializeToString(deterministic=True),
            response_deserializer=method.answer.FromString,
        )
        try:
            answer: Message = await call(request, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            raise self._translate(request, error.code(), error.details() or "") from error
        return answer

    async def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        channel, self._channel, self._loop = self._channel, None, None
        if channel is not None:
            await channel.close(None)

    def _open(self) -> grpc.aio.Channel:
        loop = asyncio.get_running_loop()
        if self._channel is None or self._loop is not loop:
            self._channel = (
                grpc.aio.insecure_channel(self.address, options=_OPTIONS)
                if self._credentials is None
                else grpc.aio.secure_channel(self.address, self._credentials, options=_OPTIONS)
            )
            self._loop = loop
        return self._channel

    def _translate(self, request: Message, code: grpc.StatusCode, details: str) -> R3mesError:
        kind = request.DESCRIPTOR.full_name
        if code in _UNREACHABLE:
            return ChainUnavailable(self.address, details or code.name)
        if code is grpc.StatusCode.NOT_FOUND:
            return NotOnChain(_subject(request), _key(request))
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return InvalidInput(kind, f"the node at {self.address} does not answer this query")
        return InvalidInput(kind, details or code.name)


def open_channel(settings: ChainSettings) -> NodeChannel:
    """The connection that the settings describe; nothing is sent yet.

    Raises:
        ConfigError: the file of authorities cannot be read.
    """
    if not settings.grpc_tls:
        return NodeChannel(settings.grpc_address, settings.request_timeout_s)
    authorities = settings.grpc_tls_ca
    try:
        trusted = None if authorities is None else authorities.read_bytes()
    except OSError as error:
        raise ConfigError("chain.grpc_tls_ca", f"{authorities} cannot be read: {error.strerror}") from error
    return NodeChannel(settings.grpc_address, settings.request_timeout_s, grpc.ssl_channel_credentials(trusted))


def _subject(request: Message) -> str:
    """`QueryGetStoredGradientRequest` → `stored gradient`."""
    name = request.DESCRIPTOR.name.removeprefix("Query").removeprefix("Get").removesuffix("Request")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _key(request: Message) -> str:
    """The request's fields as text, such as `round_id 3, proposer remes1…`; a 0 is written out."""
    fields = (field for field in request.DESCRIPTOR.fields if field.name != "pagination")
    return ", ".join(f"{field.name} {getattr(request, field.name)}" for field in fields)[:200]
