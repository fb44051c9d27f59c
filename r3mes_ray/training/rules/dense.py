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
BLOCK = 65536
"""Columns of one product that the library shares out itself."""


def aggregate_rows(rows: Tensor, rule: str, parameters: RuleParameters, weights: tuple[float, ...] = ()) -> Tensor:
    """Apply a rule to the rows of (N, d), finite, as steps from zero; (d,) of the same type.

    One pass for the inner products, one for the weighted sum, whatever the rule iterates.

    Raises:
        InvalidInput: a rule that this version does not know.
        ValueError: too few rows for the rule's liars.
    """
    rule_named(rule)
    faults = faults_borne(rule, rows.shape[0], parameters)
    if faults is None:
        raise ValueError(f"{rule} cannot bear {parameters.faults} liars among {rows.shape[0]}")
    if rule in COORDINATE_RULES:
        return COORDINATE_RULES[rule](rows, faults)
    given = RuleInput(weights or (1.0,) * rows.shape[0], lambda: gram_of_rows(rows))
    coefficients = decide(RULES[rule], given, parameters.model_copy(update={"faults": faults})).coefficients
    return combine_rows(rows, coefficients)


def gram_of_rows(rows: Tensor) -> Tensor:
    """⟨xᵢ, xⱼ⟩ in float64, (N, N), tile by tile: near-duplicates cancel catastrophically in float32."""
    count = rows.shape[0]
    panel = min(PANEL, SMALL // (count * (count + 1)))
    if rows.device.type == "cpu" and rows.dtype in NUMPY and panel >= NARROWEST:
        return torch.from_numpy(_gram_by_panels(rows.numpy(), panel))
    total = torch.zeros(count, count, dtype=torch.float64, device=rows.device)
    for block in torch.split(rows, BLOCK, dim=1):
        wide = block.double()
        total += wide @ wide.T
    return total


def _gram_by_panels(rows: NDArray[np.generic], panel: int) -> NDArray[np.float64]:
    """A tile at a time on each core; numpy multiplies a matrix by its own transpose at half the cost."""
    width = TILE // panel * panel

    def product(start: int) -> NDArray[np.float64]:
        tile = rows[:, start : start + width].astype(np.float64)
        even = tile.shape[1] // panel * panel
        panels = tile[:, :even].reshape(len(tile), -1, panel).transpose(1, 0, 2)
        rest = tile[:, even:]
        found: NDArray[np.float64] = np.matmul(panels, panels.transpose(0, 2, 1)).sum(axis=0) + rest @ rest.T
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
