"""Each attack on small adapters: stopped by the gate, or bounded by the rule in the space of weights."""

import math
from functools import lru_cache

import pytest
import torch

from r3mes_ray.bench.attacks import pivot
from r3mes_ray.bench.liars import ATTACKS
from r3mes_ray.bench.report import row
from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.training.copies import find_copies
from r3mes_ray.training.effects import Part
from r3mes_ray.training.gram import gram_of_layer
from r3mes_ray.training.rules import LARGEST_FAULTS, RULES, RuleInput, RuleParameters, decide
from r3mes_ray.training.rules.geometry import distances_from, matrix_of, norms

HONEST, FAULTS = 7, 2
LAYERS = {"q": (12, 10), "d": (9, 14)}
ROBUST = ["krum", "multi-krum", "geometric-median", "centered-clipping", "mda", "monna", "median-norm"]


def honest_modules():
    """Steps that share a direction and differ by less, as those of miners of one corpus do."""
    generator = torch.Generator().manual_seed(3)
    shared = {
        p: (torch.randn(o, 3, generator=generator), torch.randn(3, k, generator=generator))
        for p, (o, k) in LAYERS.items()
    }

    def one():
        return {
            path: ModuleAdapter(
                a + 0.3 * torch.randn(a.shape, generator=generator),
                b + 0.3 * torch.randn(b.shape, generator=generator),
                2.0,
                None,
            )
            for path, (b, a) in shared.items()
        }

    return [one() for _ in range(HONEST)]


def gram_of(sent):
    total = torch.zeros(len(sent), len(sent), dtype=torch.float64)
    for path, shape in LAYERS.items():
        parts = [Part(m[path].b.double() * m[path].scale, m[path].a.double()) for m in sent]
        total += gram_of_layer(torch.zeros(shape), parts)
    return total


@lru_cache
def admitted(attack):
    """Indices of what passes the gate, and the inner products of that; the honest ones come first."""
    honest = honest_modules()
    sent = [*honest, *ATTACKS[attack](honest, FAULTS)]
    finite = [m for m in sent if all(bool(part.b.isfinite().all()) for part in m.values())]
    gram = gram_of(finite)
    copies = {copy.index for copy in find_copies(gram, [""] * len(finite))}
    kept = [index for index in range(len(finite)) if index not in copies]
    return kept, gram[kept][:, kept]


@pytest.mark.parametrize(
    ("attack", "passing"),
    [
        ("none", 7),
        ("sign flip", 9),
        ("IPM", 8),
        ("colluding", 9),
        ("ALIE", 9),
        ("mimic", 7),
        ("gauge", 9),
        ("replay", 7),
        ("NaN", 7),
        ("huge norm", 7),
    ],
)
def test_gate_stops_copies_and_what_is_not_finite(attack, passing):
    assert len(admitted(attack)[0]) == passing


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("rule", ROBUST)
def test_rule_deviates_from_the_honest_mean_by_no_more_than_its_bound(rule, attack):
    """Distance rules: twice the honest radius. Clipping rules and the norm pivot: also 2 f/n of the median norm."""
    kept, gram = admitted(attack)
    n, faults = len(kept), min(FAULTS, LARGEST_FAULTS[rule](len(kept)))
    parameters = RuleParameters(faults=faults)
    point = decide(RULES[rule], RuleInput((1.0,) * n, lambda: gram), parameters).coefficients
    center = [1.0 / HONEST if index < HONEST else 0.0 for index in kept]
    matrix = matrix_of(gram)
    radius = max(distances_from(matrix, center)[:HONEST])
    difference = [c - m for c, m in zip(point, center, strict=True)]
    square = math.fsum(x * y * matrix[i][j] for i, x in enumerate(difference) for j, y in enumerate(difference))
    pulled = 2 * FAULTS / n * max(norms(matrix)[:HONEST])
    extra = pulled if rule in ("centered-clipping", "median-norm", "monna") else 0.0
    assert math.sqrt(max(0.0, square)) <= 2 * radius + 3 * extra


def test_mean_has_no_such_bound():
    """The same measure finds liars where neither gate nor rule stops them."""
    honest = honest_modules()
    gram = gram_of([*honest, *ATTACKS["huge norm"](honest, FAULTS)])
    matrix = matrix_of(gram)
    point = decide(RULES["mean"], RuleInput((1.0,) * len(matrix), lambda: gram), RuleParameters()).coefficients
    assert distances_from(matrix, point)[0] > 100 * norms(matrix)[0]


def test_pivot_is_a_line_for_each_rule():
    rows = [row("mean | none", [1.0], "nats"), row("mean | ALIE", [2.5], "nats"), row("base", [9.0], "nats")]
    assert pivot(rows) == "| rule | none | ALIE |\n|---|---:|---:|\n| mean | 1.000 | 2.500 |"
