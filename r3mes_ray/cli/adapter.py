"""`r3mes adapter`: the adapters of this node. A running node follows what is decided here within a second."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from r3mes_ray.cli.adapter_convert import app as converting
from r3mes_ray.cli.adapter_wrap import is_package, wrap
from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.content import Limits, open_store
from r3mes_ray.errors import ExpertNotFound, InvalidInput
from r3mes_ray.protocol.cid import parse_cid
from r3mes_ray.serving.adapters.choices import FILE, Choice, LocalVersion, change_choice, read_choices
from r3mes_ray.serving.adapters.version_store import FILE as TABLE
from r3mes_ray.serving.adapters.version_store import read_table
from r3mes_ray.serving.records import ServedExpert
from r3mes_ray.serving.target import Named, parse_target
from r3mes_ray.types import AdapterId, Cid

app = typer.Typer(no_args_is_help=True, help="Import, publish, pin, roll back and preload adapters of this node.")
app.registered_commands += converting.registered_commands

MAX_PACKAGE_BYTES = 2**30

ExpertArgument = Annotated[str, typer.Argument(metavar="EXPERT")]
FolderArgument = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of an adapter package.")]


@dataclass(frozen=True, slots=True)
class Known:
    """An expert on this node: what it served last, and what was decided."""

    expert: str
    version: int | None
    adapter_cid: Cid | None
    versions: tuple[int, ...]
    held: int | None
    canary: int | None
    share: float
    pinned: bool


@app.command("list")
def list_adapters() -> None:
    """List experts with the version that is served, and what was decided about them."""
    served = {one.current.expert: one for one in _served()}
    choices = read_choices(_folder() / FILE)
    known = [_known(name, served.get(name), choices.of(name)) for name in sorted(served.keys() | choices.experts)]
    emit(known, "\n".join(map(_line, known)) or "no expert is known here yet")


@app.command("import")
def import_package(
    folder: FolderArgument,
    expert: Annotated[str | None, typer.Option(help="Expert that a plain PEFT folder is for.")] = None,
    version: Annotated[int, typer.Option(min=1, help="Version that a plain PEFT folder becomes.")] = 1,
) -> None:
    """Check a package, store it, and make it known as its version; `rollback` or `canary` serve it.

    A LoRA or DoRA as PEFT saves it becomes a package of this node's base with --expert.
    """
    if is_package(folder, expert):
        adapter = _stored(folder)
    else:
        with tempfile.TemporaryDirectory(prefix="r3mes-import-") as place:
            wrap(folder, Path(place) / "package", expert or "", version)
            adapter = _stored(Path(place) / "package")
    entry = LocalVersion(version=adapter.version, cid=str(adapter.cid))
    _decide(adapter.expert, lambda choice: _with_local(choice, entry))
    emit({"adapter": str(adapter), "cid": adapter.cid}, f"{adapter}  {adapter.cid}")


@app.command()
def publish(folder: FolderArgument) -> None:
    """Check a package and store it, so that others can fetch it from this node; only a round makes it a version."""
    adapter = _stored(folder)
    emit({"adapter": str(adapter), "cid": adapter.cid}, f"{adapter}  {adapter.cid}")


@app.command()
def export(
    name: Annotated[str, typer.Argument(metavar="EXPERT[@VERSION]|CID")],
    target: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
) -> None:
    """Write a verified package to a folder, as PEFT loads it."""
    cid = _cid_of(name)
    run(open_store(current().settings).get(cid, target, Limits(max_bytes=MAX_PACKAGE_BYTES)))
    emit({"cid": cid, "path": target}, str(target))


@app.command()
def rollback(
    expert: ExpertArgument,
    to: Annotated[int | None, typer.Option(min=0, help="Version; default: the one before the served one.")] = None,
) -> None:
    """Serve an earlier version from now on, whatever the chain says; running requests end on the one they have."""
    held = _version_before(expert) if to is None else to
    _decide(expert, lambda choice: choice.model_copy(update={"held": held}))
    emit(
        {"expert": expert, "held": held}, f"{expert} is held at version {held}; `r3mes adapter follow {expert}` ends it"
    )


@app.command()
def follow(expert: ExpertArgument) -> None:
    """Serve what the chain says again: ends `rollback` and `canary`."""
    _decide(expert, lambda choice: choice.model_copy(update={"held": None, "canary": None, "share": 0.0}))
    emit({"expert": expert, "held": None}, f"{expert} follows the chain")


@app.command()
def canary(
    expert: ExpertArgument,
    version: Annotated[int, typer.Argument(min=0)],
    share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Of the requests; 0 ends it.")] = 0.05,
) -> None:
    """Let a version answer a share of the requests for an expert."""
    chosen = {"canary": version if share else None, "share": share}
    _decide(expert, lambda choice: choice.model_copy(update=chosen))
    emit({"expert": expert, **chosen}, f"{expert}@{version} answers {share:.0%} of the requests")


@app.command()
def pin(expert: ExpertArgument) -> None:
    """Keep an expert's current version in every engine."""
    _decide(expert, lambda choice: choice.model_copy(update={"pinned": True}))
    emit({"expert": expert, "pinned": True}, f"{expert} is pinned")


@app.command()
def unpin(expert: ExpertArgument) -> None:
    """Let an expert be evicted again."""
    _decide(expert, lambda choice: choice.model_copy(update={"pinned": False}))
    emit({"expert": expert, "pinned": False}, f"{expert} is not pinned")


@app.command()
def preload(expert: ExpertArgument, version: Annotated[int, typer.Argument(min=1)]) -> None:
    """Load a version on every engine ahead of its first request."""
    _decide(expert, lambda choice: choice.model_copy(update={"preload": tuple(sorted({*choice.preload, version}))}))
    emit({"expert": expert, "preload": version}, f"{expert}@{version} will be loaded")


@app.command()
def unpreload(expert: ExpertArgument, version: Annotated[int, typer.Argument(min=1)]) -> None:
    """Load a version ahead no longer; where it is loaded, it stays until another one makes it room."""
    _decide(expert, lambda choice: _without_preload(choice, version))
    emit({"expert": expert, "unpreload": version}, f"{expert}@{version} will not be loaded ahead")


def _folder() -> Path:
    return current().settings.home / "serving"


def _served() -> tuple[ServedExpert, ...]:
    return read_table(_folder() / TABLE)


def _decide(expert: str, change: Callable[[Choice], Choice]) -> None:
    change_choice(_folder() / FILE, expert, change)


def _stored(folder: Path) -> AdapterId:
    # Imported here: it loads torch, which most of these commands do without.
    from r3mes_ray.models.adapters import read_package

    manifest = read_package(folder, max_bytes=MAX_PACKAGE_BYTES).manifest
    cid = asyncio.run(open_store(current().settings).add(folder))
    return AdapterId(manifest.expert, manifest.version, cid)


def _without_preload(choice: Choice, version: int) -> Choice:
    return choice.model_copy(update={"preload": tuple(one for one in choice.preload if one != version)})


def _with_local(choice: Choice, entry: LocalVersion) -> Choice:
    others = tuple(one for one in choice.local if one.version != entry.version)
    return choice.model_copy(update={"local": (*others, entry)})


def _known(expert: str, served: ServedExpert | None, choice: Choice) -> Known:
    versions = () if served is None else tuple(one.version for one in served.versions)
    imported = tuple(entry.version for entry in choice.local)
    adapter = None if served is None else served.current
    return Known(
        expert=expert,
        version=None if adapter is None else adapter.version,
        adapter_cid=None if adapter is None else adapter.cid,
        versions=tuple(sorted({*versions, *imported})),
        held=choice.held,
        canary=choice.canary,
        share=choice.share,
        pinned=choice.pinned,
    )


def _line(known: Known) -> str:
    notes = [f"serves {known.version}" if known.version is not None else "not served yet"]
    notes += [] if known.held is None else [f"held at {known.held}"]
    notes += [] if known.canary is None else [f"canary {known.canary} for {known.share:.0%}"]
    notes += ["pinned"] if known.pinned else []
    return f"{known.expert:20} {', '.join(notes)}; versions {', '.join(map(str, known.versions)) or 'none'}"


def _version_before(expert: str) -> int:
    for served in _served():
        if served.current.expert == expert:
            earlier = [one.version for one in served.versions if one.version < served.current.version]
            return max(earlier, default=0)
    raise ExpertNotFound(expert)


def _cid_of(name: str) -> Cid:
    for served in _served():
        target = parse_target(name)
        if isinstance(target, Named) and served.current.expert == target.expert:
            for one in (served.current, *served.versions):
                if target.version in (None, one.version) and one.cid is not None:
                    return one.cid
            raise InvalidInput("version", f"{name} has no package")
    parse_cid(name)
    return Cid(name)
