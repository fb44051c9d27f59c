"""`r3mes adapter import --expert`: a folder of PEFT's as a package for this node's base."""

from __future__ import annotations

from pathlib import Path

from r3mes_ray.cli.context import current
from r3mes_ray.errors import InvalidInput, ModelError, PackageRejected

MAX_BYTES, MAX_RANK = 2**30, 256
MANIFEST, PEFT_CONFIG = "r3mes.json", "adapter_config.json"


def is_package(folder: Path, expert: str | None) -> bool:
    """Whether a folder is to be read as a package of this network; a folder of PEFT's is one with --expert.

    Raises:
        InvalidInput: it is one and an expert is named all the same, or is PEFT's and nothing says of which expert.
    """
    known = (folder / MANIFEST).exists()
    if known and expert is not None:
        raise InvalidInput("--expert", f"{folder} is a package, and says itself of which expert; leave it out")
    if not known and expert is None and (folder / PEFT_CONFIG).exists():
        raise InvalidInput("--expert", f"{folder} has no {MANIFEST}; say for which expert PEFT's files are")
    return expert is None


def wrap(folder: Path, target: Path, expert: str, version: int) -> None:
    """Write PEFT's files as a package that fits this node's base.

    Raises:
        ModelError: the base cannot be read.
        PackageRejected: the adapter is no plain LoRA or DoRA, or does not fit the base.
    """
    # Imported here: they load torch, which the other commands of `adapter` do without.
    from r3mes_ray.models.adapters import check_against_base, write_package
    from r3mes_ray.models.adapters.peft_folder import Named, package_of_peft
    from r3mes_ray.models.base import model_folder
    from r3mes_ray.vllm_plugin.base_weights import BaseWeights

    model = model_folder(current().settings.model.path)
    base = BaseWeights(model)
    base_id = str(base.config.get("_name_or_path") or model.name)
    package = package_of_peft(folder, Named(base_id, base.base_hash, expert, version), max_bytes=MAX_BYTES)
    shapes: dict[str, tuple[int, int]] = {}
    for name in package.modules():
        try:
            rows, columns = base.weight(name).shape
        except ModelError as error:
            raise PackageRejected("target", name, str(error)) from error
        shapes[name] = (rows, columns)
    check_against_base(package, shapes, base.base_hash, MAX_RANK)
    write_package(package, target)
