"""Rules on plain vectors, for whoever has no factors: the rows of one matrix in memory."""

from __future__ import annotations

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
)

BLOCK, PANEL = 65536, 1024
"""A few rows by millions of columns is no shape for one product: panels of a batch keep all cores busy."""


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
    """⟨xᵢ, xⱼ⟩ in float64, (N, N), block by block: near-duplicates cancel catastrophically in float32."""
    count = rows.shape[0]
    total = torch.zeros(count, count, dtype=torch.float64, device=rows.device)
    for block in torch.split(rows, BLOCK, dim=1):
        even = block.shape[1] // PANEL * PANEL
        panels = block[:, :even].double().reshape(count, -1, PANEL).transpose(0, 1)
        rest = block[:, even:].double()
        total += torch.bmm(panels, panels.transpose(1, 2)).sum(dim=0) + rest @ rest.T
    return total


def combine_rows(rows: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """Σ cᵢ xᵢ, each row read once; rows with coefficient 0 are not read."""
    used = [index for index, c in enumerate(coefficients) if c]
    if not used:
        return torch.zeros_like(rows[0])
    kept = rows if len(used) == len(coefficients) else rows[used]
    return torch.tensor([coefficients[index] for index in used], dtype=rows.dtype, device=rows.device) @ kept
