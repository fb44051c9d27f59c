from __future__ import annotations

import pytest
import torch

pytest.importorskip("vllm")

from r3mes_ray.vllm_plugin import operation

TABLE = torch.tensor([[1.0, 0.0, -0.5], [0.25, 2.0, 0.0], [0.0, 0.0, 0.0]])
ROWS = torch.tensor([0, -1, 1, 0])


def expected(y):
    return y * (1 + TABLE[ROWS])


def test_scale_rows_scales_by_slot_and_leaves_base_rows():
    y = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    found = y.clone()
    operation.scale_rows(found, TABLE, ROWS)
    torch.testing.assert_close(found, expected(y), rtol=0, atol=0)
    assert torch.equal(found[1], y[1])


def test_scale_rows_is_a_whole_graph_under_compile():
    def layer(x):
        y = x * 2
        torch.ops.r3mes.scale_rows(y, TABLE, ROWS)
        return y + 1

    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(compiled(x), expected(x * 2) + 1)


def test_operations_declare_what_they_change():
    y = torch.randn(4, 3)
    torch.library.opcheck(operation.scale_rows, (y, TABLE, ROWS), test_utils=("test_schema", "test_faketensor"))
