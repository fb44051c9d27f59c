"""A proposer that goes on until it is stopped: it opens and follows the rounds of several experts.

Each expert has a follower. What it does next is decided by the chain and the journals alone, so a follower that starts
after a crash does what the one before it would have done; rounds that were left under way come first, for an
unrevealed commitment costs stake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from r3mes_ray.chain import queries
from r3mes_ray.chain.records import RoundPhase
from r3mes_ray.errors import (
    ChainUnavailable,
    ContentError,
    InvalidInput,
    JournalDamaged,
    R3mesError,
    RoundError,
    TooFewUpdates,
    TxRejected,
    TxUnknown,
)
from r3mes_ray.training.journal import journalled_rounds, read_journal
from r3mes_ray.training.ports import StepEvent
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.training.proposer.opening import PhaseBlocks, open_round, parameters_of
from r3mes_ray.training.proposer.report import RoundReport, report_of
from r3mes_ray.types import RoundId

T = TypeVar("T")

POLL_S = 1.0
"""Pause between two looks at a round that this node has no part in any more."""

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
class Proposer:
    """Follows experts for one account; `run_round` is the coordinator's, save in tests."""

    ports: RoundPorts
    plan: ProposerPlan
    tell: Callable[[ProposerEvent], None]
    stop: Stop
    run_round: Callable[[RoundPorts, RoundId], Awaitable[RoundReport]] = field(
        default=lambda ports, round_id: RoundCoordinator(ports).run(round_id)
    )

    async def run(self) -> bool:
        """Follow until stopped, or until every follower is done; True where none failed."""
        start = await self._patiently("", self._experts_and_left)
        if start is None:
            return True
        chain_id, left = start
        followers = (self._guarded(chain_id, expert, rounds) for expert, rounds in left.items())
        return all(await asyncio.gather(*followers))

    async def _experts_and_left(self) -> tuple[str, dict[str, tuple[RoundId, ...]]]:
        """The chain, and each expert to follow with the rounds of it that this home left under way."""
        chain_id = (await self.ports.client.status()).chain_id
        names = self.plan.experts or tuple(expert.name for expert in await queries.experts(self.ports.client))
        left: dict[str, tuple[RoundId, ...]] = dict.fromkeys(names, ())
        for round_id in journalled_rounds(self.ports.settings.home, chain_id):
            try:
                progress = read_journal(self.ports.settings.home, chain_id, round_id)
            except JournalDamaged as error:
                self.tell(ProposerEvent("failed", "", round_id, str(error)))
                continue
            if progress is not None and progress.began is not None and progress.ended is None:
                left[progress.began.expert] = (*left.get(progress.began.expert, ()), round_id)
        return chain_id, left

    async def _guarded(self, chain_id: str, expert: str, left: tuple[RoundId, ...]) -> bool:
        """One expert's trouble is not the others'."""
        try:
            await _Follower(self, chain_id, expert).follow(left)
        except (R3mesError, OSError) as error:
            self.tell(ProposerEvent("failed", expert, None, f"{type(error).__name__}: {error}"))
            return False
        self.tell(ProposerEvent("done", expert, None, "stopped" if self.stop.soon.is_set() else "all rounds done"))
        return True

    async def _patiently(self, expert: str, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Ask until a node answers; None when stopped before that."""
        while not self.stop.soon.is_set():
            try:
                return await ask()
            except (ChainUnavailable, TxUnknown) as error:
                self.tell(ProposerEvent("waiting", expert, None, str(error)))
                await self._pause(max(POLL_S, self.plan.pause_s))
        return None

    async def _pause(self, seconds: float) -> None:
        """Sleep, unless stopped."""
        sleep = asyncio.ensure_future(self.ports.clock.sleep(seconds))
        await _first(sleep, self.stop.soon)


class _Follower:
    """One expert's rounds, one after the other."""

    def __init__(self, proposer: Proposer, chain_id: str, expert: str) -> None:
        self._proposer, self._chain_id, self._expert = proposer, chain_id, expert
        self._given_up: set[RoundId] = set()

    async def follow(self, left: tuple[RoundId, ...]) -> None:
        """First what was left under way, then round after round."""
        plan, stop = self._proposer.plan, self._proposer.stop
        self._say("following", None, f"{len(left)} rounds were left under way" if left else "")
        for round_id in left:
            if not stop.soon.is_set():
                await self._run(round_id)
        count = 0
        while self._wanted() and not stop.soon.is_set() and (plan.rounds is None or count < plan.rounds):
            found = await self._proposer._patiently(self._expert, self._next)
            if found is not None:
                await self._run(found)
                count += 1
            await self._proposer._pause(POLL_S if found is None else plan.pause_s)

    def _wanted(self) -> bool:
        """An expert that was not asked for is followed only to end what was left under way."""
        return not self._proposer.plan.experts or self._expert in self._proposer.plan.experts

    async def _next(self) -> RoundId | None:
        """The round to work on: the open one, or a new one; None while there is nothing to do."""
        client = self._proposer.ports.client
        found = await queries.open_round(client, self._expert)
        if found is None:
            return await self._open() if self._proposer.plan.opens else None
        own = read_journal(self._proposer.ports.settings.home, self._chain_id, found.round_id)
        if found.round_id in self._given_up or (own is not None and own.ended is not None):
            return None
        if own is None and found.phase not in (RoundPhase.SUBMIT, RoundPhase.COMMIT):
            return None
        self._say("joined", found.round_id, f"open, {found.phase}")
        return found.round_id

    async def _open(self) -> RoundId | None:
        ports, plan = self._proposer.ports, self._proposer.plan
        training = ports.settings.training
        parameters = parameters_of(training, plan.limit)
        try:
            opened = await open_round(ports.client, self._expert, parameters, plan.blocks, training.rule)
        except TxRejected:
            # Another proposer may have been faster; if not, the refusal stands.
            if await queries.open_round(ports.client, self._expert) is None:
                raise
            return None
        self._say("opened", opened.round_id, f"at height {opened.height}, tx {opened.tx_hash}")
        return opened.round_id

    async def _run(self, round_id: RoundId) -> None:
        """Run a round to its end, through outages of the chain; what ends it early is told."""
        stop = self._proposer.stop
        while True:
            own = replace(self._proposer.ports, listen=lambda event: self._step(round_id, event))
            running = asyncio.ensure_future(self._proposer.run_round(own, round_id))
            try:
                report = await _first(running, stop.now)
            except (ChainUnavailable, ContentError, RoundError, InvalidInput, TxRejected) as error:
                refused_at_stake = isinstance(error, TxRejected) and self._is_at_stake(round_id)
                if isinstance(error, (ChainUnavailable, ContentError)) or refused_at_stake:
                    self._say("waiting", round_id, str(error))
                    if stop.soon.is_set():
                        return self._left(round_id)
                    await self._proposer._pause(max(POLL_S, self._proposer.plan.pause_s))
                    continue
                self._given_up.add(round_id)
                what: Happening = "given-up" if isinstance(error, TooFewUpdates) else "ended"
                return self._say(what, round_id, str(error), self._report(round_id))
            if report is None:
                return self._left(round_id)
            return self._say("ended", round_id, report.outcome or "", report)

    def _is_at_stake(self, round_id: RoundId) -> bool:
        """Whether a commitment waits for its reveal."""
        progress = read_journal(self._proposer.ports.settings.home, self._chain_id, round_id)
        return progress is not None and progress.committed is not None and progress.revealed is None

    def _left(self, round_id: RoundId) -> None:
        """Tell what a round that is left under way still needs."""
        at_stake = self._is_at_stake(round_id)
        needs = "its commitment must be revealed, else stake is lost" if at_stake else "nothing is at stake"
        self._say("left", round_id, f"journalled; {needs}: start again to go on", self._report(round_id))

    def _report(self, round_id: RoundId) -> RoundReport | None:
        progress = read_journal(self._proposer.ports.settings.home, self._chain_id, round_id)
        return None if progress is None else report_of(round_id, self._expert, progress)

    def _step(self, round_id: RoundId, event: StepEvent) -> None:
        detail = f"{event.state} {event.detail}".rstrip()
        self._proposer.tell(ProposerEvent("step", self._expert, round_id, detail, step=event))

    def _say(self, what: Happening, round_id: RoundId | None, detail: str, report: RoundReport | None = None) -> None:
        self._proposer.tell(ProposerEvent(what, self._expert, round_id, detail, report=report))


async def _first(task: asyncio.Future[T], stop: asyncio.Event) -> T | None:
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
