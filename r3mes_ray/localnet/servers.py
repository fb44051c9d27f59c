"""The servers of one chain: gRPC, JSON-RPC and, where they are asked for, REST and a faucet."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette

from r3mes_ray.localnet.faucet.app import Faucet, create_faucet_app
from r3mes_ray.localnet.grpc_server import bind, create_grpc_server
from r3mes_ray.localnet.http import HttpServer, create_http_server, open_listener
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.producer import Producer
from r3mes_ray.localnet.rest.app import create_rest_app
from r3mes_ray.localnet.rpc.app import create_rpc_app
from r3mes_ray.localnet.rpc.calls import Host
from r3mes_ray.localnet.tls import Tls, open_tls
from r3mes_ray.settings import LocalnetSettings


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a running chain listens: `host:port` of each server; `rest` and `faucet` are empty where there is none."""

    chain_id: str
    grpc: str
    rpc: str
    rest: str = ""
    faucet: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """The servers while they run; `ended` is done when one has stopped by itself."""

    endpoints: Endpoints
    ended: asyncio.Future[None]


@asynccontextmanager
async def running_servers(
    local: LocalnetSettings, node: ChainNode, producer: Producer, faucet: Faucet | None
) -> AsyncIterator[Running]:
    """Listen while the body runs.

    Raises:
        PortBusy: a port is taken.
        ConfigError: the files of TLS cannot be used.
    """
    tls = open_tls(local)
    grpc_server = create_grpc_server(node, producer.wake)
    grpc_address = f"{local.host}:{bind(grpc_server, local.host, local.grpc_port, tls)}"
    rpc_socket = open_listener(local.host, local.rpc_port, "localnet.rpc_port (--rpc-port)")
    rpc_address = _address(local.host, rpc_socket)
    rpc_app = create_rpc_app(Host(node, rpc_address, producer.wake, producer.feed))
    served = [_Served(rpc_app, rpc_socket, tls)]
    rest_address = ""
    if local.rest_port is not None:
        rest_socket = open_listener(local.host, local.rest_port, "localnet.rest_port (--rest-port)")
        rest_address = _address(local.host, rest_socket)
        served.append(_Served(create_rest_app(node, producer.wake), rest_socket, tls))
    faucet_address = ""
    if faucet is not None:
        faucet_socket = open_listener(local.host, local.faucet_port, "localnet.faucet_port (--faucet-port)")
        faucet_address = _address(local.host, faucet_socket)
        served.append(_Served(create_faucet_app(faucet), faucet_socket, tls))
    await grpc_server.start()
    ended = asyncio.ensure_future(_first_of(served))
    try:
        endpoints = Endpoints(node.chain.chain_id, grpc_address, rpc_address, rest_address, faucet_address)
        yield Running(endpoints, ended)
    finally:
        for one in served:
            one.server.should_exit = True
        await asyncio.gather(ended, *(one.task for one in served), return_exceptions=True)
        await grpc_server.stop(grace=2.0)


class _Served:
    """One ASGI app that listens on one socket."""

    def __init__(self, app: Starlette, listener: socket.socket, tls: Tls | None) -> None:
        self.server: HttpServer = create_http_server(app, tls)
        self.task = asyncio.create_task(self.server.serve([listener]))


async def _first_of(served: list[_Served]) -> None:
    await asyncio.wait([one.task for one in served], return_when=asyncio.FIRST_COMPLETED)


def _address(host: str, listener: socket.socket) -> str:
    return f"{host}:{listener.getsockname()[1]}"
