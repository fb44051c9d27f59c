"""A proposer that goes on until it is stopped: it opens and follows the rounds of several experts.

Each expert has a follower. What it does next is decided by the chain and the journals alone, so a follower that starts
after a crash does what the one before it would have done; rounds that were left under way come first, for an
unrevealed commitment costs stake.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from r3mes_ray.chain import queries
from r3mes_ray.errors import JournalDamaged, R3mesError
from r3mes_ray.training.journal import journalled_rounds, read_journal
from r3mes_ray.training.proposer.follower import Follower
from r3mes_ray.training.proposer.following import Following, ProposerEvent
from r3mes_ray.types import RoundId


@dataclass(frozen=True, slots=True)
class Proposer(Following):
    """Follows experts for one account, each with a follower of its own."""

    async def run(self) -> bool:
        """Follow until stopped, or until every follower is done; True where none failed.

        A bug in one follower is told at once, and raised when the others are done.
        """
        start = await self.patiently("", self._experts_and_left)
        if start is None:
            return True
        chain_id, left = start
        followers = (self._guarded(chain_id, expert, rounds) for expert, rounds in left.items())
        ended = await asyncio.gather(*followers, return_exceptions=True)
        for result in ended:
            if isinstance(result, BaseException):
                raise result
        return all(ended)

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
            await Follower(self, chain_id, expert).follow(left)
        except (R3mesError, OSError) as error:
            self.tell(ProposerEvent("failed", expert, None, f"{type(error).__name__}: {error}"))
            return False
        except Exception as error:
            self.tell(ProposerEvent("failed", expert, None, f"{type(error).__name__}, which is a bug: {error}"))
            raise
        self.tell(ProposerEvent("done", expert, None, "stopped" if self.stop.soon.is_set() else "all rounds done"))
        return True
