"""Follows the chain: a finalised version is loaded and checked, and only then served.

Without a chain, what is served stays served. A version that fails its check never replaces a good one: on a fresh node
the newest good version of the history is served instead. What could not be fetched is tried again, ever more rarely.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from r3mes_ray.chain.records import ExpertRecord
from r3mes_ray.errors import ChainError, ContentError, ContentNotFound, InvalidInput, R3mesError
from r3mes_ray.serving.adapters.versions import RefusedVersion, VersionTable
from r3mes_ray.serving.records import Part, ServedExpert
from r3mes_ray.serving.routing.base import ExpertProfile
from r3mes_ray.types import AdapterId, Cid

log = logging.getLogger(__name__)

Experts: TypeAlias = Callable[[], Awaitable[Sequence[ExpertRecord]]]
Preload: TypeAlias = Callable[[AdapterId], Awaitable[None]]
FetchProfile: TypeAlias = Callable[[str, Cid], Awaitable[ExpertProfile]]
Learn: TypeAlias = Callable[[Sequence[ExpertProfile]], Awaitable[None]]

LONGEST_RETRY_S = 60.0


class Follower:
    """Brings a `VersionTable` and the router's profiles to what the chain says.

    Args:
        experts: asks the chain.
        preload: fetches, checks and loads a version on every engine; raises what its check finds.
        fetch_profile: an expert's description by its CID.
        learn: told of all served experts' profiles when one has changed.
        base_hash: of the base that is served; an expert of another one is refused.
        chosen: names to serve; empty means all.
        clock: Unix time.
    """

    def __init__(
        self,
        table: VersionTable,
        experts: Experts,
        preload: Preload,
        fetch_profile: FetchProfile,
        learn: Learn,
        *,
        base_hash: str,
        chosen: Sequence[str],
        clock: Callable[[], float],
    ) -> None:
        self._table, self._experts, self._preload = table, experts, preload
        self._fetch_profile, self._learn = fetch_profile, learn
        self._base_hash, self._chosen, self._clock = base_hash, frozenset(chosen), clock
        self._profiles: dict[str, tuple[Cid | None, ExpertProfile]] = {}
        self._rejected: set[Cid] = set()
        self._retries: dict[Cid, tuple[int, float]] = {}
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
            records = await self._experts()
        except (ChainError, InvalidInput) as error:
            self._chain = Part("chain", ok=False, required=False, detail=f"{error}; what is served stays served")
            return
        wanted = [record for record in records if not self._chosen or record.name in self._chosen]
        for record in wanted:
            await self._follow_expert(record)
        for gone in {served.current.expert for served in self._table.experts()} - {record.name for record in wanted}:
            self._table.drop(gone)
        await self._follow_profiles(wanted)
        self._chain = Part("chain", ok=True, required=False, detail=f"{len(wanted)} experts")

    async def _follow_expert(self, record: ExpertRecord) -> None:
        if record.base_hash != self._base_hash:
            newest = AdapterId(record.name, record.version, record.adapter)
            reason = f"made for base {record.base_hash[:12]}…, but {self._base_hash[:12]}… is served here"
            self._table.refuse(RefusedVersion(newest, reason))
            return
        known = self._table.known(record.name)
        for adapter in _newest_first(record):
            if known is not None and adapter == known.current:
                return
            if await self._usable(adapter):
                versions = tuple(version for version in reversed(_newest_first(record)) if version.cid is not None)
                description = known.description if known is not None else ""
                self._table.switch(ServedExpert(adapter, versions, int(self._clock()), description))
                log.info("expert %s is served in version %d (%s)", adapter.expert, adapter.version, adapter.cid)
                return

    async def _usable(self, adapter: AdapterId) -> bool:
        """Whether a version is loaded and checked; a refusal is remembered, a failed fetch is tried again later."""
        if adapter.cid is None:
            return True
        tries, not_before = self._retries.get(adapter.cid, (0, 0.0))
        if adapter.cid in self._rejected or self._clock() < not_before:
            return False
        try:
            await self._preload(adapter)
        except (InvalidInput, ContentError) as error:
            final = not isinstance(error, ContentNotFound)
            self._put_off(adapter, adapter.cid, tries, error, final=final)
            return False
        except R3mesError as error:
            self._put_off(adapter, adapter.cid, tries, error, final=False)
            return False
        self._retries.pop(adapter.cid, None)
        return True

    def _put_off(self, adapter: AdapterId, cid: Cid, tries: int, error: R3mesError, *, final: bool) -> None:
        log.warning("version %s is not served: %s", adapter, error)
        self._table.refuse(RefusedVersion(adapter, str(error)))
        if final:
            self._rejected.add(cid)
        else:
            self._retries[cid] = (tries + 1, self._clock() + min(2.0**tries, LONGEST_RETRY_S))

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


def _newest_first(record: ExpertRecord) -> list[AdapterId]:
    """The version that the chain calls current, those before it, and 0, the base."""
    finished = [entry for entry in record.history if entry.version <= record.version]
    versions = [AdapterId(record.name, entry.version, entry.adapter) for entry in finished]
    return [*sorted(versions, key=lambda adapter: -adapter.version), AdapterId(record.name, 0, None)]
