"""The predecessor's `GradientPackage`, read on request: an update as one protobuf message, perhaps compressed.

The message is scanned before it is parsed, as a parser makes objects of hundreds of bytes from two on the wire.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from google.protobuf.message import DecodeError
from torch import Tensor

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters.payload import decompressed
from r3mes_ray.wire import gradient_pb2

SUBJECT = "GradientPackage"
MAX_TENSORS = 10_000
MAX_NAME_CHARS = 200
_MAX_DIMENSIONS = 8
_MAX_TENSOR_FIELDS = 16
_DTYPES = {"float32": torch.float32, "float16": torch.float16}
_TENSOR_FIELD = 1


@dataclass(frozen=True, slots=True)
class GradientPackage:
    """What the message says; its hash and addresses are claims that the chain's record must confirm."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    round_id: int
    miner: str
    gradient_hash: str
    timestamp_s: int


def read_gradient_package(data: bytes, *, max_bytes: int) -> GradientPackage:
    """Read a package from outside; gzip and Zstandard are opened within `max_bytes`.

    Raises:
        PackageRejected: with the rule `size`, `compression`, `pickle`, `gradient-package`, `dtype`, `shape`, `finite`.
    """
    plain = decompressed(data, SUBJECT, max_bytes)
    _scan(plain)
    message = gradient_pb2.GradientPackage()
    try:
        message.ParseFromString(plain)
    except DecodeError as error:
        raise _rejected(f"is no message: {error}") from error
    tensors: dict[str, Tensor] = {}
    for entry in message.gradients:
        if entry.name in tensors:
            raise _rejected(f"names {entry.name[:MAX_NAME_CHARS]!r} twice")
        tensors[entry.name] = _tensor(entry)
    if not tensors:
        raise _rejected("has no tensor")
    return GradientPackage(
        tensors,
        dict(message.metadata),
        message.training_round_id,
        message.miner_address,
        message.gradient_hash,
        message.timestamp,
    )


def _tensor(entry: gradient_pb2.GradientTensor) -> Tensor:
    name = entry.name[:MAX_NAME_CHARS]
    if not entry.name or len(entry.name) > MAX_NAME_CHARS:
        raise _rejected(f"has a name that is empty or longer than {MAX_NAME_CHARS} characters")
    if entry.dtype not in _DTYPES:
        raise PackageRejected("dtype", name, f"{entry.dtype[:40]!r} is none of {', '.join(_DTYPES)}")
    shape = list(entry.shape)
    if not 1 <= len(shape) <= _MAX_DIMENSIONS or any(side < 1 for side in shape):
        raise PackageRejected("shape", name, f"{shape[:_MAX_DIMENSIONS]} is no shape")
    if math.prod(shape) != len(entry.data):
        raise PackageRejected("shape", name, f"{shape} does not have {len(entry.data)} values")
    tensor = torch.tensor(entry.data, dtype=torch.float32).reshape(shape).to(_DTYPES[entry.dtype])
    if not bool(torch.isfinite(tensor).all()):
        raise PackageRejected("finite", name, "has a value that is NaN or infinite")
    return tensor


def _scan(message: bytes) -> None:
    """Count fields before a parser makes objects of them."""
    view = memoryview(message)
    for count, (number, body) in enumerate(_fields(view)):
        if count >= MAX_TENSORS:
            raise _rejected(f"has more than {MAX_TENSORS} fields")
        if number == _TENSOR_FIELD and body is not None:
            for inner, _ in enumerate(_fields(body)):
                if inner >= _MAX_TENSOR_FIELDS:
                    raise _rejected(
                        f"has a tensor of more than {_MAX_TENSOR_FIELDS} fields: its numbers are not packed"
                    )


def _fields(view: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """Number and content (of length-delimited fields) of each field."""
    position = 0
    while position < len(view):
        key, position = _varint(view, position)
        match key & 7:
            case 0:
                _, position = _varint(view, position)
                yield key >> 3, None
            case 2:
                length, position = _varint(view, position)
                if length > len(view) - position:
                    raise _rejected("ends inside a field")
                yield key >> 3, view[position : position + length]
                position += length
            case 1 | 5 as wire:
                position += 8 if wire == 1 else 4
                yield key >> 3, None
            case wire:
                raise _rejected(f"has a field of wire type {wire}")


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(view):
            break
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _rejected("ends inside a number")


def _rejected(detail: str) -> PackageRejected:
    return PackageRejected("gradient-package", SUBJECT, detail)
