"""Opens an engine from settings. Imported in the engine's process alone: the others do without torch."""

from __future__ import annotations

import time

from r3mes_ray.content import open_store
from r3mes_ray.models.base import load_base
from r3mes_ray.serving.adapters.cache import AdapterCache
from r3mes_ray.serving.adapters.fetch import PackageFetcher, package_bytes
from r3mes_ray.serving.engine import Engine
from r3mes_ray.serving.inference import open_backend
from r3mes_ray.serving.prompt import chat_render
from r3mes_ray.serving.reports import EngineInfo
from r3mes_ray.settings import Settings

MAX_SLOTS = 64
"""Slots of one engine; the budget of bytes is what limits it in practice."""


def open_engine(settings: Settings) -> Engine:
    """Load the base and start an engine on it.

    Raises:
        ModelError: the base cannot be loaded.
        ConfigError: the backend is not installed.
    """
    base = load_base(settings.model.path, threads=settings.model.threads)
    backend = open_backend(settings.serving, base, MAX_SLOTS)
    cache = AdapterCache(
        backend,
        PackageFetcher(open_store(settings), base).fetch,
        package_bytes,
        slots=MAX_SLOTS,
        slot_bytes=settings.serving.vram_capacity_mb * 2**20,
        ram_bytes=settings.serving.ram_capacity_mb * 2**20,
        clock=time.monotonic,
    )
    info = EngineInfo(base.base_id, base.base_hash, base.context_tokens)
    return Engine(backend, cache, chat_render(base.tokenizer), info)
