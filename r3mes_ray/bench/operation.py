"""The operation for GPUs beside PEFT's own layer on the same arrays: rows of one adapter, LoRA and DoRA.

Both take the base's product too. On CUDA each is captured into a graph and replayed; on a CPU it is called.
Outputs are compared before any time is taken. A ratio above 1 is in our favour.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from peft import LoraConfig
from peft.tuners.lora import Linear
from torch import Tensor, nn

from r3mes_ray.bench.report import Report, Row, machine, paired
from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.models.dora import gain
from r3mes_ray.settings import Settings
from r3mes_ray.vllm_plugin.row_operations import adapt_rows

WIDTHS = (2560, 2560)
"""Inputs and outputs of the layer, as of a projection in BitNet-2B-4T."""
ROWS, RANK, PAIRS = 8, 16, 9
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 3e-2}
"""Largest difference as a share of the largest output."""

Step = Callable[[], Tensor]


class UnequalOutput(ValueError):
    """Our output is not PEFT's, so their times are not those of one computation."""

    def __init__(self, name: str, difference: float) -> None:
        super().__init__(name, difference)
        self.name, self.difference = name, difference

    def __str__(self) -> str:
        return f"{self.name}: the outputs are {self.difference:.1e} of the largest one apart"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One layer with one adapter: PEFT's way and ours."""

    name: str
    peft: Step
    ours: Step


@torch.no_grad()
def measure(settings: Settings, say: Callable[[str], None]) -> Report:
    """Both data types, LoRA and DoRA, interleaved; the settings do not matter."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows: list[Row] = []
    for dtype, tolerance in TOLERANCE.items():
        kind = str(dtype).removeprefix("torch.")
        say(f"{kind} on {device}: LoRA and DoRA, {PAIRS} times")
        cases = {
            dora: make_case(f"{'dora' if dora else 'lora'} {kind}", dtype, device, dora=dora) for dora in (False, True)
        }
        for case in cases.values():
            require_equal(case, tolerance)
        rows += _rows(kind, cases[False], cases[True], device)
    return Report(machine(), tuple(rows))


def make_case(name: str, dtype: torch.dtype, device: torch.device, *, dora: bool) -> Case:
    """A layer and an adapter from a fixed seed; slot 0 of our buffers has it."""
    torch.manual_seed(0)
    base = nn.Linear(*WIDTHS, bias=False)
    layer = Linear(
        base, "a", config=LoraConfig(r=RANK, lora_alpha=2 * RANK, use_dora=dora), r=RANK, lora_alpha=2 * RANK
    )
    low, high = layer.lora_A["a"].weight.data, layer.lora_B["a"].weight.data.normal_(std=0.02)
    magnitude = layer.lora_magnitude_vector["a"].weight.data.mul_(1.1) if dora else None
    own = gain(base.weight.data, ModuleAdapter(low, high, 2.0, magnitude))
    offsets, a, b = (torch.zeros(2, *shape) for shape in ((WIDTHS[1],), low.shape, high.shape))
    offsets[0], a[0], b[0] = own - 1, low, own[:, None] * 2.0 * high
    x = torch.randn(ROWS, WIDTHS[0]).to(device, dtype)
    weight = base.weight.data.to(device, dtype)
    layer = layer.to(device, dtype).eval()
    gain_offsets, a_rows, b_rows = (buffer.to(device, dtype) for buffer in (offsets, a, b))
    slots = torch.zeros(ROWS, dtype=torch.int64, device=device)

    def ours() -> Tensor:
        y = torch.mm(x, weight.t())
        adapt_rows(y, x, gain_offsets, a_rows, b_rows, slots)
        return y

    def peft() -> Tensor:
        output: Tensor = layer(x)
        return output

    return Case(name, peft, ours)


def require_equal(case: Case, tolerance: float) -> None:
    """Compare both ways' outputs.

    Raises:
        UnequalOutput: they are further apart than `tolerance` of the largest output.
    """
    theirs = case.peft().float()
    difference = float((case.ours().float() - theirs).abs().max() / theirs.abs().max())
    if not difference <= tolerance:
        raise UnequalOutput(case.name, difference)


def _rows(kind: str, lora: Case, dora: Case, device: torch.device) -> list[Row]:
    steps = {"lora": lora.ours, "lora of PEFT": lora.peft, "dora": dora.ours, "dora of PEFT": dora.peft}
    runs = {name: _captured(step) if device.type == "cuda" else step for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(PAIRS + 1):
        for name, run in runs.items():
            seconds = _milliseconds(run, device)
            if turn:
                times[name].append(seconds)
    found = [
        paired(f"{name} {kind}", times[name], "ms", peer="PEFT", peer_samples=times[f"{name} of PEFT"])
        for name in ("lora", "dora")
    ]
    found.append(paired(f"dora beside lora {kind}", times["dora"], "ms", peer="our LoRA", peer_samples=times["lora"]))
    return found


def _captured(step: Step) -> Callable[[], object]:
    """The step as a CUDA graph, after one call beside it as capturing asks for."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def _milliseconds(run: Callable[[], object], device: torch.device) -> float:
    began = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - began)
