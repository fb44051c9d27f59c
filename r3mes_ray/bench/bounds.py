"""How far liars can move each rule's result from the honest mean: the bounds that docs/aggregation.md states.

n updates, b of them of liars, f ≥ b what the rule was run with. Each follows from the rule's definition alone, so it
holds whatever the liars send. ρ is the largest distance of an honest step from their mean, D that between two of them,
r ≤ R the shortest and the longest; the spread is the length of the box that holds the honest steps. Where weights
count, s is the share of the liars together, and the honest mean is the one by the honest shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from r3mes_ray.training.rules.geometry import distances_from, matrix_of, norms, squared_distances
from r3mes_ray.training.rules.shares import largest_share, levelled_shares

SLACK = 1.01
"""For the geometric median, which is smoothed and ends after 32 steps, and for float32."""
_CLIPPING_STEPS = 3


@dataclass(frozen=True, slots=True)
class Honest:
    """The honest steps from x₀ as distances; `mean` is the length of their mean."""

    radius: float
    diameter: float
    shortest: float
    longest: float
    mean: float
    spread: float


def honest_geometry(gram: Tensor, spread: float, shares: Sequence[float] = ()) -> Honest:
    """From the inner products of honest steps, and their spread; `shares` sum to 1, without them they are equal."""
    inner = matrix_of(gram)
    shares = shares or [1.0 / len(inner)] * len(inner)
    lengths = norms(inner)
    mean = math.sqrt(max(0.0, sum(a * b * inner[i][j] for i, a in enumerate(shares) for j, b in enumerate(shares))))
    diameter = math.sqrt(max(max(row) for row in squared_distances(inner)))
    return Honest(max(distances_from(inner, shares)), diameter, min(lengths), max(lengths), mean, spread)


def bound(
    rule: str, honest: Honest, n: int, faults: int, liars: int, weights: Sequence[float] = (), cap: int = 2
) -> float | None:
    """Largest distance of the rule's result from the honest mean; None for the mean, which has none.

    Args:
        rule: its name.
        honest: the honest steps, seen from their mean by the shares of `honest_shares`.
        n: updates.
        faults: f.
        liars: b.
        weights: of all updates, the liars' last; none weighs all alike.
        cap: the round's `weight_cap`.
    """
    if not weights:
        found = _bound(rule, honest, n, faults, liars, liars / n)
    elif rule in ("mda", "monna"):
        found = _bound_of_chosen(rule, honest, _chosen_share(n, cap, faults, liars))
    else:
        shares = levelled_shares(weights, cap, faults)
        found = _bound(rule, honest, n, faults, liars, math.fsum(shares[n - liars :]))
    return None if found is None else SLACK * found


MIXED = ("krum", "multi-krum", "geometric-median")
"""Rules whose bounds hold from any point within ρ of all honest steps, so also after a pre-aggregation."""


def bound_before(before: str, rule: str, honest: Honest, n: int, faults: int, liars: int) -> float | None:
    """The same for a rule after its pre-aggregation `nnm` or `arc`, of equal weights; None where none is known here.

    NNM: the N − f nearest of an honest step lie within D of it, so their mean is off by 2b/(n − f)·D + ℓ at most.
    ARC: clipping to a ball brings no two points farther apart, and moves the honest mean by ‖mean‖ − r at most.
    """
    if rule not in MIXED:
        return None
    if before == "nnm":
        radius = 2 * liars / (n - faults) * honest.diameter + _left_out(honest, n, faults, liars)
        return bound(rule, replace(honest, radius=radius, diameter=2 * radius), n, faults, liars)
    found = bound(rule, honest, n, faults, liars)
    return None if found is None else found + SLACK * max(0.0, honest.mean - honest.shortest)


def honest_shares(weights: Sequence[float], cap: int, faults: int, liars: int) -> tuple[float, ...]:
    """Of the honest updates among all, scaled to sum to 1; the liars are the last."""
    honest = levelled_shares(weights, cap, faults)[: len(weights) - liars]
    total = math.fsum(honest)
    return tuple(share / total for share in honest)


def _bound(rule: str, honest: Honest, n: int, f: int, b: int, s: float) -> float | None:
    """Of weights that count alike in the rules that choose, and of the share s of the liars in the others."""
    left_out = _left_out(honest, n, f, b)
    match rule:
        case "krum" | "multi-krum":
            # A liar is chosen for the sum over n − f − 2 neighbours, of which at least n − f − 1 − b are honest.
            neighbours = max(1, n - f - 2)
            far = math.sqrt(neighbours / (neighbours - b + 1)) * honest.diameter if b else 0.0
            return far + honest.radius
        case "mda":
            return 2 * b / (n - f) * honest.diameter + left_out
        case "monna":
            return 2 * b / (n - f) * honest.longest + left_out
        case "geometric-median":
            return 2 * (1 - s) / (1 - 2 * s) * honest.radius
        case "centered-clipping":
            steps = sum((2 * s) ** step for step in range(_CLIPPING_STEPS))
            return 2 * honest.radius * steps + (2 * s) ** _CLIPPING_STEPS * honest.mean
        case "median-norm":
            shortened = (1 - s) * (honest.longest - honest.shortest)
            return shortened + 2 * s * honest.longest
        case "median" | "trimmed-mean":
            return honest.spread
        case "meamed":
            return 2 * honest.spread
    return None


def _left_out(honest: Honest, n: int, f: int, b: int) -> float:
    """ℓ, how far the mean of some n − f honest steps is from the mean of all of them."""
    return (f - b) / (n - b) * honest.diameter


def _bound_of_chosen(rule: str, honest: Honest, s: float) -> float:
    """MDA chooses no liar farther than D from an honest one that it chooses, MoNNA none that is longer than R."""
    if rule == "mda":
        return honest.radius + s * honest.diameter
    return (1 - s) * honest.radius + s * (honest.longest + honest.mean)


def _chosen_share(n: int, cap: int, faults: int, liars: int) -> float:
    """The most that liars have among the n − f that are chosen, whatever all weigh."""
    chosen = n - faults
    return min(largest_share(chosen, faults), liars * cap / chosen)


def distance_to_mean(gram: Tensor, honest: Sequence[int], result: int, shares: Sequence[float] = ()) -> float:
    """Distance of one step from the mean of others, from inner products of them all; without shares the equal one."""
    placed = dict(zip(honest, shares or [1.0 / len(honest)] * len(honest), strict=True))
    center = [placed.get(index, 0.0) for index in range(gram.shape[0])]
    return distances_from(matrix_of(gram), center)[result]
