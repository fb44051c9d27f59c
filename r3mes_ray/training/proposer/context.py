"""What the steps of one round share: the proposer's ports, and the round in work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from r3mes_ray.chain.base import ChainClient
from r3mes_ray.chain.records import RoundRecord
from r3mes_ray.content.base import ContentStore
from r3mes_ray.settings import Settings
from r3mes_ray.training.journal import Journal
from r3mes_ray.training.layers import IN_PROCESS, LayerWork
from r3mes_ray.training.ports import Clock, Listener, ParallelMap, StepEvent, StepName, serial_map
from r3mes_ray.training.proposer.report import StepSeconds
from r3mes_ray.training.proposer.settlement import Settlement
from r3mes_ray.training.proposer.workspace import Workspace
from r3mes_ray.training.stored import BaseWeights


def silence(event: StepEvent) -> None:
    """A listener that hears nothing."""


@dataclass(frozen=True, slots=True)
class RoundPorts:
    """What a proposer works with, for one account.

    Attributes:
        base: loads the base's weights; called while the submit phase lasts, and where something is aggregated.
        parallel: where updates are scored.
        layers: where they are checked and aggregated, layer by layer.
        turn: held while a round is aggregated, so that rounds that are under way at a time take turns.
    """

    settings: Settings
    client: ChainClient
    store: ContentStore
    base: Callable[[], BaseWeights]
    parallel: ParallelMap = serial_map
    layers: LayerWork = IN_PROCESS
    listen: Listener = silence
    clock: Clock = field(default_factory=Clock)
    random_bytes: Callable[[int], bytes] = os.urandom
    turn: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)


@dataclass(frozen=True, slots=True)
class RoundContext:
    """One round in work."""

    ports: RoundPorts
    chain_id: str
    record: RoundRecord
    journal: Journal
    settlement: Settlement
    workspace: Workspace
    seconds: list[StepSeconds] = field(default_factory=list)

    def tell(self, step: StepName, detail: str) -> None:
        """Pass on news of a step."""
        self.ports.listen(StepEvent(step, "progress", detail))

    @contextmanager
    def step(self, name: StepName) -> Iterator[None]:
        """Announce a step, and time it."""
        self.ports.listen(StepEvent(name, "begin", ""))
        began = self.ports.clock.now()
        yield
        took = self.ports.clock.now() - began
        self.seconds.append(StepSeconds(name, took))
        self.ports.listen(StepEvent(name, "done", f"{took:.1f} s"))

    async def wait_above(self, step: StepName, phase: str, height: int) -> None:
        """Wait for the end of a phase, telling how many blocks are left."""
        await self.settlement.wait_above(
            height, lambda now: self.tell(step, f"{phase} phase: {height + 1 - now} blocks to go")
        )
