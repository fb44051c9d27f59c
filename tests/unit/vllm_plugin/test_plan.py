from __future__ import annotations

import pytest
import torch

pytest.importorskip("vllm")

from r3mes_ray.vllm_plugin.plan import LONG_RUN, make_plan


def test_plan_of_base_rows_is_empty():
    assert make_plan([-1, -1, -1]).empty


def test_plan_of_one_adapter_is_a_run_without_gathering():
    plan = make_plan([-1, 2, 2, 2, -1])
    assert [(run.slot, run.rows) for run in plan.runs] == [(2, slice(1, 4))]
    assert plan.group is None


def test_plan_of_scattered_rows_of_one_adapter_indexes_them():
    (run,) = make_plan([1, -1, 1]).runs
    assert run.rows.tolist() == [0, 2]


def test_plan_of_one_row_each_needs_no_gathering():
    group = make_plan([3, 0, 1]).group
    assert (group.slots, group.width, group.gather, group.places) == ((3, 0, 1), 1, None, None)
    assert group.rows.tolist() == [0, 1, 2]


def test_plan_pads_a_group_to_its_largest_adapter():
    group = make_plan([-1, 5, 2, 5, -1, 2, 5]).group
    assert (group.slots, group.width) == ((5, 2), 3)
    assert group.gather.tolist() == [1, 3, 6, 2, 5, 5]
    assert group.rows.tolist() == [1, 3, 6, 2, 5]
    assert group.places.tolist() == [0, 1, 2, 3, 4]


def test_plan_takes_a_long_run_out_of_the_group():
    plan = make_plan([0] * LONG_RUN + [1, 2])
    assert [(run.slot, run.rows) for run in plan.runs] == [(0, slice(0, LONG_RUN))]
    assert plan.group.slots == (1, 2)


@pytest.mark.parametrize("seed", range(20))
def test_plan_covers_each_adapted_row_once_and_no_base_row(seed):
    generator = torch.Generator().manual_seed(seed)
    slots = torch.randint(-1, 5, (int(torch.randint(1, 60, (1,), generator=generator)),), generator=generator).tolist()
    plan = make_plan(slots)
    covered = [row for run in plan.runs for row in torch.arange(len(slots))[run.rows].tolist()]
    covered += [] if plan.group is None else plan.group.rows.tolist()
    assert sorted(covered) == [row for row, slot in enumerate(slots) if slot >= 0]
