"""What adapters do to one layer, at the cost of their factors.

An adapter module means W′ = g ⊙ (W₀ + BA), with the scale folded into B; a LoRA has g = 1, a DoRA has
g = m / ‖W₀ + BA‖ per output row. Its step from the base is W′ − W₀ = (g − 1) ⊙ W₀ + C A with C = g ⊙ B.

A row of W₀ + BA that is zero has no direction, and stays zero whatever m is: its gain counts as 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.reproducible import balanced, root

ROWS = 1024
"""Rows of the base in float64 at a time."""
GROUP_COLUMNS = 128
"""Columns of factors after which a group of adapters is full, where the layer is not small."""
GROUP_ENTRIES, MOST_COLUMNS = 2**18, 512
"""A small layer's group has this many numbers (2 MiB), or columns, before it is full: fewer groups cost less time."""


@dataclass(frozen=True, slots=True)
class Part:
    """One module of one adapter, float64: `b` (o, r) with the scale in it, `a` (r, k), `magnitude` (o,) of a DoRA."""

    b: Tensor
    a: Tensor
    magnitude: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """The adapters of one layer, stacked.

    Attributes:
        gains: g of each adapter, (N, o).
        c: the columns of all C side by side, (o, R).
        a: the rows of all A, (R, k).
        spans: where each adapter's columns are.
        crosses: ⟨row of W₀, row of C A⟩ of each adapter, (N, o); zeros where no gain differs from 1.
        base_energy: ‖row of W₀‖², (o,); zeros as above.
    """

    gains: Tensor
    c: Tensor
    a: Tensor
    spans: tuple[slice, ...]
    crosses: Tensor
    base_energy: Tensor


def effects_of(
    weight: Tensor,
    parts: Sequence[Part | None],
    algebra: Algebra = REPRODUCIBLE,
    *,
    crossed: bool = False,
    energy: Tensor | None = None,
) -> Effects:
    """Stack the parts of a layer and find their gains; None is an adapter that leaves the layer as it is.

    The base, (o, k) of any float type, is read once, and only where one of the parts is a DoRA or `crossed` asks for
    the crosses of LoRAs. `energy` is the base's, where it is known.
    """
    rows, columns = weight.shape
    b, a, spans = stack(parts, (rows, columns), weight.device)
    gains = torch.ones(len(parts), rows, dtype=torch.float64, device=weight.device)
    crosses, squares = torch.zeros_like(gains), gains.new_zeros(rows)
    if crossed or has_magnitude(parts):
        squares = base_energy(weight, algebra) if energy is None else energy
        along = along_base(weight, a, algebra)
        for index, (part, span) in enumerate(zip(parts, spans, strict=True)):
            if part is None:
                continue
            cross = algebra.row_dots(along[:, span], b[:, span])
            if part.magnitude is not None:
                norms = _norms(squares, cross, b[:, span], a[span], algebra)
                gains[index] = _gains(part.magnitude, norms)
            crosses[index] = gains[index] * cross
    c = scaled(b, gains, spans) if has_magnitude(parts) else b
    return Effects(gains, c, a, spans, crosses, squares)


def has_magnitude(parts: Sequence[Part | None]) -> bool:
    """Whether one of the parts is a DoRA."""
    return any(part is not None and part.magnitude is not None for part in parts)


def groups_of(parts: Sequence[Part | None], shape: tuple[int, ...]) -> Iterator[tuple[range, list[Part | None]]]:
    """The parts of a layer (o, k) in their order, in groups that are closed when they are full, with their places.

    Each is read once. Ranks and shape alone decide about the groups.
    """
    full = min(MOST_COLUMNS, max(GROUP_COLUMNS, GROUP_ENTRIES // sum(shape)))
    first, group, width = 0, [], 0
    for index in range(len(parts)):
        part = parts[index]
        group.append(part)
        width += 0 if part is None else part.a.shape[0]
        if width >= full:
            yield range(first, index + 1), group
            first, group, width = index + 1, [], 0
    if group:
        yield range(first, len(parts)), group


def base_energy(weight: Tensor, algebra: Algebra = REPRODUCIBLE) -> Tensor:
    """‖row of W₀‖², float64 (o,)."""
    tiles = (tile.double() for tile in torch.split(weight, ROWS))
    return torch.cat([algebra.row_dots(tile, tile) for tile in tiles])


def row_norms(weight: Tensor, part: Part, algebra: Algebra = REPRODUCIBLE, energy: Tensor | None = None) -> Tensor:
    """‖row of W₀ + BA‖, float64 (o,); `energy` is the base's, where it is known."""
    b, a = balanced(part.b, part.a)
    along = along_base(weight, a, algebra)
    squares = base_energy(weight, algebra) if energy is None else energy
    return _norms(squares, algebra.row_dots(along, b), b, a, algebra)


def stack(
    parts: Sequence[Part | None], shape: tuple[int, int], device: torch.device
) -> tuple[Tensor, Tensor, tuple[slice, ...]]:
    """All columns of B (o, R) and rows of A (R, k), balanced, and where each part's are."""
    empty_b = torch.zeros(shape[0], 0, dtype=torch.float64, device=device)
    empty_a = torch.zeros(0, shape[1], dtype=torch.float64, device=device)
    spans, start = [], 0
    for part in parts:
        width = 0 if part is None else part.a.shape[0]
        spans.append(slice(start, start + width))
        start += width
    present = [part for part in parts if part is not None]
    b, a = torch.cat([empty_b, *(p.b for p in present)], dim=1), torch.cat([empty_a, *(p.a for p in present)])
    return *balanced(b, a), tuple(spans)


def scaled(b: Tensor, factors: Tensor, spans: Sequence[slice]) -> Tensor:
    """Each part's columns of b (o, R) times its row of factors (N, o), or (N, 1)."""
    widths = torch.tensor([span.stop - span.start for span in spans], device=b.device)
    return b * factors.repeat_interleave(widths, dim=0).T


def _gains(magnitude: Tensor, norms: Tensor) -> Tensor:
    return torch.where(norms > 0, magnitude / norms, 1.0)


def along_base(weight: Tensor, a: Tensor, algebra: Algebra) -> Tensor:
    """W₀ Aᵀ, (o, R)."""
    return torch.cat([algebra.product(tile.double(), a) for tile in torch.split(weight, ROWS)])


def _norms(energy: Tensor, cross: Tensor, b: Tensor, a: Tensor, algebra: Algebra) -> Tensor:
    own = algebra.row_dots(algebra.product(b, algebra.product(a, a)), b)
    return root((energy + (cross + cross) + own).clamp_min(0.0))
