"""Against byzfl 0.0.11 itself: its outputs are stored in tests/golden/byzfl.json, made by the script beside it."""

import json
from pathlib import Path

import pytest
import torch

from r3mes_ray.training.rules import RuleParameters
from r3mes_ray.training.rules.adaptive_clipping import adaptive_clipping
from r3mes_ray.training.rules.dense import aggregate_rows, gram_of_rows
from r3mes_ray.training.rules.geometry import matrix_of, nearest
from r3mes_ray.training.rules.krum import scores
from r3mes_ray.training.rules.mixing import nearest_neighbour_mixing

GOLDEN = json.loads((Path(__file__).parents[3] / "golden" / "byzfl.json").read_text())
F = GOLDEN["f"]
PARAMETERS = {
    "geometric-median": RuleParameters(faults=F, iterations=3),
    "centered-clipping": RuleParameters(faults=F, iterations=3, radius=2.0),
    "mean": RuleParameters(),
}
SAME = ("mean", "median", "trimmed-mean", "geometric-median", "centered-clipping", "mda", "meamed")


def rows_of(case):
    return torch.tensor(case["rows"], dtype=torch.float64)


def expected(case, name):
    return torch.tensor(case["outputs"][name], dtype=torch.float64)


@pytest.fixture(params=range(len(GOLDEN["cases"])))
def case(request):
    return GOLDEN["cases"][request.param]


@pytest.mark.parametrize("rule", SAME)
def test_rule_equals_byzfl(case, rule):
    found = aggregate_rows(rows_of(case), rule, PARAMETERS.get(rule, RuleParameters(faults=F)))
    torch.testing.assert_close(found, expected(case, rule), rtol=1e-9, atol=1e-9)


def test_monna_equals_byzfl_with_the_start_version_as_its_pivot(case):
    """byzfl counts the pivot among those that it averages; here it is x₀, which is the zero of the steps."""
    rows = rows_of(case)
    kept = len(rows) - F
    found = aggregate_rows(rows, "monna", RuleParameters(faults=F))
    torch.testing.assert_close(found * kept / (kept + 1), expected(case, "monna"), rtol=1e-9, atol=1e-9)


def test_krum_with_the_neighbours_of_byzfl_equals_byzfl(case):
    """byzfl's variant counts n − f − 1 neighbours, the original n − f − 2."""
    rows = rows_of(case)
    found = scores(matrix_of(gram_of_rows(rows)), len(rows) - F - 1)
    torch.testing.assert_close(rows[nearest(found, 1)[0]], expected(case, "krum"), rtol=1e-9, atol=1e-9)
    kept = list(nearest(found, len(rows) - F))
    torch.testing.assert_close(rows[kept].mean(dim=0), expected(case, "multi-krum"), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "mix"), [("nnm", nearest_neighbour_mixing), ("arc", adaptive_clipping)])
def test_pre_aggregation_equals_byzfl(case, name, mix):
    rows = rows_of(case)
    mixed = torch.tensor(mix(matrix_of(gram_of_rows(rows)), F), dtype=torch.float64) @ rows
    torch.testing.assert_close(mixed, expected(case, name), rtol=1e-9, atol=1e-9)
