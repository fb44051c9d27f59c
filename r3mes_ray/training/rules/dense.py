"""Rules on plain vectors, for whoever has no factors: the rows of one matrix in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from r3mes_ray.training.rules import (
    COORDINATE_RULES,
    RULES,
    RuleInput,
    RuleParameters,
    decide,
    faults_borne,
    rule_named,
    updates_needed,
)

TILE = 8192
"""Columns that a core takes at a time, in panels."""
PANEL, NARROWEST = 256, 32
"""Columns of one product on a core, at most, and at least for it to be worth while."""
SMALL = 200_000
"""n (n + 1) × columns of a product below which OpenBLAS stays on the core that calls it; above, callers wait for each
other's threads, and on a busy machine ten times as long (measured)."""
NUMPY = (torch.float32, torch.float64)
"""Types that numpy knows, too."""
NEAR = 1 / 16
"""Share of ‖x‖² + ‖y‖² below which ‖x − y‖² is not taken from inner products of panels in float32: those are wrong by
256 × 2⁻²⁴ of ‖x‖·‖y‖ at most, and their sums by 1e-8 (measured on 32 × 2 M normal numbers)."""
BLOCK = 65536
"""Columns of one product that the library shares out itself."""


def aggregate_rows(rows: Tensor, rule: str, parameters: RuleParameters, weights: tuple[float, ...] = ()) -> Tensor:
    """Apply a rule to the rows of (N, d), finite, as steps from zero; (d,) of the same type.

    One pass for the inner products, one for the weighted sum, whatever the rule iterates.

    Raises:
        InvalidInput: a rule that this version does not know.
        ValueError: too few rows for the rule's liars, or for those that it is to keep.
    """
    rule_named(rule)
    faults = faults_borne(rule, rows.shape[0], parameters)
    if faults is None:
        raise ValueError(f"{rule} takes {updates_needed(rule, parameters)} rows or more, got {rows.shape[0]}")
    if rule in COORDINATE_RULES:
        return COORDINATE_RULES[rule](rows, faults)
    given = RuleInput(weights or (1.0,) * rows.shape[0], lambda: gram_of_rows(rows))
    coefficients = decide(RULES[rule], given, parameters.model_copy(update={"faults": faults})).coefficients
    return combine_rows(rows, coefficients)


def gram_of_rows(rows: Tensor) -> Tensor:
    """⟨xᵢ, xⱼ⟩, (N, N), summed up in float64 tile by tile.

    Rows of float32 are multiplied in float32, unless two of them are near each other, or one is too long for it.
    """
    count = rows.shape[0]
    panel = min(PANEL, SMALL // (count * (count + 1)))
    if rows.device.type == "cpu" and rows.dtype in NUMPY and panel >= NARROWEST:
        gram = _gram_by_panels(rows.numpy(), panel, rows.numpy().dtype)
        if rows.dtype == torch.float32 and not (np.isfinite(gram).all() and _are_apart(gram)):
            gram = _gram_by_panels(rows.numpy(), panel, np.dtype(np.float64))
        return torch.from_numpy(gram)
    total = torch.zeros(count, count, dtype=torch.float64, device=rows.device)
    for block in torch.split(rows, BLOCK, dim=1):
        wide = block.double()
        total += wide @ wide.T
    return total


def _are_apart(gram: NDArray[np.float64]) -> bool:
    squares = np.diagonal(gram)
    both = squares[:, None] + squares
    near = both - 2 * gram < NEAR * both
    np.fill_diagonal(near, False)
    return not near.any()


def _gram_by_panels(rows: NDArray[np.generic], panel: int, dtype: np.dtype[np.floating]) -> NDArray[np.float64]:
    """A tile at a time on each core; numpy multiplies a matrix by its own transpose at half the cost."""
    width = TILE // panel * panel

    def product(start: int) -> NDArray[np.float64]:
        tile = rows[:, start : start + width].astype(dtype, copy=False)
        even = tile.shape[1] // panel * panel
        panels = tile[:, :even].reshape(len(tile), -1, panel).transpose(1, 0, 2)
        rest = tile[:, even:]
        with np.errstate(over="ignore", invalid="ignore"):
            found: NDArray[np.float64] = np.matmul(panels, panels.transpose(0, 2, 1)).sum(axis=0, dtype=np.float64)
            found += rest @ rest.T
        return found

    total = np.zeros((len(rows), len(rows)))
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for part in pool.map(product, range(0, rows.shape[1], width)):
            total += part
    return total


def combine_rows(rows: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """Σ cᵢ xᵢ, each row read once; one row alone is copied, and few are read by themselves."""
    used = [index for index, c in enumerate(coefficients) if c]
    if not used:
        return torch.zeros_like(rows[0])
    if len(used) == 1:
        return rows[used[0]] * coefficients[used[0]]
    if 2 * len(used) > len(coefficients):
        used = list(range(len(coefficients)))
    kept = rows if len(used) == len(coefficients) else rows[used]
    return torch.tensor([coefficients[index] for index in used], dtype=rows.dtype, device=rows.device) @ kept
