"""The gate before the rule, in the space of weights: copies in any form, and factors that hide what they do."""

import pytest
import torch

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.training.gate.copies import find_copies
from r3mes_ray.training.gate.validation import MAX_STEP, check_effect, faults_of_effects
from r3mes_ray.training.steps import compare_steps


@pytest.mark.parametrize("dora", [False, True])
def test_copy_in_a_disguise_is_found_and_the_first_on_chain_wins(base, packages, stored, disguised, dora):
    original, other = packages.make(1, dora=dora), packages.make(2, dora=dora)
    adapters = [stored(original), stored(other), stored(disguised(original))]
    (found,) = find_copies(compare_steps(base, adapters, None).gram, ["update 3", "update 5", "update 8"])
    assert (found.index, found.rule) == (2, "copy")
    assert found.detail.startswith("is update 3 again")


def test_copy_is_judged_by_the_step_and_not_by_the_adapter(base, packages, stored, turned):
    """Two small honest steps from one version have almost equal adapters, and are no copies."""
    start = packages.make(7, dora=False)

    def small_step(seed):
        def move(name, module):
            noise = torch.randn(module.b.shape, generator=torch.Generator().manual_seed(seed))
            return ModuleAdapter(module.a, module.b + 1e-3 * noise, module.scale, None)

        return stored(turned(start, move))

    adapters = [small_step(1), small_step(2)]
    assert find_copies(compare_steps(base, adapters, stored(start)).gram, ["a", "b"]) == ()
    (absolute,) = find_copies(compare_steps(base, adapters, None).gram, ["a", "b"])
    assert absolute.rule == "copy"


def test_start_version_handed_in_again_is_idle(base, packages, stored):
    start = packages.make(7)
    adapters = [stored(packages.make(1)), stored(start), stored(packages.make(2))]
    (found,) = find_copies(compare_steps(base, adapters, stored(start)).gram, ["a", "b", "c"])
    assert (found.index, found.rule) == (1, "idle")


def test_sign_flipped_update_is_no_copy():
    assert find_copies(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).double(), ["a", "b"]) == ()


@pytest.mark.parametrize(("length", "rules"), [(99.0, []), (101.0, [(1, "step")])])
def test_step_beyond_a_hundred_medians_is_refused(length, rules):
    steps = torch.diag(torch.tensor([1.0, length, 1.0, 1.0], dtype=torch.float64))
    assert [(found.index, found.rule) for found in find_copies(steps @ steps.T, "abcd")] == rules


def test_start_versions_handed_in_do_not_make_honest_steps_long():
    """More idle updates than others have a median of nothing: it is not what steps are measured by."""
    steps = torch.diag(torch.tensor([0.0, 0.0, 0.0, 1.0, 1.5], dtype=torch.float64))
    assert [(found.index, found.rule) for found in find_copies(steps @ steps.T, "abcde")] == [
        (0, "idle"),
        (1, "idle"),
        (2, "idle"),
    ]


def test_refused_step_makes_no_copy_of_a_shorter_one_along_it():
    steps = torch.tensor([[500.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    assert [(found.index, found.rule) for found in find_copies(steps @ steps.T, "abcd")] == [(0, "step")]


def test_copies_of_copies_all_name_the_first():
    found = find_copies(torch.ones(3, 3).double(), ["x", "y", "z"])
    assert [(copy.index, copy.detail[:10]) for copy in found] == [(1, "is x again"), (2, "is x again")]


def test_factors_that_cancel_are_refused(base, packages, stored, turned):
    """(b, −b + δ) with equal rows of A: the product is small, its factors are not."""

    def cancelling(name, module):
        b, a = module.b.clone(), module.a.clone()
        a[1] = a[0]
        b[:, 0], b[:, 1] = 1e6, -1e6
        b[0, 1] += 1.0
        return ModuleAdapter(a, b, module.scale, None)

    with pytest.raises(PackageRejected, match="cancel") as refused:
        check_effect(stored(turned(packages.make(1, dora=False), cancelling)), base)
    assert refused.value.rule == "cancellation"


def test_gauge_by_a_scale_alone_passes(base, packages, stored, turned):
    def rescaled(name, module):
        return ModuleAdapter(module.a / 1000, module.b * 1000, module.scale, module.magnitude)

    check_effect(stored(turned(packages.make(1), rescaled)), base)


@pytest.mark.parametrize("magnitude", [1e-9, 0.3])
def test_zero_row_of_a_foreign_base_takes_any_magnitude(base, packages, stored, magnitude, turned):
    """There is nothing that it could scale."""
    for name in base.linear_shapes:
        base.effective_weight(name)[2] = 0.0

    def quiet(name, module):
        b, m = module.b.clone(), module.magnitude.clone()
        b[2], m[2] = 0.0, magnitude
        return ModuleAdapter(module.a, b, module.scale, m)

    check_effect(stored(turned(packages.make(1), quiet)), base)


@pytest.mark.parametrize(("share", "rule"), [(0.4, None), (0.6, None), (0.9999, None), (1.0001, "norm"), (3.0, "norm")])
def test_product_is_taken_up_to_its_limit_and_not_beyond(base, packages, stored, share, rule, turned):
    """Below half of the limit plain float64 decides, from there on exact sums do."""
    package = packages.make(1, dora=False)
    grown_layer = "model.layers.0.mlp.down_proj"
    module = package.modules()[grown_layer]
    norm = (module.b.double() @ module.a.double()).norm() * module.scale
    factor = share * MAX_STEP * base.effective_weight(grown_layer).double().norm() / norm

    def grown(name, one):
        return ModuleAdapter(one.a, one.b * factor.float(), one.scale, None) if name == grown_layer else one

    adapter = stored(turned(package, grown))
    fault = faults_of_effects([adapter], base)[0]
    assert (None if fault is None else fault.rule) == rule
