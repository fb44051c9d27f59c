"""`r3mes cid`: the address that a file has, without storing it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from r3mes_ray.cli.context import emit
from r3mes_ray.content import cid_of_path, profile_named

app = typer.Typer()


@app.command()
def cid(
    file: Annotated[Path, typer.Argument(exists=True, readable=True, help="File or folder.")],
    profile: Annotated[
        str, typer.Option(help="unixfs-v1-2025 (the network's), unixfs-v0-2015, or cidv1-raw-256KiB-174.")
    ] = "unixfs-v1-2025",
    chunk_bytes: Annotated[int | None, typer.Option(min=1, help="Size of a chunk, other than the profile's.")] = None,
    max_links: Annotated[int | None, typer.Option(min=2, help="Width of a node, other than the profile's.")] = None,
) -> None:
    """Print the CID of a file or folder, alone."""
    named = profile_named(profile)
    chosen = dataclasses.replace(
        named, chunk_bytes=chunk_bytes or named.chunk_bytes, max_links=max_links or named.max_links
    )
    result = cid_of_path(file, chosen)
    sizes = {"chunk_bytes": chosen.chunk_bytes, "max_links": chosen.max_links}
    emit({"cid": result, "profile": profile, "path": file} | sizes, result)
