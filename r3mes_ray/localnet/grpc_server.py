"""The gRPC server: every method of `queries.SERVICES`, and reflection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection

from r3mes_ray.errors import InvalidInput, NotOnChain, PortBusy
from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries import SERVICES, Answer, Service, not_found
from r3mes_ray.localnet.tls import Tls

MAX_MESSAGE_BYTES = 8 * 2**20
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", 64 * 2**20),
    # Two servers on one port would share its clients at random.
    ("grpc.so_reuseport", 0),
)

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, Message]"
# Requests come as bytes: grpc itself answers those that it cannot decode with UNKNOWN, and logs a traceback.
Method = Callable[[bytes, Context], Awaitable[Message]]


def create_grpc_server(node: ChainNode, wake: Callable[[], None]) -> grpc.aio.Server:
    """A server that is not started; `wake` is called after a call while transactions wait."""
    server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=1_000)
    server.add_generic_rpc_handlers(tuple(_handlers(service, node, wake) for service in SERVICES))
    names = [service.descriptor.full_name for service in SERVICES]
    reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)
    return server


def bind(server: grpc.aio.Server, host: str, port: int, tls: Tls | None) -> int:
    """Listen on a port, or on a free one for 0; returns the port.

    Raises:
        PortBusy: another process has it.
    """
    try:
        if tls is not None:
            return server.add_secure_port(f"{host}:{port}", tls.grpc_credentials())
        return server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise PortBusy(port, "localnet.grpc_port (--grpc-port)") from error


def _handlers(service: Service, node: ChainNode, wake: Callable[[], None]) -> grpc.GenericRpcHandler[bytes, Message]:
    methods = {}
    for method in service.descriptor.methods:
        answer = service.answers.get(method.name)
        methods[method.name] = grpc.unary_unary_rpc_method_handler(
            _refusal(method) if answer is None else _method(answer, GetMessageClass(method.input_type), node, wake),
            response_serializer=_serialize,
        )
    return grpc.method_handlers_generic_handler(service.descriptor.full_name, methods)


def _method(answer: Answer, kind: type[Message], node: ChainNode, wake: Callable[[], None]) -> Method:
    async def call(request: bytes, context: Context) -> Message:
        try:
            response = answer(node, kind.FromString(request))
        except DecodeError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{kind.DESCRIPTOR.full_name}: {error}")
        except NotOnChain as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, not_found(error))
        except InvalidInput as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Refused as refused:
            await _abort_refused(context, refused)
        if node.pending:
            wake()
        return response

    return call


async def _abort_refused(context: Context, refused: Refused) -> NoReturn:
    """Tell a simulation's refusal: the SDK's text, and the code in trailing metadata."""
    code = refused.code
    await context.abort(
        grpc.StatusCode.INVALID_ARGUMENT,
        str(refused),
        (("r3mes-codespace", code.codespace), ("r3mes-code", str(code.number))),
    )
    raise AssertionError("abort returns only by raising")


def _refusal(method: MethodDescriptor) -> Method:
    async def call(request: bytes, context: Context) -> Message:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method.full_name} has no state on this chain yet")
        raise AssertionError("abort returns only by raising")

    return call


def _serialize(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
