"""The GPU operations against PEFT: on a CPU always, in a CUDA graph where there is a device. vLLM is not needed."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.models.dora import gain
from r3mes_ray.vllm_plugin.row_operations import adapt_rows, scale_rows

TABLE = torch.tensor([[1.0, 0.0, -0.5], [0.25, 2.0, 0.0], [0.0, 0.0, 0.0]])
ROWS = torch.tensor([0, -1, 1, 0])
OUT, WIDTH, RANK = 48, 32, 4
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 3e-2}
"""As a share of the largest output."""
without_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


def test_scale_rows_scales_by_slot_and_leaves_base_rows():
    y = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    found = y.clone()
    scale_rows(found, TABLE, ROWS)
    torch.testing.assert_close(found, y * (1 + TABLE[ROWS]), rtol=0, atol=0)
    assert torch.equal(found[1], y[1])


def test_scale_rows_is_a_whole_graph_under_compile():
    def layer(x):
        y = x * 2
        torch.ops.r3mes.scale_rows(y, TABLE, ROWS)
        return y + 1

    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(compiled(x), x * 2 * (1 + TABLE[ROWS]) + 1)


def test_scale_rows_declares_what_it_changes():
    y = torch.randn(4, 3)
    torch.library.opcheck(scale_rows, (y, TABLE, ROWS), test_utils=("test_schema", "test_faketensor"))


def test_operations_are_imported_without_vllm():
    code = "import sys; sys.modules['vllm'] = None; import r3mes_ray.vllm_plugin.row_operations"
    subprocess.run([sys.executable, "-c", code], check=True)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(WIDTH, OUT, bias=False)

    def forward(self, x):
        return self.linear(x)


class Case:
    """A LoRA in slot 0, a DoRA in slot 1, and rows of both and of the base; PEFT says what each row gives."""

    def __init__(self, dtype, device="cpu"):
        torch.manual_seed(5)
        layer = Layer()
        self.weight = layer.linear.weight.detach().clone()
        self.slots = torch.tensor([0, -1, 1, 1, -1, 0])
        self.x = torch.randn(len(self.slots), WIDTH)
        outputs, adapters = {-1: layer(self.x).detach()}, []
        for slot, dora in enumerate((False, True)):
            outputs[slot], adapter = self.of_peft(dora=dora)
            adapters.append(adapter)
        self.expected = torch.stack([outputs[slot][row] for row, slot in enumerate(self.slots.tolist())])
        gains = [gain(self.weight, adapter) for adapter in adapters]
        offsets, a, b = torch.zeros(3, OUT), torch.zeros(3, RANK, WIDTH), torch.zeros(3, OUT, RANK)
        for slot, (adapter, own) in enumerate(zip(adapters, gains, strict=True)):
            offsets[slot], a[slot], b[slot] = own - 1, adapter.a, own[:, None] * adapter.scale * adapter.b
        self.buffers = [buffer.to(device, dtype) for buffer in (offsets, a, b)]
        self.weight, self.x = self.weight.to(device, dtype), self.x.to(device, dtype)
        self.slots = self.slots.to(device)

    def of_peft(self, *, dora):
        layer = Layer()
        layer.linear.weight.data.copy_(self.weight)
        config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=["linear"], use_dora=dora)
        adapted = get_peft_model(layer, config).eval()
        found = adapted.base_model.model.linear
        low, high = found.lora_A["default"].weight, found.lora_B["default"].weight
        nn.init.normal_(high, std=0.2)
        magnitude = found.lora_magnitude_vector["default"].weight if dora else None
        if dora:
            magnitude.data.mul_(0.5 + torch.rand(OUT))
        with torch.no_grad():
            own = ModuleAdapter(low.clone(), high.clone(), 2.0, magnitude.clone() if dora else None)
            return adapted(self.x), own

    def run(self):
        y = self.x @ self.weight.t()
        adapt_rows(y, self.x, *self.buffers, self.slots)
        return y

    def check(self, found):
        off = (found.float().cpu() - self.expected).abs().max() / self.expected.abs().max()
        assert float(off) <= TOLERANCE[found.dtype]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_rows_of_base_lora_and_dora_are_pefts(dtype):
    case = Case(dtype)
    found = case.run()
    case.check(found)
    base = case.slots < 0
    assert torch.equal(found[base], (case.x @ case.weight.t())[base])


@without_cuda
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_captured_graph_follows_the_rows_slots_on_cuda(dtype):
    case = Case(dtype, "cuda")
    wanted = case.slots.clone()
    case.slots.fill_(-1)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        case.run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = case.run()
    case.slots.copy_(wanted)
    graph.replay()
    case.check(found)
