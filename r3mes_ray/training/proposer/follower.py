"""One expert's rounds, one after the other: which one is next, and what an error means for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Literal

from r3mes_ray.chain import queries
from r3mes_ray.chain.records import RoundPhase, RoundRecord
from r3mes_ray.errors import (
    ChainUnavailable,
    ContentError,
    InvalidInput,
    R3mesError,
    RoundBusy,
    RoundError,
    TooFewUpdates,
    TxRejected,
    TxUnknown,
    WorkLost,
)
from r3mes_ray.training.journal import read_journal
from r3mes_ray.training.ports import StepEvent
from r3mes_ray.training.proposer.following import POLL_S, Following, Happening, ProposerEvent, first
from r3mes_ray.training.proposer.opening import OpenedRound, open_or_join
from r3mes_ray.training.proposer.report import RoundReport, report_of
from r3mes_ray.types import RoundId

Stake = Literal["none", "committed"]
"""`committed`: a commitment waits for its reveal, and costs stake without it."""

After = Literal["retry", "back-off", "give-up", "fail"]
"""What an error means: the same round again, soon or ever later, another round, or the end of the expert's follower."""


def after(error: Exception, stake: Stake) -> After:
    """What to do after an error ended a run of a round; a reveal that comes too late ends it as RoundClosed."""
    if isinstance(error, (ChainUnavailable, ContentError, TxUnknown)):
        return "retry"
    # A full disk, a busy lock or a dead worker may be over before the reveal phase is.
    if stake == "committed" and isinstance(error, (TxRejected, RoundBusy, WorkLost, OSError)):
        return "retry"
    if isinstance(error, (RoundError, InvalidInput, TxRejected)):
        return "give-up"
    return "back-off" if isinstance(error, OSError) else "fail"


class Follower:
    """One expert's rounds, one after the other."""

    def __init__(self, proposer: Following, chain_id: str, expert: str) -> None:
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
            found = await self._proposer.patiently(self._expert, self._next)
            if found is not None:
                await self._run(found)
                count += 1
            await self._proposer.pause(POLL_S if found is None else plan.pause_s)

    def _wanted(self) -> bool:
        """An expert that was not asked for is followed only to end what was left under way."""
        return not self._proposer.plan.experts or self._expert in self._proposer.plan.experts

    async def _next(self) -> RoundId | None:
        """The round to work on: the open one, or a new one; None while there is nothing to do."""
        ports, plan = self._proposer.ports, self._proposer.plan
        found: OpenedRound | RoundRecord | None
        if plan.opens:
            found = await open_or_join(ports.client, self._expert, ports.settings.training, plan.limit, plan.blocks)
        else:
            found = await queries.open_round(ports.client, self._expert)
        if found is None:
            return None
        if isinstance(found, OpenedRound):
            self._say("opened", found.round_id, f"at height {found.height}, tx {found.tx_hash}")
            return found.round_id
        own = read_journal(ports.settings.home, self._chain_id, found.round_id)
        if found.round_id in self._given_up or (own is not None and own.ended is not None):
            return None
        if own is None and found.phase not in (RoundPhase.SUBMIT, RoundPhase.COMMIT):
            return None
        self._say("joined", found.round_id, f"open, {found.phase}")
        return found.round_id

    async def _run(self, round_id: RoundId) -> None:
        """Run a round to its end, through outages of the chain; what ends it early is told."""
        stop, pauses = self._proposer.stop, self._proposer.pauses()
        while True:
            own = replace(self._proposer.ports, listen=lambda event: self._step(round_id, event))
            running = asyncio.ensure_future(self._proposer.run_round(own, round_id))
            try:
                report = await first(running, stop.now)
            except (R3mesError, OSError) as error:
                match after(error, self._stake(round_id)):
                    case "retry" | "back-off" as how:
                        pause_s = self._proposer.least_pause_s if how == "retry" else next(pauses)
                        await self._proposer.wait(self._expert, round_id, error, pause_s)
                        if stop.soon.is_set():
                            return self._left(round_id)
                        continue
                    case "fail":
                        raise
                    case "give-up":
                        return self._give_up(round_id, error)
            if report is None:
                return self._left(round_id)
            return self._say("ended", round_id, report.outcome or "", report)

    def _give_up(self, round_id: RoundId, error: Exception) -> None:
        self._given_up.add(round_id)
        what: Happening = "given-up" if isinstance(error, TooFewUpdates) else "ended"
        self._say(what, round_id, str(error), self._report(round_id))

    def _stake(self, round_id: RoundId) -> Stake:
        """Whether a commitment waits for its reveal, or may, where the journal cannot be read now."""
        try:
            progress = read_journal(self._proposer.ports.settings.home, self._chain_id, round_id)
        except OSError:
            return "committed"
        waits = progress is not None and progress.ended is None and progress.committed is not None
        return "committed" if waits and progress is not None and progress.revealed is None else "none"

    def _left(self, round_id: RoundId) -> None:
        """Tell what a round that is left under way still needs."""
        at_stake = self._stake(round_id) == "committed"
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
