from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("vllm")

from r3mes_ray.vllm_plugin import operation
from r3mes_ray.vllm_plugin.plan import make_plan
from r3mes_ray.vllm_plugin.slots import SlotBank


def test_apply_adapters_is_a_whole_graph_under_compile_and_runs_the_layers_plan(monkeypatch):
    bank = SlotBank(2, (3,))
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
