"""`r3mes cid`: the address that a file has, without storing it."""

from __future__ import annotations

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
) -> None:
    """Print the CID of a file or folder, alone."""
    result = cid_of_path(file, profile_named(profile))
    emit({"cid": result, "profile": profile, "path": file}, result)
