"""What the followers of a proposer share: its plan, its news, how it is stopped, and waiting that a stop ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from r3mes_ray.errors import ChainUnavailable, TxUnknown
from r3mes_ray.training.ports import StepEvent
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.training.proposer.opening import PhaseBlocks
from r3mes_ray.training.proposer.report import RoundReport
from r3mes_ray.types import RoundId

T = TypeVar("T")

POLL_S = 1.0
"""Pause between two looks at a round that this node has no part in any more."""
MAX_WAIT_S = 60.0
"""Longest pause before this node's own trouble (a full disk, no descriptors) is tried again; it doubles up to here."""

Happening = Literal["following", "opened", "joined", "step", "ended", "given-up", "left", "waiting", "failed", "done"]


@dataclass(frozen=True, slots=True)
class ProposerEvent:
    """News of one expert: `round_id` is None before there is a round, `report` is of a round that ended."""

    what: Happening
    expert: str
    round_id: RoundId | None
    detail: str
    step: StepEvent | None = None
    report: RoundReport | None = None


@dataclass(frozen=True, slots=True)
class ProposerPlan:
    """What a proposer was asked to do.

    Attributes:
        experts: whose rounds; none follows all experts on chain, as they are at the start.
        limit: rounds that are opened consider only so many updates, the first on chain.
        rounds: a follower ends after so many; none goes on.
        pause_s: between the end of a round and the next one.
        opens: whether rounds are opened; else only those that others open are joined.
        blocks: lengths of the phases of the rounds that are opened.
    """

    experts: tuple[str, ...] = ()
    limit: int | None = None
    rounds: int | None = None
    pause_s: float = 5.0
    opens: bool = True
    blocks: PhaseBlocks = field(default_factory=PhaseBlocks)


@dataclass(slots=True)
class Stop:
    """How a proposer is ended.

    Attributes:
        soon: no round is begun any more; those under way go on to their end.
        now: rounds under way are left where they stand; all that they did is in their journals.
    """

    soon: asyncio.Event = field(default_factory=asyncio.Event)
    now: asyncio.Event = field(default_factory=asyncio.Event)

    def at_once(self) -> None:
        """Ask for both."""
        self.soon.set()
        self.now.set()


@dataclass(frozen=True, slots=True)
class Following:
    """Following experts for one account; `run_round` is the coordinator's, save in tests."""

    ports: RoundPorts
    plan: ProposerPlan
    tell: Callable[[ProposerEvent], None]
    stop: Stop
    run_round: Callable[[RoundPorts, RoundId], Awaitable[RoundReport]] = field(
        default=lambda ports, round_id: RoundCoordinator(ports).run(round_id)
    )

    async def patiently(self, expert: str, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Ask until a node answers, and while a follower's machine lets it; None when stopped before that."""
        pauses = self.pauses()
        while not self.stop.soon.is_set():
            try:
                return await ask()
            except (ChainUnavailable, TxUnknown) as error:
                await self.wait(expert, None, error, self.least_pause_s)
            except OSError as error:
                if not expert:
                    raise
                await self.wait(expert, None, error, next(pauses))
        return None

    @property
    def least_pause_s(self) -> float:
        """Between two tries of what failed."""
        return max(POLL_S, self.plan.pause_s)

    def pauses(self) -> Iterator[float]:
        """Seconds before each next try of what this node itself failed at."""
        pause_s = self.least_pause_s
        while True:
            yield pause_s
            pause_s = max(pause_s, min(2 * pause_s, MAX_WAIT_S))

    async def wait(self, expert: str, round_id: RoundId | None, error: Exception, seconds: float) -> None:
        """Say what went wrong, and pause."""
        self.tell(ProposerEvent("waiting", expert, round_id, f"{error}; again in {seconds:g} s"))
        await self.pause(seconds)

    async def pause(self, seconds: float) -> None:
        """Sleep, unless stopped."""
        sleep = asyncio.ensure_future(self.ports.clock.sleep(seconds))
        await first(sleep, self.stop.soon)


async def first(task: asyncio.Future[T], stop: asyncio.Event) -> T | None:
    """A task's result, or None where it was cancelled because `stop` came first."""
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    return None if task.cancelled() else task.result()
