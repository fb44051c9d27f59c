from __future__ import annotations

import pytest

pytest.importorskip("vllm")

from r3mes_ray.vllm_plugin.plan import Plan, make_plan


@pytest.mark.parametrize("plan", [Plan(), make_plan([-1, -1, -1]), make_plan([])])
def test_plan_of_base_rows_is_empty(plan):
    assert plan.empty


def test_plan_puts_the_rows_of_a_slot_together_in_their_order():
    plan = make_plan([-1, 5, 2, 5, -1, 2, 5])
    assert plan.rows.tolist() == [2, 5, 1, 3, 6]
    assert plan.slots.tolist() == [2, 2, 5, 5, 5]
    assert not plan.empty
