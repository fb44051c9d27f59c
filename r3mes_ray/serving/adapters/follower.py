"""Follows the chain and this node's choices: a version is fetched and checked, and only then served.

Without a chain, what is served stays served, also over a restart. A version that fails its check never replaces a good
one: on a fresh node the newest good version of the history is served instead. What could not be fetched is tried again,
ever more rarely. A check that takes long goes on behind the turns, and delays nothing that needs no check.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeAlias

from r3mes_ray.chain.records import ExpertRecord
from r3mes_ray.errors import ChainError, ConfigError, ContentError, ContentNotFound, InvalidInput
from r3mes_ray.serving.adapters.candidates import Candidates
from r3mes_ray.serving.adapters.check import VersionCheck
from r3mes_ray.serving.adapters.choices import Choices
from r3mes_ray.serving.adapters.residency import Engines, Residency
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.serving.adapters.versions import RefusedVersion, VersionTable
from r3mes_ray.serving.records import Canary, Part, ServedExpert
from r3mes_ray.serving.routing.base import ExpertProfile
from r3mes_ray.types import AdapterId, Cid

log = logging.getLogger(__name__)

Experts: TypeAlias = Callable[[], Awaitable[Sequence[ExpertRecord]]]
FetchProfile: TypeAlias = Callable[[str, Cid], Awaitable[ExpertProfile]]
Learn: TypeAlias = Callable[[Sequence[ExpertProfile]], Awaitable[None]]

PATIENCE_S = 2.0
"""How long a turn waits for checks, and then for pins and preloads; a later turn finds them where they are."""


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
        patience_s: how long a turn waits for what may take long.
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
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._table, self._experts, self._residency = table, experts, Residency(engines)
        self._check = VersionCheck(table, engines.check, clock)
        self._fetch_profile, self._learn, self._store = fetch_profile, learn, store
        self._read_choices = choices
        self._base_hash, self._chosen, self._clock = base_hash, frozenset(chosen), clock
        self._patience_s = patience_s
        self._profiles: dict[str, tuple[Cid | None, ExpertProfile]] = {}
        self._choices = Choices()
        self._preloads: dict[str, frozenset[AdapterId]] = {}
        self._known: dict[str, frozenset[AdapterId]] = {}
        self._saved: tuple[ServedExpert, ...] | None = None
        self._residing: asyncio.Task[None] | None = None
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
            settled = await self._without_chain()
            part = Part("chain", ok=False, required=False, detail=f"{error}; what is served stays served")
        else:
            wanted = [one for one in records if not self._chosen or one.name in self._chosen]
            settled = await self._follow_records(wanted)
            part = Part("chain", ok=True, required=False, detail=f"{len(wanted)} experts")
        await self._reside()
        if settled or not self._chain.required:
            self._chain = part
            await self._save()
        else:
            self._chain = Part("chain", ok=False, required=True, detail="the first versions are being checked")

    async def _follow_records(self, wanted: Sequence[ExpertRecord]) -> bool:
        settling = []
        for record in wanted:
            if record.base_hash == self._base_hash:
                finished = [entry for entry in record.history if entry.version <= record.version]
                versions = [AdapterId(record.name, one.version, one.adapter) for one in finished]
                settling.append(self._settle(record.name, versions))
                continue
            newest = AdapterId(record.name, record.version, record.adapter)
            reason = f"made for base {record.base_hash[:12]}…, but {self._base_hash[:12]}… is served here"
            self._table.refuse(RefusedVersion(newest, reason))
        settled = await self._settle_all(settling)
        self._known = {record.name: self._known.get(record.name, frozenset()) for record in wanted}
        self._check.keep(frozenset().union(*self._known.values()))
        for gone in {served.current.expert for served in self._table.experts()} - {record.name for record in wanted}:
            self._table.drop(gone)
        await self._follow_profiles(wanted)
        return settled

    async def _without_chain(self) -> bool:
        """The operator's choices hold all the same; a node that has just started serves what it served last."""
        experts = {one.current.expert: one for one in self._table.experts()}
        restored = self._store.restore() if self._chain.required else ()
        for one in restored:
            if not self._chosen or one.current.expert in self._chosen:
                experts.setdefault(one.current.expert, one)
        settled = await self._settle_all(
            self._settle(name, [one for one in served.versions if one.version <= served.finished], served.description)
            for name, served in experts.items()
        )
        if restored:
            served_now = self._table.experts()
            await self._learn([ExpertProfile(one.current.expert, one.description, (), ()) for one in served_now])
        return settled

    async def _settle_all(self, settling: Iterable[Coroutine[Any, Any, None]]) -> bool:
        """Settle experts side by side; false where one still waits for a check: a later turn settles it."""
        tasks = {asyncio.create_task(one) for one in settling}
        if not tasks:
            return True
        try:
            done, late = await asyncio.wait(tasks, timeout=self._patience_s)
        finally:
            for task in tasks:
                task.cancel()
        for task in done:
            task.result()
        return not late

    async def _settle(self, expert: str, finished: Sequence[AdapterId], description: str = "") -> None:
        """Serve the best usable version of an expert, and its canary."""
        candidates = Candidates(expert, finished, self._choices.of(expert))
        self._known[expert] = frozenset(candidates.versions)
        known = self._table.known(expert)
        current = await self._best(candidates, None if known is None else known.current)
        if current is None:
            return
        canary = candidates.canary
        passed = canary is not None and self._check.passed(canary.adapter)
        self._serve(candidates, current, canary if passed else None, description)
        if canary is not None and not passed and await self._check.usable(canary.adapter):
            self._serve(candidates, current, canary, description)
        self._preloads[expert] = frozenset([one for one in candidates.preload if await self._check.usable(one)])

    def _serve(self, candidates: Candidates, current: AdapterId, canary: Canary | None, description: str) -> None:
        known = self._table.known(current.expert)
        since, text = (int(self._clock()), description) if known is None else (known.since, known.description)
        if known is not None and known.current != current:
            since = int(self._clock())
        served = ServedExpert(current, candidates.versions, since, text, canary, candidates.newest_finished)
        if served != known:
            self._table.switch(served)
            log.info("expert %s is served in version %d (%s)", current.expert, current.version, current.cid)

    async def _best(self, candidates: Candidates, current: AdapterId | None) -> AdapterId | None:
        for adapter in candidates.best_first:
            if adapter == current or await self._check.usable(adapter):
                return adapter
        return None

    async def _reside(self) -> None:
        """Pins and preloads; those of the last turn are finished first."""
        if self._residing is None:
            self._residing = asyncio.create_task(self._residency.settle(self._pins(), self._wanted_loads()))
        await asyncio.wait({self._residing}, timeout=self._patience_s)
        if self._residing.done():
            residing, self._residing = self._residing, None
            residing.result()

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
