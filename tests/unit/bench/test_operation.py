"""`r3mes bench operation`: both ways of a case are one computation, and another one is not timed."""

import dataclasses

import pytest
import torch

from r3mes_ray.bench import operation
from r3mes_ray.bench.operation import TOLERANCE, UnequalOutput, make_case, require_equal


@pytest.mark.parametrize("dora", [False, True], ids=["lora", "dora"])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_case_is_the_same_computation_both_ways_and_another_is_refused(monkeypatch, dtype, dora):
    monkeypatch.setattr(operation, "WIDTHS", (96, 64))
    with torch.no_grad():
        case = make_case("small", dtype, torch.device("cpu"), dora=dora)
        require_equal(case, TOLERANCE[dtype])
        other = dataclasses.replace(case, ours=lambda: 1.1 * case.ours())
        with pytest.raises(UnequalOutput, match="small: the outputs are"):
            require_equal(other, TOLERANCE[dtype])
