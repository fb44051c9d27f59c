"""Opens an engine from settings. Imported in the engine's process alone: the others do without torch."""

from __future__ import annotations

import logging
import time

from r3mes_ray.content import open_store
from r3mes_ray.serving.adapters.cache import AdapterCache
from r3mes_ray.serving.adapters.fetch import PackageFetcher, package_bytes
from r3mes_ray.serving.engine import Engine
from r3mes_ray.serving.inference import open_backend
from r3mes_ray.serving.prompt import chat_render
from r3mes_ray.serving.reports import EngineInfo
from r3mes_ray.settings import Settings

log = logging.getLogger(__name__)


def open_engine(settings: Settings) -> Engine:
    """Load the base and start an engine on it.

    Raises:
        ModelError: the base cannot be loaded.
        ConfigError: the backend is not installed.
    """
    opened = open_backend(settings)
    base = opened.base
    cache = AdapterCache(
        opened.backend,
        PackageFetcher(open_store(settings), base.linear_shapes, base.base_hash).fetch,
        package_bytes,
        slots=opened.slots,
        slot_bytes=settings.serving.vram_capacity_mb * 2**20,
        ram_bytes=settings.serving.ram_capacity_mb * 2**20,
        clock=time.monotonic,
    )
    info = EngineInfo(base.base_id, base.base_hash, base.context_tokens, opened.form)
    log.info("engine %s: %s weights, %s", opened.form.kind, opened.form.weights, opened.form.dtype)
    return Engine(opened.backend, cache, chat_render(base.tokenizer), info)
