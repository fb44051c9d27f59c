"""One adapter as a folder of three canonical files, which PEFT loads as it is."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import manifest as manifest_file
from r3mes_ray.models.adapters import peft_config, tensors
from r3mes_ray.models.adapters.manifest import AggregateOrigin, Manifest, UpdateOrigin, decode_manifest, encode_manifest
from r3mes_ray.models.adapters.modules import ModuleAdapter, modules_of
from r3mes_ray.protocol.gradient_hash import AdapterConfig, gradient_hash

FILES = (peft_config.FILE, tensors.FILE, manifest_file.FILE)
MAX_CONFIG_BYTES = 2**20
MAX_MANIFEST_BYTES = 8 * 2**20
"""A manifest that names 30,000 updates, each with its fault."""
_LIMITS = {peft_config.FILE: MAX_CONFIG_BYTES, manifest_file.FILE: MAX_MANIFEST_BYTES}


@dataclass(frozen=True, slots=True, eq=False)
class AdapterPackage:
    """An adapter: what its tensors mean, where it comes from, and the tensors under PEFT's names."""

    config: AdapterConfig
    manifest: Manifest
    tensors: Mapping[str, Tensor]

    def modules(self) -> dict[str, ModuleAdapter]:
        """Adapters by the name of their layer, ascending.

        Raises:
            PackageRejected: tensors and configuration do not fit together.
        """
        return modules_of(self.config, self.tensors)

    @property
    def nbytes(self) -> int:
        """Bytes of the tensors."""
        return sum(tensor.nbytes for tensor in self.tensors.values())


def make_package(
    config: AdapterConfig,
    adapter_tensors: Mapping[str, Tensor],
    *,
    base_id: str,
    expert: str,
    version: int,
    origin: UpdateOrigin | AggregateOrigin,
) -> AdapterPackage:
    """Put a package together: the manifest's hash and method follow from the rest.

    Raises:
        PackageRejected: tensors and configuration do not fit together.
    """
    modules_of(config, adapter_tensors)
    manifest = Manifest(
        base_id=base_id,
        base_hash=config.base_hash,
        expert=expert,
        version=version,
        method="dora" if config.use_dora else "lora",
        gradient_hash=gradient_hash(config, tensors.tensor_records(adapter_tensors)),
        origin=origin,
    )
    return AdapterPackage(config, manifest, dict(adapter_tensors))


def gradient_hash_of(package: AdapterPackage) -> str:
    """The gradient hash that the package's configuration and tensors have; a manifest may claim another."""
    return gradient_hash(package.config, tensors.tensor_records(package.tensors))


def write_package(package: AdapterPackage, directory: Path) -> None:
    """Write the three files into a new or empty folder; equal packages give equal bytes.

    Raises:
        PackageRejected: a value that `read_package` would refuse.
        FileExistsError: the folder has something in it.
    """
    contents = {
        peft_config.FILE: peft_config.encode_config(package.config, package.manifest.base_id),
        tensors.FILE: tensors.encode_tensors(package.tensors),
        manifest_file.FILE: encode_manifest(package.manifest),
    }
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty")
    for name, data in contents.items():
        (directory / name).write_bytes(data)


def read_package(directory: Path, *, max_bytes: int) -> AdapterPackage:
    """Read a package from outside.

    Raises:
        PackageRejected: names the first rule that it breaks.
    """
    contents = _read_files(directory, max_bytes)
    manifest = decode_manifest(contents[manifest_file.FILE])
    config = peft_config.decode_config(contents[peft_config.FILE], manifest.base_id, manifest.base_hash)
    package = AdapterPackage(config, manifest, tensors.decode_tensors(contents[tensors.FILE]))
    package.modules()
    if (manifest.method == "dora") != config.use_dora:
        raise PackageRejected("manifest", manifest_file.FILE, f"method {manifest.method} does not fit use_dora")
    if manifest.gradient_hash != gradient_hash_of(package):
        raise PackageRejected("gradient-hash", manifest_file.FILE, "the tensors do not have the hash of the manifest")
    return package


def _read_files(directory: Path, max_bytes: int) -> dict[str, bytes]:
    try:
        found = {path.name: path.lstat() for path in directory.iterdir()}
    except OSError as error:
        raise PackageRejected("files", directory.name, f"cannot be listed: {error.strerror}") from error
    if set(found) != set(FILES) or not all(stat.S_ISREG(entry.st_mode) for entry in found.values()):
        raise PackageRejected("files", directory.name, f"has not exactly the files {', '.join(FILES)}")
    if sum(entry.st_size for entry in found.values()) > max_bytes:
        raise PackageRejected("size", directory.name, f"is larger than {max_bytes} bytes")
    for name, limit in _LIMITS.items():
        if found[name].st_size > limit:
            raise PackageRejected("size", name, f"is larger than {limit} bytes")
    return {name: (directory / name).read_bytes() for name in FILES}
