"""The request router of the engine: Serve asks it which replica gets a request; the replicas tell it what they have."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

from ray.serve.request_router import PendingRequest, ReplicaID, RequestRouter, RunningReplica

from r3mes_ray.serving.adapters.placement import ReplicaState, ranked
from r3mes_ray.serving.records import EngineRequest
from r3mes_ray.serving.reports import EngineReport
from r3mes_ray.types import Cid

STATS_PERIOD_S = 1.0
"""How often replicas tell what they have."""


def routing_stats(report: EngineReport) -> dict[str, Any]:
    """What a replica tells the router, in types that Serve passes on."""
    load = report.engine.running + report.engine.waiting
    return {"load": load, "slots": list(report.cache.resident), "ram": list(report.cache.in_ram)}


class AffinityRouter(RequestRouter):
    """Prefers replicas that have the request's adapter, and leaves them for idle ones when they are busy."""

    def initialize_state(self, **kwargs: Any) -> None:
        """Serve passes `busy`: requests that one replica decodes at a time."""
        self._busy = int(kwargs["busy"])
        self._turn = asyncio.Lock()
        # Serve's own count falls back to what a replica says when it accepts a request, which in a burst is few.
        self._sent: Counter[ReplicaID] = Counter()

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """Groups of replicas; Serve takes the less busy one of the first group that accepts the request."""
        if pending_request is not None:
            # Where no replica accepts, Serve waits a little before it asks again.
            pending_request.routing_context.should_backoff = True
        async with self._turn:
            # A request is sent a step of the event loop after its replica is chosen. Without this step between two
            # choices, all requests of a burst would see the same loads and go the same way.
            await asyncio.sleep(0)
        by_id = {replica.replica_id.unique_id: replica for replica in candidate_replicas}
        states = [self._state(replica) for replica in candidate_replicas]
        groups = ranked(states, adapter_of(pending_request), self._busy, random.sample)
        return [[by_id[one] for one in group] for group in groups]

    def on_send_request(self, replica_id: ReplicaID) -> None:
        """A request leaves for a replica."""
        super().on_send_request(replica_id)
        self._sent[replica_id] += 1

    def on_request_completed(self, replica_id: ReplicaID, internal_request_id: str) -> None:
        """It has ended, or was refused, or its replica has died."""
        super().on_request_completed(replica_id, internal_request_id)
        self._sent[replica_id] -= 1
        if self._sent[replica_id] <= 0:
            del self._sent[replica_id]

    def _state(self, replica: RunningReplica) -> ReplicaState:
        stats = replica.routing_stats or {}
        known = self.replica_queue_len_cache.get(replica.replica_id)
        return ReplicaState(
            id=replica.replica_id.unique_id,
            load=max(self._sent[replica.replica_id], int(stats.get("load", 0)) if known is None else known),
            slots=frozenset(stats.get("slots", ())),
            ram=frozenset(stats.get("ram", ())),
        )


def adapter_of(pending: PendingRequest | None) -> Cid | None:
    """The adapter that a request wants; `None` for the base and for what is no generation."""
    request = pending.args[0] if pending is not None and pending.args else None
    if not isinstance(request, EngineRequest) or request.adapter is None:
        return None
    return request.adapter.cid
