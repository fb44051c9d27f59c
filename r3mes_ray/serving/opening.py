"""Opens the parts of the serving half from settings; the only place here that names what is behind the ports."""

from __future__ import annotations

import time
from importlib.resources import files
from pathlib import Path

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.content import open_store
from r3mes_ray.models.base import load_base
from r3mes_ray.serving.adapters.cache import AdapterCache
from r3mes_ray.serving.adapters.fetch import PackageFetcher, fetch_profile, package_bytes
from r3mes_ray.serving.adapters.follower import Follower, Learn, Preload
from r3mes_ray.serving.adapters.versions import VersionTable
from r3mes_ray.serving.embedding import open_embedder
from r3mes_ray.serving.engine import Engine
from r3mes_ray.serving.inference import open_backend
from r3mes_ray.serving.knowledge import Knowledge
from r3mes_ray.serving.prompt import chat_render
from r3mes_ray.serving.records import Part
from r3mes_ray.serving.reports import EngineInfo
from r3mes_ray.serving.retrieval import open_retriever
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
    )
    info = EngineInfo(base.base_id, base.base_hash, base.context_tokens)
    return Engine(backend, cache, chat_render(base.tokenizer), info)


def open_knowledge(settings: Settings, table: VersionTable) -> tuple[Knowledge, Part]:
    """Open the embedder and index the documents; the part says how large the index is.

    Raises:
        ConfigError: the embedder or the folder of documents is not there.
    """
    routing, retrieval = settings.serving.routing, settings.serving.retrieval
    embedder = open_embedder(routing.embedder)
    if not retrieval.enabled:
        part = Part("index", ok=True, required=True, detail="retrieval is switched off")
        return Knowledge(embedder, None, table, routing), part
    shipped = Path(str(files("r3mes_ray") / "data")) / "documents"
    retriever = open_retriever(retrieval, shipped, embedder)
    part = Part("index", ok=True, required=True, detail=f"{len(retriever)} chunks, embedded by {embedder.name}")
    return Knowledge(embedder, retriever, table, routing), part


def open_follower(
    settings: Settings, table: VersionTable, info: EngineInfo, preload: Preload, learn: Learn
) -> Follower:
    """Follow the chain of the settings; call it in the event loop that it runs in."""
    chain, store = open_chain(settings, None), open_store(settings)
    return Follower(
        table,
        lambda: queries.experts(chain),
        preload,
        lambda name, cid: fetch_profile(store, name, cid),
        learn,
        base_hash=info.base_hash,
        chosen=settings.serving.experts,
        clock=time.time,
    )
