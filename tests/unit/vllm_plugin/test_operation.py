from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("vllm")

from r3mes_ray.vllm_plugin import operation
from r3mes_ray.vllm_plugin.plan import make_plan
from r3mes_ray.vllm_plugin.slots import SlotBank

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


def test_apply_adapters_is_a_whole_graph_under_compile_and_runs_the_layers_plan(monkeypatch):
    bank = SlotBank(2, (3,), torch.float32)
    low, high = torch.randn(2, 5), torch.randn(3, 2)
    bank.fill(0, [low], [high])
    bank.scale(0, [torch.tensor([2.0, 1.0, 0.5])])
    layer = SimpleNamespace(apply_adapters=lambda y, x: bank.apply(y, x, make_plan([0, -1])))
    context = SimpleNamespace(no_compile_layers={"a.layer": layer})
    monkeypatch.setattr(operation, "get_forward_context", lambda: context)
    weight, x = torch.randn(3, 5), torch.randn(2, 5)

    def forward(x):
        y = torch.nn.functional.linear(x, weight)
        torch.ops.r3mes.apply_adapters(y, x, "a.layer")
        return y

    found = torch.compile(forward, fullgraph=True, backend="aot_eager")(x)
    adapted = (weight @ x[0]) * torch.tensor([2.0, 1.0, 0.5]) + high @ (low @ x[0])
    torch.testing.assert_close(found, torch.stack([adapted, weight @ x[1]]))
