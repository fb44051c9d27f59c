"""What the parts of the serving half say of themselves; all of it crosses Ray."""

from __future__ import annotations

from dataclasses import dataclass

from r3mes_ray.serving.inference.base import EngineForm, EngineStats
from r3mes_ray.serving.records import Part, ServedExpert
from r3mes_ray.types import Cid


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which base an engine serves, and how."""

    base_id: str
    base_hash: str
    context_tokens: int
    form: EngineForm | None = None


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What an adapter cache holds, and what it has done; a hit is counted at the tier that had the adapter."""

    slot_hits: int
    ram_hits: int
    fetches: int
    slot_evictions: int
    ram_evictions: int
    slot_bytes: int
    ram_bytes: int
    resident: tuple[Cid, ...]
    prefetches: int = 0
    refused: int = 0
    in_ram: tuple[Cid, ...] = ()
    pinned: tuple[Cid, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What one engine replica does at the moment."""

    engine: EngineStats
    cache: CacheStats
    form: EngineForm | None = None


@dataclass(frozen=True, slots=True)
class KnowledgeReport:
    """Index, chain and experts."""

    parts: tuple[Part, ...]
    experts: tuple[ServedExpert, ...]
