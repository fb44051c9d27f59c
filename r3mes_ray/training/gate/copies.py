"""Copies and giants among updates, in the space of weights: no other encoding, gauge, scale or little noise hides one.

All checks are on steps xᵢ − x₀: adapters are absolute, so two honest small steps from one version look alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from r3mes_ray.training.rules.geometry import matrix_of, median, norms

SAME = 0.999
"""Cosine of two steps above which the later one is a copy."""
IDLE = 1e-6
"""Share of the median step below which an update is the start version again."""
LONGEST = 100.0
"""Times the median step, above which a step is refused; the median is of the steps that move a weight."""


@dataclass(frozen=True, slots=True)
class Copy:
    """An update that does not enter beside the others: `index` counts them, `rule` is `idle`, `step` or `copy`."""

    index: int
    rule: str
    detail: str


def find_copies(gram: Tensor, names: Sequence[str]) -> tuple[Copy, ...]:
    """Judge updates by ⟨xᵢ − x₀, xⱼ − x₀⟩, in the order in which they are on chain: the first one wins.

    `names` are what a reason calls them.
    """
    inner = matrix_of(gram)
    lengths = norms(inner)
    shortest = IDLE * median(lengths) if lengths else 0.0
    moving = [length for length in lengths if length > shortest]
    longest = LONGEST * median(moving) if moving else 0.0
    found: list[Copy] = []
    kept: list[int] = []
    for index, length in enumerate(lengths):
        if length <= shortest:
            found.append(Copy(index, "idle", "is the start version again: it moves no weight"))
            continue
        if length > longest:
            found.append(Copy(index, "step", f"is a step of {length:.6g}, the longest that may enter is {longest:.6g}"))
            continue
        first = next((i for i in kept if inner[index][i] >= SAME * (length * lengths[i])), None)
        if first is None:
            kept.append(index)
        else:
            cosine = inner[index][first] / (length * lengths[first])
            found.append(Copy(index, "copy", f"is {names[first]} again, which is before it: cosine {cosine:.6f}"))
    return tuple(found)
