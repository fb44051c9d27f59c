"""Updates of earlier rounds that come again: found in every encoding, and nothing else is."""

import pytest
import torch

from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.models.adapters.history import PastRound, SketchedUpdate, decode_sketch, encode_sketch
from r3mes_ray.training.gate.repeats import continued, find_repeats, same_history
from r3mes_ray.training.steps import Steps, compare_steps


@pytest.fixture
def past(base, packages, stored):
    """Three updates of the round for version 1, with the history that its manifest has, and the start version."""
    made = [packages.make(number, dora=number != 2) for number in (1, 2, 3)]
    steps = compare_steps(base, [stored(package) for package in made], None)
    start = stored(packages.make(20, scale=0.05))
    return made, continued((), 1, steps, (4, 5, 6), (4, 5, 6)), start


@pytest.mark.parametrize("number", [0, 1])
def test_update_of_an_earlier_round_in_a_disguise_is_found_beside_new_ones(
    base, packages, stored, past, disguised, number
):
    made, history, start = past
    again = disguised(made[number])
    updates = [stored(packages.make(8)), stored(again), stored(packages.make(9, dora=False))]
    found = find_repeats(compare_steps(base, updates, start), history)
    assert list(found) == [1]
    assert found[1].startswith(f"is update {4 + number} of version 1 again: cosine of sketches ")


def test_lora_that_comes_again_as_a_dora_is_found(base, stored, turned, past):
    made, history, start = past

    def with_norms(name, module):
        norms = (base.effective_weight(name) + module.scale * module.b @ module.a).norm(dim=1)
        return ModuleAdapter(module.a, module.b, module.scale, norms)

    updates = [stored(turned(made[1], with_norms))]
    assert list(find_repeats(compare_steps(base, updates, start), history)) == [0]


def test_update_that_goes_only_a_part_of_the_way_to_an_old_one_is_found():
    old, start = torch.randn(2, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    history = (PastRound(1, (SketchedUpdate(7, encode_sketch(old)),)),)
    for share in (0.3, 1.0, 2.0):
        steps = Steps(torch.zeros(1, 1), (start + share * (old - start))[None], start)
        assert list(find_repeats(steps, history)) == [0]


@pytest.mark.parametrize("share", [0.0, -1.0])
def test_start_version_and_the_step_away_from_an_old_update_are_no_repeats(share):
    old, start = torch.randn(2, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    history = (PastRound(1, (SketchedUpdate(7, encode_sketch(old)),)),)
    assert find_repeats(Steps(torch.zeros(1, 1), (start + share * (old - start))[None], start), history) == {}


def test_old_direction_from_the_new_version_is_no_repeat():
    """A miner with the same data goes on from where the expert is now."""
    old, start = torch.randn(2, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    history = (PastRound(1, (SketchedUpdate(7, encode_sketch(old)),)),)
    assert find_repeats(Steps(torch.zeros(1, 1), (start + old)[None], start), history) == {}


def test_only_update_of_a_version_that_is_the_version_makes_no_repeat_of_any_step():
    """What is left between them is the rounding to float32."""
    generator = torch.Generator().manual_seed(2)
    start = torch.randn(64, generator=generator, dtype=torch.float64)
    history = (PastRound(1, (SketchedUpdate(7, encode_sketch(start)),)),)
    steps = start + torch.randn(50, 64, generator=generator, dtype=torch.float64)
    assert find_repeats(Steps(torch.zeros(50, 50), steps, start), history) == {}


def test_no_history_and_no_updates_find_nothing():
    start = torch.zeros(64, dtype=torch.float64)
    assert find_repeats(Steps(torch.zeros(1, 1), torch.ones(1, 64).double(), start), ()) == {}
    history = (PastRound(1, (SketchedUpdate(7, encode_sketch(start + 1)),)),)
    assert find_repeats(Steps(torch.zeros(0, 0), torch.zeros(0, 64).double(), start), history) == {}


def steps_of(count):
    sketches = torch.arange(64 * count, dtype=torch.float64).reshape(count, 64)
    return Steps(torch.zeros(count, count), sketches, torch.zeros(64, dtype=torch.float64))


def ids(history):
    return [(past.version, [update.id for update in past.updates]) for past in history]


def test_history_goes_on_with_the_accepted_updates_and_forgets_the_ninth_round():
    history = ()
    for version in range(1, 11):
        history = continued(
            history, version, steps_of(3), (3 * version, 3 * version + 1, 3 * version + 2), (3 * version,)
        )
    assert ids(history) == [(version, [3 * version]) for version in range(3, 11)]
    assert decode_sketch(history[-1].updates[0].sketch).tolist() == list(range(64))


def test_history_holds_the_latest_1024_updates():
    first = continued((), 1, steps_of(1000), range(1000), range(1000))
    second = continued(first, 2, steps_of(100), range(1000, 1100), range(1000, 1100))
    assert ids(second) == [(1, list(range(924))), (2, list(range(1000, 1100)))]
    third = continued(second, 3, steps_of(1025), range(2000, 3025), range(2000, 3025))
    assert ids(third) == [(3, list(range(2000, 3024)))]


def test_history_of_other_arithmetic_is_the_same_and_another_is_not():
    ours = continued(continued((), 1, steps_of(2), (0, 1), (0, 1)), 2, steps_of(2), (2, 3), (2, 3))

    def with_last(past, sketch):
        *rest, last = past.updates
        return PastRound(past.version, (*rest, SketchedUpdate(last.id, encode_sketch(sketch))))

    mine = decode_sketch(ours[1].updates[1].sketch)
    assert same_history((ours[0], with_last(ours[1], mine * (1 + 1e-6))), ours)
    assert not same_history((ours[0], with_last(ours[1], mine * (1 + 1e-4))), ours)
    assert not same_history((with_last(ours[0], decode_sketch(ours[0].updates[1].sketch) * (1 + 1e-6)), ours[1]), ours)
    assert not same_history((), ours)
    assert not same_history(ours[1:], ours)
    assert not same_history((ours[0], PastRound(2, ours[1].updates[:1])), ours)
    assert not same_history((ours[0], PastRound(3, ours[1].updates)), ours)
