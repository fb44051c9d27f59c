"""Rules on plain vectors, for whoever has no factors: the rows of one matrix in memory."""

from __future__ import annotations

import numpy as np
import torch
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
from r3mes_ray.training.rules.compiled import add_rows, in_tiles, kernel_for

PANEL = 1024
"""Columns of one product in float32: its sum is wrong by 1024 × 2⁻²⁴ of ‖x‖·‖y‖ at most, and the sum of all by 1.2e-8
(measured on 32 × 2 M normal numbers); with 256 it took a fifth longer."""
PRODUCTS = 2**21
"""Numbers that the products of one call have together: 8 MiB. Many panels a call, as threads meet after each."""
NEAR = 1 / 16
"""Share of ‖x‖² + ‖y‖² below which ‖x − y‖² is not taken from inner products of panels in float32."""
BLOCK = 65536
"""Columns of one product in float64."""
TILE = 2**18
"""Columns of a weighted sum that a thread takes at a time."""


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
    if rows.dtype == torch.float32:
        gram = _gram_by_panels(rows)
        if bool(gram.isfinite().all()) and _are_apart(gram):
            return gram
    total = torch.zeros(rows.shape[0], rows.shape[0], dtype=torch.float64, device=rows.device)
    for block in torch.split(rows, BLOCK, dim=1):
        wide = block.double()
        total += wide @ wide.T
    return total


def _are_apart(gram: Tensor) -> bool:
    squares = gram.diagonal()
    both = squares[:, None] + squares
    near = both - 2 * gram < NEAR * both
    return not bool(near.fill_diagonal_(False).any())


def _gram_by_panels(rows: Tensor) -> Tensor:
    """Products of panels in float32, which are read where they lie and shared out among cores, summed up in float64."""
    count, columns = rows.shape
    total = torch.zeros(count, count, dtype=torch.float64, device=rows.device)
    whole = columns // PANEL * PANEL
    for block in torch.split(rows[:, :whole], PANEL * max(1, PRODUCTS // count**2), dim=1):
        panels = block.view(count, -1, PANEL).transpose(0, 1)
        total += torch.bmm(panels, panels.transpose(1, 2)).sum(dim=0, dtype=torch.float64)
    total += rows[:, whole:] @ rows[:, whole:].T
    return (total + total.T) * 0.5


def combine_rows(rows: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """Σ cᵢ xᵢ, each row read once; one row alone is copied, and few are read by themselves.

    Compiled where that is possible: a library's product of a vector with a flat matrix takes up to twice one reading.
    """
    used = [index for index, c in enumerate(coefficients) if c]
    if not used:
        return torch.zeros_like(rows[0])
    if len(used) == 1:
        return rows[used[0]] * coefficients[used[0]]
    if 2 * len(used) > len(coefficients):
        used = list(range(len(coefficients)))
    kept = rows if len(used) == len(coefficients) else rows[used]
    wanted = torch.tensor([coefficients[index] for index in used], dtype=rows.dtype, device=rows.device)
    kernel = kernel_for(add_rows, kept)
    if kernel is None:
        return wanted @ kept
    source, out = kept.contiguous().numpy(), np.empty(kept.shape[1], wanted.numpy().dtype)
    in_tiles(len(out), TILE, lambda tile: kernel(source, tile.start, tile.stop, wanted.numpy(), out))
    return torch.from_numpy(out)
