"""The check that every worker makes before it serves: a canary with gains must do what its formula says.

One layer of each kind and shape: two rows of the base beside rows of a LoRA and of a DoRA, in one batch, through the
path that requests take, compiled where the model is (on a CPU vLLM 0.32 compiles no model that takes adapters). And
every layer must be the one that the model itself calls. A mode that loses the gains, gives base rows an adapter, or
leads around a layer is found here and not by a user.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from vllm.config import CompilationMode, VllmConfig
from vllm.forward_context import set_forward_context
from vllm.lora.layers import LoRAMapping
from vllm.lora.model_manager import LoRAModelManager

from r3mes_ray.errors import SelfCheckFailed
from r3mes_ray.vllm_plugin.layers import ExactLayer

_LORA, _DORA = 1, 2
_BATCH = (0, _LORA, 0, _DORA, _LORA)
_RANK = 4
_KINDS = 64
"""Most kinds of layers that are compiled; torch's own limit for one function is 8."""
_TOLERANCE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}
"""Largest difference from the formula, as a share of the largest output."""


def check_layers(manager: LoRAModelManager, vllm_config: VllmConfig) -> None:
    """Run the canaries through one layer of each kind and shape; the slots must be empty, and are so afterwards.

    Raises:
        SelfCheckFailed: names the layer, and what it did.
    """
    slots: list[int | None] = [_DORA, _LORA, *[None] * manager.lora_slots][: manager.lora_slots]
    seen = set()
    for name, layer in manager.modules.items():
        if isinstance(layer, ExactLayer) and manager.model.get_submodule(name) is not layer:
            raise SelfCheckFailed(name, "the model calls another layer than the one that takes adapters")
        kind = (type(layer), layer.output_slices, layer.input_size) if isinstance(layer, ExactLayer) else None
        if kind is not None and kind not in seen:
            seen.add(kind)
            with set_forward_context(None, vllm_config), torch._dynamo.config.patch(recompile_limit=_KINDS):
                _check(name, layer, _step_of(layer, vllm_config.compilation_config.mode), slots, manager)
    if not seen:
        raise SelfCheckFailed("adapters", "no layer of the model takes them through the exact path")


@dataclass(frozen=True, slots=True, eq=False)
class _Canary:
    """Factors and gains of each matrix of a layer, unsharded; without gains it is a LoRA."""

    a: list[Tensor]
    b: list[Tensor]
    gains: list[Tensor] | None


_Step = Callable[[Tensor, Tensor | None], Tensor]


def _step_of(layer: ExactLayer, mode: CompilationMode | None) -> _Step:
    """The layer as a step calls it: adapters are operations of a graph where the model is compiled."""
    step: _Step = layer.apply
    return step if mode in (None, CompilationMode.NONE) else torch.compile(step, fullgraph=True, dynamic=False)


@torch.inference_mode()
def _check(name: str, layer: ExactLayer, step: _Step, slots: list[int | None], manager: LoRAModelManager) -> None:
    generator = torch.Generator().manual_seed(0)
    canaries = {_LORA: _canary(layer, generator, dora=False), _DORA: _canary(layer, generator, dora=True)}
    batch = [adapter if adapter in slots else 0 for adapter in _BATCH]
    width, dtype = layer.lora_a_stacked[0].shape[-1], manager.lora_config.lora_dtype
    x = torch.randn(len(batch), width, generator=generator).to(layer.device, dtype)
    try:
        for slot, adapter in enumerate(slots):
            if adapter is not None:
                _place(layer, slot, canaries[adapter])
        base = _run(layer, step, x, [0] * len(batch), slots, manager)
        mixed = _run(layer, step, x, batch, slots, manager)
    finally:
        for slot in range(len(slots)):
            layer.reset_lora(slot)
    expected = _expected(layer, x, base, [canaries.get(adapter) for adapter in batch])
    _compare(name, batch, expected, mixed.double().cpu(), _TOLERANCE[dtype])


def _canary(layer: ExactLayer, generator: torch.Generator, *, dora: bool) -> _Canary:
    shapes = [layer.matrix_shape(index) for index in range(layer.n_slices)]
    a = [torch.randn(_rank(layer), width, generator=generator) / width**0.5 for _, width in shapes]
    b = [torch.randn(height, _rank(layer), generator=generator) for height, _ in shapes]
    gains = [1.25 + torch.rand(height, generator=generator) for height, _ in shapes]
    return _Canary(a, b, gains if dora else None)


def _rank(layer: ExactLayer) -> int:
    return min(_RANK, int(layer.lora_a_stacked[0].shape[-2]))


def _place(layer: ExactLayer, slot: int, canary: _Canary) -> None:
    b = canary.b if canary.gains is None else [g[:, None] * b for g, b in zip(canary.gains, canary.b, strict=True)]
    if layer.n_slices == 1:
        layer.set_lora(slot, canary.a[0], b[0])
    else:
        layer.set_lora(slot, canary.a, b)
    if canary.gains is not None:
        layer.set_gains(slot, canary.gains)


def _run(
    layer: ExactLayer, step: _Step, x: Tensor, adapters: list[int], slots: list[int | None], manager: LoRAModelManager
) -> Tensor:
    mapping = LoRAMapping(tuple(adapters), tuple(adapters), is_prefill=True)
    layer.punica_wrapper.update_metadata(mapping, slots, manager.lora_slots + 1, manager.vocab_size)
    return step(x.clone(), None if layer.base_layer.skip_bias_add else layer.base_layer.bias)


def _expected(layer: ExactLayer, x: Tensor, base: Tensor, canaries: list[_Canary | None]) -> Tensor:
    """What the formula gives: g ⊙ (W x + B A x) + bias in float64, from the layer's own W x."""
    bias = None if layer.base_layer.skip_bias_add else layer.base_layer.bias
    offset = 0.0 if bias is None else bias.double().cpu()
    expected = base.double().cpu()
    for row, canary in enumerate(canaries):
        if canary is not None:
            own = (expected[row] - offset) + _delta(layer, x[row].double().cpu(), canary)
            if canary.gains is not None:
                mine = layer.rank_slices([gain[:, None] for gain in canary.gains])
                own = own * torch.cat([part[:, 0] for part in mine if part is not None]).double()
            expected[row] = own + offset
    return expected


def _delta(layer: ExactLayer, x: Tensor, canary: _Canary) -> Tensor:
    sharded = layer.tp_size > 1 and layer.n_slices == 1
    a = [layer.slice_lora_a(canary.a[0])] if sharded else canary.a
    parts = zip(a, layer.rank_slices(canary.b), strict=True)
    return torch.cat([high.double() @ (low.double() @ x) for low, high in parts if high is not None])


def _compare(name: str, batch: list[int], expected: Tensor, found: Tensor, tolerance: float) -> None:
    errors = (found - expected).abs().amax(1) / expected.abs().max()
    for adapter, error in zip(batch, errors.tolist(), strict=True):
        if not error <= tolerance:
            row = {0: "a base row", _LORA: "a LoRA's row", _DORA: "a DoRA's row"}[adapter]
            raise SelfCheckFailed(name, f"{row} of a mixed batch is off by {error:.1e} of the largest output")
