"""`adapter_model.safetensors`, canonical: tensors in name order, contiguous, nothing else in the file.

Source: the safetensors format: u64 little-endian header length, JSON header, data. The reader takes less than the
format allows, so that equal tensors have one file.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters.canonical_json import canonical, parse_object
from r3mes_ray.models.adapters.payload import refuse_pickle
from r3mes_ray.protocol.gradient_hash import TensorRecord

FILE = "adapter_model.safetensors"
MAX_HEADER_BYTES = 1 << 20
DTYPES: Mapping[str, torch.dtype] = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_METADATA = {"format": "pt"}
_MAX_SIDE = 1 << 31


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor lies in the canonical file: `offset` counts bytes from its start."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor."""
        return math.prod(self.shape) * self.dtype.itemsize


def tensor_records(tensors: Mapping[str, Tensor]) -> list[TensorRecord]:
    """Names, dtypes, shapes and row-major little-endian bytes, by ascending name.

    Raises:
        PackageRejected: a dtype that the format does not have.
    """
    records = []
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        if tensor.dtype not in _NAMES:
            raise PackageRejected("dtype", name, f"{tensor.dtype} is none of {', '.join(DTYPES)}")
        data = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        records.append(TensorRecord(name, _NAMES[tensor.dtype], tuple(tensor.shape), data))
    return records


def encode_tensors(tensors: Mapping[str, Tensor]) -> bytes:
    """The canonical file.

    Raises:
        PackageRejected: a dtype that the format does not have, or a header beyond its limit.
    """
    records = tensor_records(tensors)
    header = _header([(record.name, record.dtype, record.shape) for record in records])
    return len(header).to_bytes(8, "little") + header + b"".join(bytes(record.data) for record in records)


def decode_tensors(data: bytes) -> dict[str, Tensor]:
    """Read a canonical file; the tensors are copies in name order.

    Raises:
        PackageRejected: not safetensors, a dtype or shape that is not taken, data that does not tile, other bytes
            than the canonical ones, or a value that is not finite.
    """
    if data[8:9] != b"{":
        refuse_pickle(data, FILE)
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > MAX_HEADER_BYTES or 8 + length > len(data):
        raise PackageRejected("safetensors", FILE, "the header is cut off or larger than 1 MiB")
    header = data[8 : 8 + length]
    entries = _entries(parse_object(header.rstrip(b" "), FILE))
    if _header(entries) != header:
        raise PackageRejected("canonical", FILE, "the header is not the canonical one of its tensors")
    return _cut(memoryview(data)[8 + length :], entries)


def places_of(tensors: Mapping[str, Tensor], size: int) -> dict[str, Place]:
    """Where the canonical file of these tensors, of so many bytes, has each of them."""
    offset, found = size - sum(tensor.nbytes for tensor in tensors.values()), {}
    for name in sorted(tensors):
        found[name] = Place(tensors[name].dtype, tuple(tensors[name].shape), offset)
        offset += found[name].nbytes
    return found


def read_places(file: Path, places: Sequence[Place]) -> list[Tensor]:
    """Tensors of a canonical file that was decoded before; of what it says now only the values are taken.

    Raises:
        OSError: the file is gone, or was cut off since.
    """
    found = []
    with file.open("rb", buffering=0) as stream:
        for place in places:
            data = bytearray(place.nbytes)
            stream.seek(place.offset)
            if stream.readinto(data) != len(data):
                raise OSError(errno.EIO, "is shorter than when it was checked", str(file))
            found.append(torch.frombuffer(data, dtype=place.dtype).reshape(place.shape))
    return found


def _cut(body: memoryview, entries: list[tuple[str, str, tuple[int, ...]]]) -> dict[str, Tensor]:
    total = sum(_nbytes(dtype, shape) for _, dtype, shape in entries)
    if total != len(body):
        raise PackageRejected("safetensors", FILE, f"{len(body)} bytes of data, the header describes {total}")
    tensors, start = {}, 0
    for name, dtype, shape in entries:
        end = start + _nbytes(dtype, shape)
        tensor = torch.frombuffer(bytearray(body[start:end]), dtype=DTYPES[dtype]).reshape(shape)
        if not bool(torch.isfinite(tensor).all()):
            raise PackageRejected("finite", name, "has a value that is NaN or infinite")
        tensors[name], start = tensor, end
    return tensors


def _entries(header: dict[str, Any]) -> list[tuple[str, str, tuple[int, ...]]]:
    """(name, dtype, shape) of each tensor; the offsets follow from them, so `_header` compares those."""
    found = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype = entry.get("dtype") if isinstance(entry, dict) else None
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise PackageRejected("dtype", name[:200], f"is none of {', '.join(DTYPES)}")
        shape = entry.get("shape")
        if not isinstance(shape, list) or not 1 <= len(shape) <= 2:
            raise PackageRejected("shape", name[:200], "is neither a vector nor a matrix")
        if any(type(side) is not int or not 0 < side < _MAX_SIDE for side in shape):
            raise PackageRejected("shape", name[:200], "has a side that is no positive number")
        found.append((name, dtype, tuple(shape)))
    return found


def _header(entries: list[tuple[str, str, tuple[int, ...]]]) -> bytes:
    header: dict[str, Any] = {"__metadata__": _METADATA}
    start = 0
    for name, dtype, shape in sorted(entries):
        end = start + _nbytes(dtype, shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
        start = end
    text = canonical(header, FILE)
    padded = text + b" " * (-len(text) % 8)
    if len(padded) > MAX_HEADER_BYTES:
        raise PackageRejected("safetensors", FILE, "the header is larger than 1 MiB")
    return padded


def _nbytes(dtype: str, shape: tuple[int, ...]) -> int:
    size = DTYPES[dtype].itemsize
    for side in shape:
        size *= side
    return size
