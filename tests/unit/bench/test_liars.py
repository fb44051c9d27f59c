"""Each attack on small adapters: stopped by the gate, or bounded by the rule in the space of weights."""

from functools import lru_cache

import pytest
import torch

from r3mes_ray.bench.attacks import pivot
from r3mes_ray.bench.bounds import MIXED, bound, bound_before, distance_to_mean, honest_geometry, honest_shares
from r3mes_ray.bench.liars import ATTACKS
from r3mes_ray.bench.report import row
from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.training.gate.copies import find_copies
from r3mes_ray.training.rules import COORDINATE_RULES, LARGEST_FAULTS, RuleParameters
from r3mes_ray.training.rules.dense import aggregate_rows

HONEST, FAULTS = 7, 2
LAYERS = {"q": (12, 10), "d": (9, 14)}
ROBUST = [rule for rule in LARGEST_FAULTS if rule != "mean"]
WEIGHING = [rule for rule in ROBUST if rule not in COORDINATE_RULES]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads of such small products only wait for each other, on a busy machine for a minute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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


def dense(modules):
    """All layers' products as one row."""
    return torch.cat([(m.scale * m.b.double() @ m.a.double()).flatten() for _, m in sorted(modules.items())])


@lru_cache
def admitted(attack):
    """Rows of what passes the gate; the honest ones come first."""
    honest = honest_modules()
    sent = [*honest, *ATTACKS[attack](honest, FAULTS)]
    rows = torch.stack([row for row in map(dense, sent) if bool(row.isfinite().all())])
    copies = {copy.index for copy in find_copies(rows @ rows.T, [""] * len(rows))}
    return rows[[index for index in range(len(rows)) if index not in copies]]


@lru_cache
def geometry():
    honest = admitted("none")
    return honest_geometry(honest @ honest.T, float((honest.amax(0) - honest.amin(0)).norm()))


def deviation(rows, rule, parameters, weights=(), shares=(), honest=HONEST):
    """Distance of a rule's result from the mean of the honest rows, which come first."""
    together = torch.cat([rows[:honest], aggregate_rows(rows, rule, parameters, weights)[None]])
    return distance_to_mean(together @ together.T, range(honest), honest, shares)


def weighted_deviation(rows, rule, borne, weights, honest):
    """That distance from the mean by the honest shares, and the bound on it."""
    n, liars = len(rows), len(rows) - honest
    shares = honest_shares(weights, 2, borne, liars)
    true = rows[:honest]
    known = honest_geometry(true @ true.T, float((true.amax(0) - true.amin(0)).norm()), shares)
    found = deviation(rows, rule, RuleParameters(faults=borne), weights, shares, honest)
    return found, bound(rule, known, n, borne, liars, weights), known


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
    assert len(admitted(attack)) == passing


@pytest.mark.parametrize("faults", [1, 2])
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("rule", ROBUST)
def test_rule_deviates_from_the_honest_mean_by_no_more_than_its_bound(rule, attack, faults):
    """The bounds of docs/aggregation.md; with one liar the round's f is 2 all the same."""
    rows = admitted(attack)[: HONEST + faults]
    borne = min(FAULTS, LARGEST_FAULTS[rule](len(rows)))
    allowed = bound(rule, geometry(), len(rows), borne, len(rows) - HONEST)
    assert deviation(rows, rule, RuleParameters(faults=borne)) <= allowed


@pytest.mark.parametrize("faults", [1, 2])
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("rule", WEIGHING)
def test_rule_keeps_its_bound_where_the_liars_weigh_most(rule, attack, faults):
    """Eight times as much as an honest update, which is the most that the chain's weights differ by."""
    rows = admitted(attack)[: HONEST + faults]
    borne = min(FAULTS, LARGEST_FAULTS[rule](len(rows)))
    weights = (1.0,) * HONEST + (8.0,) * (len(rows) - HONEST)
    found, allowed, _ = weighted_deviation(rows, rule, borne, weights, HONEST)
    assert found <= allowed


@pytest.mark.parametrize("length", [1.0, 3.0, 10.0, 1e6])
@pytest.mark.parametrize("rule", WEIGHING)
def test_rule_keeps_its_bound_with_the_most_liars_that_it_bears(rule, length):
    """N = 9: four liars (three for Krum) of the largest weights in one place; the honest weigh 1 to 3."""
    generator = torch.Generator().manual_seed(4)
    faults = LARGEST_FAULTS[rule](9)
    honest = 1.0 + 0.3 * torch.randn(9 - faults, 20, generator=generator, dtype=torch.float64)
    liars = honest.mean(0) - length * torch.ones(faults, 20, dtype=torch.float64)
    liars += 1e-3 * torch.randn(faults, 20, generator=generator, dtype=torch.float64)
    weights = tuple(1.0 + index % 3 for index in range(9 - faults)) + (8.0,) * faults
    found, allowed, known = weighted_deviation(torch.cat([honest, liars]), rule, faults, weights, 9 - faults)
    assert found <= allowed
    assert allowed <= 100 * (known.radius + known.longest)


@pytest.mark.parametrize("faults", [1, 2])
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("rule", MIXED)
@pytest.mark.parametrize("before", ["nnm", "arc"])
def test_rule_after_its_pre_aggregation_keeps_its_bound(before, rule, attack, faults):
    rows = admitted(attack)[: HONEST + faults]
    borne = min(FAULTS, LARGEST_FAULTS[rule](len(rows)))
    allowed = bound_before(before, rule, geometry(), len(rows), borne, len(rows) - HONEST)
    assert deviation(rows, rule, RuleParameters(faults=borne, before=before)) <= allowed


@pytest.mark.parametrize("rule", MIXED)
@pytest.mark.parametrize("before", ["nnm", "arc"])
def test_bound_after_a_pre_aggregation_holds_for_random_liars_and_says_something(before, rule):
    """As above, for the steps alone and for steps of a common length in all directions, where clipping costs most."""
    generator, worst = torch.Generator().manual_seed(8), 0.0
    for spread in (0.0, 1.0):
        honest = admitted("none") + spread * 20 * torch.randn(admitted("none").shape, generator=generator).double()
        known = honest_geometry(honest @ honest.T, 0.0)
        allowed = bound_before(before, rule, known, HONEST + FAULTS, FAULTS, FAULTS)
        for length in (0.3, 1.0, 1.5, 3.0, 10.0, 100.0):
            for _ in range(10):
                direction = torch.randn(honest.shape[1], generator=generator).double()
                aim = honest.mean(0) * torch.rand(1, generator=generator)
                liar = aim + direction / direction.norm() * (length * known.radius)
                rows = torch.cat([honest, liar[None], liar[None] * 1.01])
                worst = max(worst, deviation(rows, rule, RuleParameters(faults=FAULTS, before=before)) / allowed)
    assert 1 / 25 < worst <= 1


def test_pre_aggregation_of_a_rule_whose_bound_is_not_known_has_none():
    assert bound_before("nnm", "median-norm", geometry(), HONEST + FAULTS, FAULTS, FAULTS) is None


def test_mean_has_no_bound_and_huge_liars_carry_it_away():
    """The same measure finds liars where neither gate nor rule stops them."""
    honest = honest_modules()
    rows = torch.stack([dense(modules) for modules in [*honest, *ATTACKS["huge norm"](honest, FAULTS)]])
    assert bound("mean", geometry(), len(rows), 0, FAULTS) is None
    assert deviation(rows, "mean", RuleParameters()) > 100 * geometry().longest


@pytest.mark.parametrize("rule", ROBUST)
def test_bound_is_reached_within_a_factor_so_it_says_something(rule):
    """Of random liars of many lengths the worst comes to a part of the bound: it is no number that always holds."""
    generator, worst = torch.Generator().manual_seed(7), 0.0
    honest = admitted("none")
    for length in (0.3, 1.0, 1.5, 3.0, 10.0, 100.0):
        for _ in range(20):
            direction = torch.randn(honest.shape[1], generator=generator).double()
            liar = honest.mean(0) * torch.rand(1, generator=generator) + direction / direction.norm() * (
                length * geometry().radius
            )
            rows = torch.cat([honest, liar[None], liar[None] * 1.01])
            worst = max(worst, deviation(rows, rule, RuleParameters(faults=FAULTS)))
    allowed = bound(rule, geometry(), HONEST + FAULTS, FAULTS, FAULTS)
    assert allowed / 25 < worst <= allowed


def test_pivot_is_a_line_for_each_rule():
    rows = [row("mean | none", [1.0], "nats"), row("mean | ALIE", [2.5], "nats"), row("base", [9.0], "nats")]
    rows.append(row("mean | none", [0.1], "honest radii"))
    assert pivot(rows, "nats") == "| rule | none | ALIE |\n|---|---:|---:|\n| mean | 1.000 | 2.500 |"
