"""`r3mes serve`: the serving node by itself."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import typer

from r3mes_ray import cluster
from r3mes_ray.chain import open_chain
from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.cli.node import say, stop_on_signals
from r3mes_ray.content import Limits, open_store
from r3mes_ray.errors import InvalidCid
from r3mes_ray.node.content_peers import peers_from_chain
from r3mes_ray.protocol.cid import parse_cid
from r3mes_ray.serving.ports import claim_port
from r3mes_ray.settings import Settings, parse_settings
from r3mes_ray.types import Cid

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class ServingNode:
    """Where a running serving node is."""

    gateway: str
    dashboard: str
    chain: str


@app.command()
def serve(
    model: str | None = typer.Option(None, metavar="PATH|CID", help="Base model: a folder, `tiny`, or its CID"),
    blockchain_url: str | None = typer.Option(None, metavar="HOST:PORT", help="gRPC address of a chain node"),
    rag: bool | None = typer.Option(None, "--enable-rag/--disable-rag", help="Whether passages are retrieved"),
    vram_capacity: int | None = typer.Option(None, min=1, metavar="MB", help="For adapters on the engine's device"),
    ram_capacity: int | None = typer.Option(None, min=1, metavar="MB", help="For adapters in main memory"),
    engine: str | None = typer.Option(None, metavar="transformers|vllm", help="Inference backend"),
    port: int | None = typer.Option(None, min=0, max=65535, help="Port of the gateway; 0 takes a free one"),
) -> None:
    """Serve experts over HTTP and follow the chain; Ctrl-C drains and stops what this started."""
    wanted = {
        "model.path": model,
        "chain.grpc_address": None if blockchain_url is None else grpc_address(blockchain_url),
        "serving.retrieval.enabled": rag,
        "serving.vram_capacity_mb": vram_capacity,
        "serving.ram_capacity_mb": ram_capacity,
        "serving.port": port,
    }
    if engine != current().settings.serving.engine.kind:
        # Another kind than the file of settings has: with its defaults.
        wanted["serving.engine"] = engine
    settings = with_choices(current().settings, {key: value for key, value in wanted.items() if value is not None})
    run(_serve(settings))


def grpc_address(url: str) -> str:
    """host:port of a chain node, from `host:port`, `http://host:port` or `grpc://host:port`."""
    return url.rpartition("://")[2].rstrip("/")


def with_choices(settings: Settings, choices: dict[str, object]) -> Settings:
    """The settings with some fields changed, by their dotted names, and checked again.

    Raises:
        ConfigError: a value is wrong.
    """
    data = settings.model_dump()
    for name, value in choices.items():
        *sections, field = name.split(".")
        section = data
        for part in sections:
            section = section[part]
        section[field] = value
    return parse_settings(data)


async def _serve(settings: Settings) -> None:
    stop = stop_on_signals()
    port = claim_port(settings.serving.host, settings.serving.port, "serving.port")
    if settings.ray.address is None:
        claim_port("127.0.0.1", settings.ray.dashboard_port, "ray.dashboard_port")
    with tempfile.TemporaryDirectory(prefix="r3mes-model-") as folder:
        async with peers_from_chain(settings, open_chain(settings, None), say):
            path = await model_path(settings, Path(folder) / "model")
            await _serve_model(with_choices(settings, {"model.path": path, "serving.port": port}), stop)


async def _serve_model(settings: Settings, stop: asyncio.Event) -> None:
    say("starting Ray …")
    joined = await asyncio.to_thread(cluster.join, settings)
    # Imported here: what Ray reads from the environment is set by now.
    from r3mes_ray.serving.app import deploy, drain, undeploy

    try:
        say("starting gateway, knowledge and engine …")
        url = await asyncio.to_thread(deploy, settings)
        node = ServingNode(url, joined.dashboard, settings.chain.grpc_address)
        places = f"gateway    {url}/v1\ndashboard  {node.dashboard}\nchain      {node.chain}"
        emit(node, f"{places}\nCtrl-C drains and stops.")
        await stop.wait()
        say("draining requests")
    finally:
        await asyncio.to_thread(drain if joined.owned else undeploy)
        await asyncio.to_thread(cluster.leave)
    say("stopped")


async def model_path(settings: Settings, target: Path) -> str:
    """Where the base model is: the setting itself, or `target` after a model that is named by CID was fetched to it."""
    try:
        parse_cid(settings.model.path)
    except InvalidCid:
        return settings.model.path
    say(f"fetching the model {settings.model.path} …")
    await open_store(settings).get(Cid(settings.model.path), target, Limits(max_bytes=64 * 2**30))
    return str(target)
