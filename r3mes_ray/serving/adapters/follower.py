"""Follows the chain and this node's choices: a version is loaded and checked, and only then served.

Without a chain, what is served stays served, also over a restart. A version that fails its check never replaces a good
one: on a fresh node the newest good version of the history is served instead. What could not be fetched is tried again,
ever more rarely.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from r3mes_ray.chain.records import ExpertRecord
from r3mes_ray.errors import ChainError, ConfigError, ContentError, ContentNotFound, InvalidInput
from r3mes_ray.serving.adapters.candidates import Candidates
from r3mes_ray.serving.adapters.check import VersionCheck
from r3mes_ray.serving.adapters.choices import Choices
from r3mes_ray.serving.adapters.residency import Engines, Residency
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.serving.adapters.versions import RefusedVersion, VersionTable
from r3mes_ray.serving.records import Part, ServedExpert
from r3mes_ray.serving.routing.base import ExpertProfile
from r3mes_ray.types import AdapterId, Cid

log = logging.getLogger(__name__)

Experts: TypeAlias = Callable[[], Awaitable[Sequence[ExpertRecord]]]
FetchProfile: TypeAlias = Callable[[str, Cid], Awaitable[ExpertProfile]]
Learn: TypeAlias = Callable[[Sequence[ExpertProfile]], Awaitable[None]]


class Follower:
    """Brings a `VersionTable` and the router's profiles to what the chain and the operator say.

    Args:
        experts: asks the chain.
        engines: fetch, check and load versions.
        fetch_profile: an expert's description by its CID.
        learn: told of all served experts' profiles when one has changed.
        store: keeps the table over a restart.
        choices: reads what the operator decided.
        base_hash: of the base that is served; an expert of another one is refused.
        chosen: names to serve; empty means all.
        clock: Unix time.
    """

    def __init__(
        self,
        table: VersionTable,
        experts: Experts,
        engines: Engines,
        fetch_profile: FetchProfile,
        learn: Learn,
        *,
        store: VersionStore,
        choices: Callable[[], Choices],
        base_hash: str,
        chosen: Sequence[str],
        clock: Callable[[], float],
    ) -> None:
        self._table, self._experts, self._residency = table, experts, Residency(engines)
        self._check = VersionCheck(table, self._residency.preload, clock)
        self._fetch_profile, self._learn, self._store = fetch_profile, learn, store
        self._read_choices = choices
        self._base_hash, self._chosen, self._clock = base_hash, frozenset(chosen), clock
        self._profiles: dict[str, tuple[Cid | None, ExpertProfile]] = {}
        self._choices = Choices()
        self._preloads: dict[str, frozenset[AdapterId]] = {}
        self._saved: tuple[ServedExpert, ...] | None = None
        self._chain = Part("chain", ok=False, required=True, detail="not asked yet")

    @property
    def chain(self) -> Part:
        """Whether the chain answered when it was last asked."""
        return self._chain

    async def follow(self, interval_s: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Follow until cancelled."""
        while True:
            await self.follow_once()
            await sleep(interval_s)

    async def follow_once(self) -> None:
        """Ask the chain once and bring everything up to date."""
        try:
            self._choices = self._read_choices()
        except ConfigError as error:
            log.warning("the choices about experts stay as they were: %s", error)
        try:
            records = await self._experts()
        except (ChainError, InvalidInput) as error:
            await self._without_chain()
            self._chain = Part("chain", ok=False, required=False, detail=f"{error}; what is served stays served")
        else:
            await self._follow_records([one for one in records if not self._chosen or one.name in self._chosen])
        await self._residency.settle(self._pins(), self._wanted_loads())
        await self._save()

    async def _follow_records(self, wanted: Sequence[ExpertRecord]) -> None:
        for record in wanted:
            if record.base_hash == self._base_hash:
                finished = [entry for entry in record.history if entry.version <= record.version]
                await self._settle(record.name, [AdapterId(record.name, one.version, one.adapter) for one in finished])
                continue
            newest = AdapterId(record.name, record.version, record.adapter)
            reason = f"made for base {record.base_hash[:12]}…, but {self._base_hash[:12]}… is served here"
            self._table.refuse(RefusedVersion(newest, reason))
        for gone in {served.current.expert for served in self._table.experts()} - {record.name for record in wanted}:
            self._table.drop(gone)
        await self._follow_profiles(wanted)
        self._chain = Part("chain", ok=True, required=False, detail=f"{len(wanted)} experts")

    async def _without_chain(self) -> None:
        """The operator's choices hold all the same; a node that has just started serves what it served last."""
        known = self._table.experts()
        experts = known or [
            one for one in self._store.restore() if not self._chosen or one.current.expert in self._chosen
        ]
        for served in experts:
            finished = [one for one in served.versions if one.version <= served.finished]
            await self._settle(served.current.expert, finished, served.description)
        if experts and not known:
            await self._learn([ExpertProfile(one.current.expert, one.description, (), ()) for one in experts])

    async def _settle(self, expert: str, finished: Sequence[AdapterId], description: str = "") -> None:
        """Serve the best usable version of an expert, and its canary."""
        candidates = Candidates(expert, finished, self._choices.of(expert))
        known = self._table.known(expert)
        current = await self._best(candidates, None if known is None else known.current)
        if current is None:
            return
        self._preloads[expert] = frozenset([one for one in candidates.preload if await self._check.usable(one)])
        canary = candidates.canary
        if canary is not None and not await self._check.usable(canary.adapter):
            canary = None
        since, text = (int(self._clock()), description) if known is None else (known.since, known.description)
        if known is not None and known.current != current:
            since = int(self._clock())
        served = ServedExpert(current, candidates.versions, since, text, canary, candidates.newest_finished)
        if served != known:
            self._table.switch(served)
            log.info("expert %s is served in version %d (%s)", expert, current.version, current.cid)

    async def _best(self, candidates: Candidates, current: AdapterId | None) -> AdapterId | None:
        for adapter in candidates.best_first:
            if adapter == current or await self._check.usable(adapter):
                return adapter
        return None

    def _pins(self) -> frozenset[AdapterId]:
        current = (one.current for one in self._table.experts())
        return frozenset(one for one in current if one.cid is not None and self._choices.of(one.expert).pinned)

    def _wanted_loads(self) -> frozenset[AdapterId]:
        """What was to be preloaded, of the experts that are still served."""
        self._preloads = {name: kept for name, kept in self._preloads.items() if self._table.known(name)}
        return frozenset().union(*self._preloads.values())

    async def _save(self) -> None:
        experts = self._table.experts()
        if experts and experts != self._saved:
            try:
                await asyncio.to_thread(self._store.save, experts)
            except OSError as error:
                log.warning("what is served is not kept over a restart until the next turn: %s", error)
            else:
                self._saved = experts

    async def _follow_profiles(self, records: Sequence[ExpertRecord]) -> None:
        """Read the descriptions that changed; an expert without a readable one is routed to by name only."""
        changed = False
        for record in records:
            served = self._table.known(record.name)
            if served is None or self._profiles.get(record.name, ("", None))[0] == record.description:
                continue
            try:
                profile = await self._profile(record)
            except ContentNotFound as error:
                log.warning("the description of expert %s is not there yet: %s", record.name, error)
                continue
            except (InvalidInput, ContentError) as error:
                log.warning("the description of expert %s is left out: %s", record.name, error)
                profile = ExpertProfile(record.name, "", (), ())
            self._profiles[record.name] = (record.description, profile)
            self._table.describe(record.name, profile.description)
            changed = True
        gone = self._profiles.keys() - {served.current.expert for served in self._table.experts()}
        for name in gone:
            del self._profiles[name]
        if changed or gone:
            await self._learn([profile for _, profile in self._profiles.values()])

    async def _profile(self, record: ExpertRecord) -> ExpertProfile:
        if record.description is None:
            return ExpertProfile(record.name, "", (), ())
        return await self._fetch_profile(record.name, record.description)
