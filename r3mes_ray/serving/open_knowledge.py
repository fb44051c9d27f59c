"""Opens the knowledge part from settings: embedder, index, and the follower of the chain."""

from __future__ import annotations

import time
from importlib.resources import files
from pathlib import Path

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.content import open_store
from r3mes_ray.serving.adapters import choices, version_store
from r3mes_ray.serving.adapters.choices import read_choices
from r3mes_ray.serving.adapters.follower import Follower, Learn
from r3mes_ray.serving.adapters.residency import Engines
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.serving.adapters.versions import VersionTable
from r3mes_ray.serving.embedding import open_embedder
from r3mes_ray.serving.knowledge import Knowledge
from r3mes_ray.serving.records import Part
from r3mes_ray.serving.reports import EngineInfo
from r3mes_ray.serving.retrieval import open_retriever
from r3mes_ray.serving.routing.profiles import fetch_profile
from r3mes_ray.settings import Settings

FOLDER = "serving"
"""Of a node's home: what it served last, and what its operator decided."""


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
    settings: Settings, table: VersionTable, info: EngineInfo, engines: Engines, learn: Learn
) -> Follower:
    """Follow the chain of the settings; call it in the event loop that it runs in."""
    chain, store = open_chain(settings, None), open_store(settings)
    folder = settings.home / FOLDER
    return Follower(
        table,
        lambda: queries.experts(chain),
        engines,
        lambda name, cid: fetch_profile(store, name, cid),
        learn,
        store=VersionStore(folder / version_store.FILE, info.base_hash),
        choices=lambda: read_choices(folder / choices.FILE),
        base_hash=info.base_hash,
        chosen=settings.serving.experts,
        clock=time.time,
    )
