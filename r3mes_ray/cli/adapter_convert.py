"""`r3mes adapter convert`: a payload of the predecessor as a package of this network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from r3mes_ray.cli.context import current, emit

app = typer.Typer()

MAX_BYTES, MAX_RANK = 2**30, 256


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="GradientPackage; gzip or Zstandard too.")],
    target: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    expert: Annotated[str, typer.Option(help="Expert that it is for.")],
    version: Annotated[int, typer.Option(min=1, help="Version that it is, or contributes to.")] = 1,
    alpha: Annotated[int | None, typer.Option(min=1, help="lora_alpha, where the payload does not say it.")] = None,
) -> None:
    """Write the predecessor's GradientPackage as an adapter package of this node's base; `import` or `publish` it then.

    Nothing of it is unpickled. Its tensors must fit the base's layers.
    """
    # Imported here: they load torch, which the other commands of `adapter` do without.
    from r3mes_ray.models.adapters import check_against_base, read_gradient_package, write_package
    from r3mes_ray.models.adapters.converted import package_of
    from r3mes_ray.models.base import load_base

    settings = current().settings
    message = read_gradient_package(file.read_bytes()[: MAX_BYTES + 1], max_bytes=MAX_BYTES)
    base = load_base(settings.model.path, threads=settings.model.threads)
    package = package_of(
        message, base_id=base.base_id, base_hash=base.base_hash, expert=expert, version=version, alpha=alpha
    )
    check_against_base(package, base.linear_shapes, base.base_hash, MAX_RANK)
    write_package(package, target)
    manifest = package.manifest
    record = {"path": target, "expert": expert, "version": version, "method": manifest.method}
    emit(record | {"gradient_hash": manifest.gradient_hash}, str(target))
