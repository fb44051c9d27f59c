"""The three Serve deployments: gateway (HTTP), knowledge (router, retriever, follower) and engine.

The classes do nothing but connect the parts of this half to Ray; each is wrapped once, in `app`. An answer is two hops:
gateway to knowledge, gateway to engine.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Iterator, Sequence, Set
from contextlib import aclosing, contextmanager
from typing import Any

from fastapi import FastAPI
from ray.exceptions import RayError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle

from r3mes_ray.errors import QueueFull, R3mesError, ServingUnavailable
from r3mes_ray.serving.adapters.follower import Follower
from r3mes_ray.serving.adapters.versions import VersionTable
from r3mes_ray.serving.affinity import routing_stats
from r3mes_ray.serving.api import create_api
from r3mes_ray.serving.memory import bound_arenas
from r3mes_ray.serving.pipeline import Pipeline
from r3mes_ray.serving.records import Consultation, EngineEvent, EngineRequest, Inquiry, Part
from r3mes_ray.serving.reports import EngineInfo, EngineReport, KnowledgeReport
from r3mes_ray.serving.service import ASK_TIMEOUT_S, GatewayService
from r3mes_ray.settings import Settings
from r3mes_ray.types import AdapterId

PRELOAD_TIMEOUT_S = 300.0
"""Longest time for all engines to fetch, check and load one version."""


@contextmanager
def from_ray(part: str) -> Iterator[None]:
    """Turn what Ray raises for a call into the error of our tree that the other side raised, or ServingUnavailable."""
    try:
        yield
    except BackPressureError as error:
        raise QueueFull(int(error.args[1])) from error
    except R3mesError as error:
        cause = getattr(error, "cause", None)
        raise (cause if isinstance(cause, R3mesError) else error) from None
    except TimeoutError as error:
        raise ServingUnavailable(part, "it did not answer in time") from error
    except (RayError, RayServeException) as error:
        raise ServingUnavailable(part, str(error).strip().rpartition("\n")[2]) from error


class EngineDeployment:
    """One engine replica; the model is loaded by its constructor."""

    def __init__(self, settings: Settings) -> None:
        # Imported here, because this file is imported by the gateway too, which does without torch.
        from r3mes_ray.serving.open_engine import open_engine

        bound_arenas()
        self._engine = open_engine(settings)
        self._name = uuid.uuid4().hex

    async def info(self) -> EngineInfo:
        """Which base it serves."""
        return self._engine.info

    async def generate(self, request: EngineRequest) -> AsyncGenerator[EngineEvent, None]:
        """`Engine.generate`; a cancelled call closes it."""
        async with aclosing(self._engine.generate(request)) as events:
            async for event in events:
                yield event

    async def replica(self) -> str:
        """A name that no other replica has or had."""
        return self._name

    async def check(self, adapter: AdapterId) -> None:
        """`Engine.check`."""
        await self._engine.check(adapter)

    async def preload(self, adapter: AdapterId, only: Set[str] | None = None) -> None:
        """`Engine.preload`, where this is one of `only`."""
        if only is None or self._name in only:
            await self._engine.preload(adapter)

    async def pin(self, adapter: AdapterId, only: Set[str] | None = None) -> None:
        """`Engine.pin`, where this is one of `only`."""
        if only is None or self._name in only:
            await self._engine.pin(adapter)

    async def unpin(self, adapter: AdapterId) -> None:
        """`Engine.unpin`."""
        self._engine.unpin(adapter)

    async def report(self) -> EngineReport:
        """`Engine.report`."""
        return self._engine.report()

    async def record_routing_stats(self) -> dict[str, Any]:
        """What the request router knows of this replica."""
        return routing_stats(self._engine.report())

    async def check_health(self) -> None:
        """Raise when the engine's thread has ended: Serve then replaces the replica."""
        if not self._engine.report().engine.alive:
            raise ServingUnavailable("the engine", "its thread has ended")


class KnowledgeDeployment:
    """Router, retriever and the follower of the chain: one replica, so that there is one table of versions."""

    async def __init__(self, engine: DeploymentHandle[EngineDeployment], settings: Settings) -> None:  # type: ignore[misc]
        from r3mes_ray.serving.open_knowledge import open_knowledge

        self._engine, self._settings = engine, settings
        self._table = VersionTable()
        self._knowledge, self._index = await asyncio.to_thread(open_knowledge, settings, self._table)
        self._follower: Follower | None = None
        self._following = asyncio.create_task(self._follow())

    async def consult(self, inquiry: Inquiry) -> Consultation:
        """`Knowledge.consult`."""
        return await self._knowledge.consult(inquiry)

    async def report(self) -> KnowledgeReport:
        """Index, chain and experts."""
        refused = tuple(
            Part(f"expert {version.adapter}", ok=False, required=False, detail=version.reason)
            for version in self._table.refused()
        )
        starting = Part("chain", ok=False, required=True, detail="waits for the engine")
        chain = starting if self._follower is None else self._follower.chain
        return KnowledgeReport((self._index, chain, *refused), self._table.experts())

    async def check_health(self) -> None:
        """Raise when the follower has ended, which it never does by itself."""
        if self._following.done():
            raise ServingUnavailable("the follower of the chain", repr(self._following.exception()))

    async def _follow(self) -> None:
        from r3mes_ray.serving.open_knowledge import open_follower

        with from_ray("the engine"):
            info = await self._engine.info.remote()
        self._follower = open_follower(self._settings, self._table, info, self, self._knowledge.learn)
        await self._follower.follow(self._settings.serving.follow_interval_s)

    async def replicas(self) -> Set[str]:
        """The engine replicas that run."""
        return frozenset(await self._on_every_engine(ASK_TIMEOUT_S, "replica"))

    async def check(self, adapter: AdapterId) -> None:
        """Check a version on every engine replica; one that fails decides."""
        await self._on_every_engine(PRELOAD_TIMEOUT_S, "check", adapter)

    async def preload(self, adapter: AdapterId, only: Set[str] | None = None) -> None:
        """Load a version on every engine replica; one that fails decides."""
        await self._on_every_engine(PRELOAD_TIMEOUT_S, "preload", adapter, only)

    async def pin(self, adapter: AdapterId, only: Set[str] | None = None) -> None:
        """Keep a version in a slot of every engine replica."""
        await self._on_every_engine(PRELOAD_TIMEOUT_S, "pin", adapter, only)

    async def unpin(self, adapter: AdapterId) -> None:
        """Let go of it."""
        await self._on_every_engine(PRELOAD_TIMEOUT_S, "unpin", adapter)

    async def _on_every_engine(self, timeout_s: float, verb: str, *arguments: object) -> Sequence[Any]:
        with from_ray("the engine"):
            answers = await self._engine.broadcast(verb, *arguments).results_async(timeout_s=timeout_s)
        if not answers:
            raise ServingUnavailable("the engine", "no replica is running, so nothing was checked")
        return answers


class Gateway:
    """The HTTP surface over handles to the other two."""

    def __init__(
        self,
        knowledge: DeploymentHandle[KnowledgeDeployment],
        engine: DeploymentHandle[EngineDeployment],
        settings: Settings,
    ) -> None:
        self._knowledge, self._engine = knowledge, engine
        self._streaming = engine.options(stream=True)
        pipeline = Pipeline(
            self._consult, self._generate, timeout_s=settings.serving.request_timeout_s, clock=time.monotonic
        )
        self._service = GatewayService(pipeline, self)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return create_api(self._service)

    async def knowledge(self) -> KnowledgeReport:
        """What the knowledge part says of itself."""
        with from_ray("the knowledge part"):
            report: KnowledgeReport = await self._knowledge.report.remote()
            return report

    async def engines(self) -> Sequence[EngineReport]:
        """What each engine replica says of itself."""
        with from_ray("the engine"):
            return await self._engine.broadcast("report").results_async(timeout_s=ASK_TIMEOUT_S)

    async def _consult(self, inquiry: Inquiry) -> Consultation:
        with from_ray("the knowledge part"):
            consultation: Consultation = await self._knowledge.consult.remote(inquiry)
            return consultation

    async def _generate(self, request: EngineRequest) -> AsyncGenerator[EngineEvent, None]:
        events: Any = self._streaming.generate.remote(request)
        try:
            with from_ray("the engine"):
                async for event in events:
                    yield event
        finally:
            events.cancel()
