"""The hash that names an adapter's content: its configuration and every tensor, whatever file they lie in."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import rfc8785
from typing_extensions import Buffer

from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.framing import hex32, lp, u32, u64, utf8

_TAG = b"r3mes/gradient/v2"
_ITEM_BYTES: Mapping[str, int] = {"F32": 4, "F16": 2, "BF16": 2}


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """One tensor under the name that PEFT saves it with.

    Attributes:
        name: as in the safetensors file.
        dtype: F32, F16 or BF16.
        shape: may be empty (a scalar).
        data: row-major little-endian bytes, contiguous; any buffer, it is not copied.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: Buffer


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """What decides which ΔW the tensors mean; without it the same tensors could mean another one.

    Attributes:
        target_modules: in any order; hashed sorted.
        base_hash: hex SHA-256 of the base's effective weights.
    """

    peft_type: str
    r: int
    lora_alpha: int
    use_rslora: bool
    use_dora: bool
    target_modules: tuple[str, ...]
    rank_pattern: Mapping[str, int]
    alpha_pattern: Mapping[str, int]
    base_hash: str

    def encode(self) -> bytes:
        """RFC 8785 JSON of all fields.

        Raises:
            InvalidInput: a number that does not fit 32 bits, a module twice, or a base hash that is no 64 hex digits.
        """
        hex32(self.base_hash, "base hash")
        for number in (self.r, self.lora_alpha, *self.rank_pattern.values(), *self.alpha_pattern.values()):
            u32(number, "adapter configuration")
        if len(set(self.target_modules)) != len(self.target_modules):
            raise InvalidInput("target_modules", "a module is named twice")
        try:
            return rfc8785.dumps(
                {
                    "peft_type": self.peft_type,
                    "r": self.r,
                    "lora_alpha": self.lora_alpha,
                    "use_rslora": self.use_rslora,
                    "use_dora": self.use_dora,
                    "target_modules": sorted(self.target_modules),
                    "rank_pattern": dict(self.rank_pattern),
                    "alpha_pattern": dict(self.alpha_pattern),
                    "base_hash": self.base_hash,
                }
            )
        except rfc8785.CanonicalizationError as error:
            raise InvalidInput("adapter configuration", str(error)) from error


def gradient_hash(config: AdapterConfig, tensors: Sequence[TensorRecord]) -> str:
    """64 hex digits over the configuration and the tensors by ascending UTF-8 name; they may come in any order.

    Raises:
        InvalidInput: a name twice, an unknown dtype, or data that does not have the shape's size.
    """
    digest = hashlib.sha256(lp(_TAG) + lp(config.encode()) + u32(len(tensors), "tensors"))
    ordered = sorted((utf8(tensor.name, "tensor name"), index) for index, tensor in enumerate(tensors))
    before: bytes | None = None
    for name, index in ordered:
        if name == before:
            raise InvalidInput("tensor name", f"{tensors[index].name[:100]!r} is there twice")
        before = name
        view = memoryview(tensors[index].data)
        digest.update(_header(tensors[index], name, view.nbytes))
        digest.update(view)
    return digest.hexdigest()


def check_gradient_hash(text: str) -> bytes:
    """The 32 bytes of a gradient hash in canonical text. Raises InvalidInput for any other text."""
    return hex32(text, "gradient hash")


def _header(tensor: TensorRecord, name: bytes, nbytes: int) -> bytes:
    item_bytes = _ITEM_BYTES.get(tensor.dtype)
    if item_bytes is None:
        raise InvalidInput(f"tensor {tensor.name[:100]}", f"dtype {tensor.dtype!r} is none of {', '.join(_ITEM_BYTES)}")
    dims = b"".join(u64(size, f"a dimension of tensor {tensor.name[:100]}") for size in tensor.shape)
    if nbytes != item_bytes * math.prod(tensor.shape):
        raise InvalidInput(
            f"tensor {tensor.name[:100]}", f"{nbytes} bytes are not {tensor.dtype} of shape {tensor.shape}"
        )
    return lp(name) + lp(tensor.dtype.encode()) + u32(len(tensor.shape), "ndim") + dims + u64(nbytes, "tensor bytes")
