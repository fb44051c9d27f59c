"""Ternary codes as two bits each, in the layout that transformers and BitNet-2B-4T use.

A packed matrix of n rows has ceil(n / 4) rows of bytes: byte row k holds matrix rows k, k + n/4, k + n/2, k + 3n/4 in
its bit pairs, lowest first, each as code + 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from r3mes_ray.errors import InvalidInput

_PER_BYTE = 4


def pack_codes(codes: Tensor) -> Tensor:
    """Codes in {-1, 0, 1} (rows, columns) to uint8 (ceil(rows / 4), columns)."""
    rows = codes.shape[0]
    packed_rows = -(-rows // _PER_BYTE)
    packed = torch.zeros((packed_rows, *codes.shape[1:]), dtype=torch.uint8)
    unsigned = (codes + 1).to(torch.uint8)
    for position in range(_PER_BYTE):
        part = unsigned[position * packed_rows : (position + 1) * packed_rows]
        packed[: len(part)] |= part << (2 * position)
    return packed


def unpack_codes(packed: Tensor, rows: int, name: str) -> Tensor:
    """The inverse of `pack_codes`, as int8 (rows, columns).

    Raises:
        InvalidInput: the shape does not fit `rows`, or a bit pair is 3, which is no code.
    """
    if packed.dtype != torch.uint8 or packed.shape[0] != -(-rows // _PER_BYTE):
        raise InvalidInput(name, f"packed as {packed.dtype} {tuple(packed.shape)}, which does not hold {rows} rows")
    parts = [(packed >> (2 * position)) & 3 for position in range(_PER_BYTE)]
    unsigned = torch.cat(parts)[:rows]
    if int(unsigned.max()) > 2:
        raise InvalidInput(name, "has a bit pair 11, which is no ternary code")
    return unsigned.to(torch.int8) - 1
