"""One machine as a whole network: chain, content, Ray and serving, started in order and stopped in reverse."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from r3mes_ray import cluster
from r3mes_ray.chain.actor import chain_actor
from r3mes_ray.content import open_store
from r3mes_ray.node.bootstrap import bootstrap
from r3mes_ray.node.chain_process import ChainProcess
from r3mes_ray.node.content_server import ContentServer
from r3mes_ray.node.identity import ensure_key, ensure_passphrase
from r3mes_ray.node.record import NodeRecord, claim, remove_record, write_record
from r3mes_ray.serving.app import deploy, drain, undeploy
from r3mes_ray.serving.ports import claim_port
from r3mes_ray.settings import Settings

OPERATOR_COINS = 10**12
"""Base coins of the operator's account at genesis: a million of the display denomination."""

Say = Callable[[str], None]


class Node:
    """Everything that `r3mes up` runs. `stages` are the seconds that each part took to start."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self.settings = settings
        self.stages: dict[str, float] = {}
        self._say = say
        self._chain: ChainProcess | None = None
        self._cluster: cluster.Cluster | None = None
        self._content = ContentServer(settings, say)

    async def start(self) -> NodeRecord:
        """Start all parts and leave the note; what was started is stopped again when one fails.

        Raises:
            AlreadyRunning: a node of this home runs.
            PortBusy: a port is taken; nothing was started.
            WrongPassphrase: the operator's key is there, but does not open.
        """
        settings = self.settings
        claim(settings.home)
        self._check_ports()
        made = ensure_passphrase(settings)
        if made is not None:
            self._say(f"made a passphrase for the keyring: {made}")
        operator = ensure_key(settings, settings.keyring.key)
        try:
            return await self._start(operator.address(settings.chain.bech32_prefix))
        except BaseException:
            await self.stop()
            raise

    async def _start(self, operator: str) -> NodeRecord:
        settings = self.settings
        balance = f"{operator}={OPERATOR_COINS}{settings.chain.denom}"
        chain = self._chain = ChainProcess(settings, dump_settings(settings), [balance], self._say)
        with self._stage("chain"):
            await chain.start()
        with self._stage("ray"):
            joined = self._cluster = await asyncio.to_thread(cluster.join, settings)
        with self._stage("experts on chain"):
            client = chain_actor(settings, settings.keyring.key)
            await bootstrap(settings, client, open_store(settings), self._say)
        with self._stage("content"):
            await self._content.start(client)
        with self._stage("serving"):
            gateway = await asyncio.to_thread(deploy, settings)
        record = NodeRecord(
            pid=os.getpid(),
            ray_address=joined.address,
            gateway=gateway,
            dashboard=joined.dashboard,
            grpc_address=settings.chain.grpc_address,
            rpc_url=f"http://{settings.localnet.host}:{settings.localnet.rpc_port}",
            chain_id=settings.chain.chain_id,
        )
        write_record(settings.home, record)
        return record

    async def stop(self) -> None:
        """Drain requests, then stop what was started, in reverse order."""
        remove_record(self.settings.home)
        await self._content.stop()
        if self._cluster is not None:
            self._say("draining requests")
            await asyncio.to_thread(drain if self._cluster.owned else undeploy)
            self._say("stopping Ray")
            await asyncio.to_thread(cluster.leave)
            self._cluster = None
        if self._chain is not None:
            self._say("stopping the chain")
            await self._chain.stop()
            self._chain = None

    def _check_ports(self) -> None:
        settings = self.settings
        local = settings.localnet
        claim_port(local.host, local.grpc_port, "localnet.grpc_port")
        claim_port(local.host, local.rpc_port, "localnet.rpc_port")
        claim_port(settings.serving.host, settings.serving.port, "serving.port")
        claim_port(settings.content_server.host, settings.content_server.port, "content_server.port")
        if settings.ray.address is None:
            claim_port("127.0.0.1", settings.ray.dashboard_port, "ray.dashboard_port")

    def _stage(self, name: str) -> Stage:
        return Stage(name, self.stages, self._say)


class Stage:
    """Says what begins, and notes how long it took."""

    def __init__(self, name: str, seconds: dict[str, float], say: Say) -> None:
        self._name, self._seconds, self._say = name, seconds, say
        self._begun = 0.0

    def __enter__(self) -> None:
        self._begun = time.monotonic()
        self._say(f"{self._name} …")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        took = self._seconds[self._name] = time.monotonic() - self._begun
        self._say(f"{self._name}: {'failed after' if kind else 'done in'} {took:.1f} s")


def dump_settings(settings: Settings, name: str = "run/settings.yaml") -> Path:
    """Write the resolved settings into the home, for the processes that are started with it."""
    path = settings.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
    return path
