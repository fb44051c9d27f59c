"""The base model's effective weights on disk, one matrix at a time: what DoRA's norms refer to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

from r3mes_ray.errors import InvalidInput, ModelError
from r3mes_ray.models.base import base_hash
from r3mes_ray.models.checkpoint import parse_config, read_checkpoint, ternary_weight

TERNARY = "bitnet"
"""`model_type` of a BitNet."""


class BaseWeights:
    """A model folder as the source of whole, unsharded matrices, whatever an engine did with its own copy.

    Args:
        folder: of the model.
        known_hash: its `base_hash`, where that has been computed already.

    Raises:
        ModelError: there is no such folder, or no safetensors in it.
    """

    def __init__(self, folder: Path, known_hash: str | None = None) -> None:
        self._folder, self._known_hash = folder, known_hash
        try:
            self.config: dict[str, Any] = json.loads((folder / "config.json").read_text())
        except (OSError, ValueError) as error:
            raise ModelError(str(folder), f"config.json cannot be read: {error}") from error
        self._tensors = _Tensors(folder)

    @property
    def ternary(self) -> bool:
        """Whether it is a BitNet."""
        return str(self.config.get("model_type", "")).startswith(TERNARY)

    def weight(self, name: str) -> Tensor:
        """The effective weight (out, in) of one linear layer; of a ternary one scale x code, in float32.

        Raises:
            ModelError: the model has no such layer, or stores it in a quantised form that is not read here.
        """
        scheme = self.config.get("quantization_config") or {}
        if f"{name}.weight" not in self._tensors:
            raise ModelError(str(self._folder), f"has no tensor {name}.weight")
        if not self.ternary:
            if scheme:
                method = scheme.get("quant_method")
                raise ModelError(
                    str(self._folder), f"is quantised by {method}; DoRA needs the weight of {name} as it is"
                )
            return self._tensors[f"{name}.weight"]
        try:
            return ternary_weight(name, self._tensors, scheme, self._ternary_config).effective()
        except InvalidInput as error:
            raise ModelError(str(self._folder), str(error)) from error

    @cached_property
    def base_hash(self) -> str:
        """What adapters are bound to: for a BitNet the hash that manifests carry, else SHA-256 of the files."""
        if self._known_hash is not None:
            return self._known_hash
        if self.ternary:
            return base_hash(read_checkpoint(self._folder))
        digest = hashlib.sha256()
        for path in [self._folder / "config.json", *self._tensors.files]:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    @cached_property
    def _ternary_config(self) -> Any:
        raw = {key: value for key, value in self.config.items() if key != "quantization_config"}
        return parse_config(self._folder, raw)


class _Tensors(Mapping[str, Tensor]):
    """All tensors of a folder, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.glob("model*.safetensors"))
        if not self.files:
            raise ModelError(str(folder), "has no model*.safetensors; DoRA's norms need the weights")
        self._file_of: dict[str, Path] = {}
        for path in self.files:
            with safe_open(path, framework="pt") as file:
                self._file_of |= dict.fromkeys(file.keys(), path)

    def __getitem__(self, name: str) -> Tensor:
        with safe_open(self._file_of[name], framework="pt") as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._file_of)

    def __len__(self) -> int:
        return len(self._file_of)
