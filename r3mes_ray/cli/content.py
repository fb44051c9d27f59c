"""`r3mes content`: the store of this node by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import DownloadColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from r3mes_ray.chain import open_chain
from r3mes_ray.chain.base import ChainClient
from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.cli.node import say, stop_on_signals
from r3mes_ray.cli.passphrases import open_key
from r3mes_ray.content import DEFAULT_LIMITS, Limits, open_blocks, open_store, open_upkeep
from r3mes_ray.content.base import Progress, unheard
from r3mes_ray.content.serve import create_gateway, run_gateway
from r3mes_ray.content.upkeep import Verified
from r3mes_ray.node.content_peers import refresh_peers
from r3mes_ray.node.content_server import ContentServer, token_of
from r3mes_ray.protocol.cid import parse_cid
from r3mes_ray.settings import Settings
from r3mes_ray.types import Cid

app = typer.Typer(no_args_is_help=True, help="Add, get, pin and verify content of this node's store.")

CidArgument = Annotated[str, typer.Argument(metavar="CID", help="CIDv1 (b…) or CIDv0 (Qm…).")]


@app.command()
def add(path: Annotated[Path, typer.Argument(exists=True, readable=True, help="File or folder.")]) -> None:
    """Store a file or folder, pin it and print its CID."""
    cid = run(open_store(current().settings).add(path))
    emit({"cid": cid, "path": path}, cid)


@app.command()
def get(
    cid: CidArgument,
    target: Annotated[Path | None, typer.Argument(help="Where to write it; default: a new ./CID.")] = None,
    max_bytes: Annotated[int, typer.Option(min=1, help="Refuse content that is larger.")] = DEFAULT_LIMITS.max_bytes,
) -> None:
    """Write verified content to a file or folder, completely or not at all."""
    place = target or Path(cid)
    with _progress() as heard:
        run(open_store(current().settings).get(_checked(cid), place, Limits(max_bytes=max_bytes), heard))
    emit({"cid": cid, "path": place}, str(place))


@app.command()
def pin(cid: CidArgument) -> None:
    """Keep content that is wholly here."""
    run(open_store(current().settings).pin(_checked(cid)))
    emit({"cid": cid, "pinned": True}, f"pinned {cid}")


@app.command()
def unpin(cid: CidArgument) -> None:
    """Let content be dropped by the next `gc`, or when room is needed."""
    run(open_store(current().settings).unpin(_checked(cid)))
    emit({"cid": cid, "pinned": False}, f"unpinned {cid}")


@app.command()
def stat(cid: CidArgument) -> None:
    """Show how large content is, and whether it is pinned."""
    found = run(open_store(current().settings).stat(_checked(cid)))
    state = "pinned" if found.pinned else "not pinned"
    emit(found, f"{found.cid}  {found.file_bytes} bytes in {found.blocks} blocks, {state}")


@app.command()
def ls() -> None:
    """List what is pinned."""
    pins = run(open_upkeep(current().settings).pins())
    emit(list(pins), "\n".join(pins) or "nothing is pinned")


@app.command()
def gc() -> None:
    """Drop every block that no pin needs."""
    gone = run(open_upkeep(current().settings).collect())
    emit(gone, f"dropped {gone.blocks} blocks, {gone.bytes} bytes")


@app.command()
def verify(
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete damaged blocks, so that they are fetched again.")
    ] = False,
) -> None:
    """Hash every block and walk every pin; ends with 1 when something is damaged or missing."""
    store = open_upkeep(current().settings)
    found = run(store.verify())
    if delete:
        run(store.discard(found.damaged))
    emit(found, _report(found, delete))
    if found.damaged or found.incomplete:
        raise typer.Exit(1)


@app.command()
def peers() -> None:
    """Ask the chain where nodes serve content; this node's store asks them for what it lacks."""
    settings = current().settings
    urls = run(refresh_peers(settings, open_chain(settings, None)))
    emit(urls, "\n".join(urls) or "no node says that it serves content")


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default: setting content_server.host.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = None,
    announce: Annotated[bool, typer.Option("--announce", help="Say on chain where, as a registered node.")] = False,
    key: Annotated[str | None, typer.Option(help="Name of the key that announces.")] = None,
) -> None:
    """Serve the blocks of this machine to peers, as a trustless gateway; Ctrl-C stops it.

    With --announce other nodes learn from the chain where; an account that is no node yet is registered for mining,
    which takes no stake.
    """
    settings = current().settings
    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    server = settings.content_server.model_copy(update=chosen)
    if announce:
        client = open_chain(settings, open_key(key))
        run(_serve_announced(settings.model_copy(update={"content_server": server}), client))
        return
    gateway = create_gateway(open_blocks(settings), token_of(server.token_env))
    run(run_gateway(gateway, server, lambda url: emit({"url": url}, f"serving content at {url}")))


async def _serve_announced(settings: Settings, client: ChainClient) -> None:
    from r3mes_ray.node.bootstrap import register_for_content  # It loads torch.

    open_blocks(settings)
    stop = stop_on_signals()
    await register_for_content(client)
    node = ContentServer(settings, say)
    try:
        emit({"url": await node.start(client)}, "Ctrl-C stops it.")
        await stop.wait()
    finally:
        await node.stop()


@contextmanager
def _progress() -> Iterator[Progress]:
    """A line on a terminal's standard error that counts the bytes."""
    if not sys.stderr.isatty():
        yield unheard
        return
    with Bar(DownloadColumn(), TransferSpeedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda file_bytes: bar.update(task, completed=file_bytes)


def _report(found: Verified, deleted: bool) -> str:
    lines = [f"{found.blocks} blocks, {found.bytes} bytes: {len(found.damaged)} damaged"]
    lines += [f"damaged     {cid}" for cid in found.damaged]
    lines += [f"incomplete  {pin.root}: {pin.reason}" for pin in found.incomplete]
    if found.damaged and not deleted:
        lines.append(
            "next: `r3mes content verify --delete` removes the damaged blocks; then `content get` fetches them"
        )
    if found.incomplete and (deleted or not found.damaged):
        lines.append("next: `r3mes content get CID`, or `content add` of the same file, brings the missing blocks back")
    return "\n".join(lines)


def _checked(text: str) -> Cid:
    return parse_cid(text).text
