"""The CPU path of vLLM's LoRA, whose own one gives base rows the adapter of the last slot."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from vllm.lora.layers import LoRAMapping
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

from r3mes_ray.vllm_plugin.plan import Plan, make_plan
from r3mes_ray.vllm_plugin.slots import SlotBank


class GroupedPunicaWrapper(PunicaWrapperCPU):
    """Holds the plan of the running step; our layers apply it themselves."""

    def __init__(
        self, max_num_batched_tokens: int, max_batches: int, device: torch.device | str, **kwargs: Any
    ) -> None:
        super().__init__(max_num_batched_tokens, max_batches, device, **kwargs)
        self.plan = Plan()

    def update_metadata(
        self,
        mapping: LoRAMapping,
        lora_index_to_id: list[int | None],
        max_loras: int,
        vocab_size: int,
        **kwargs: Any,
    ) -> None:
        """Plan the step; vLLM calls it only when the batch or the slots changed."""
        slot_of = {adapter: slot for slot, adapter in enumerate(lora_index_to_id) if adapter is not None}
        self.plan = make_plan([slot_of[adapter] if adapter > 0 else -1 for adapter in mapping.index_mapping])

    def add_lora_linear(
        self,
        y: Tensor,
        x: Tensor,
        lora_a_stacked: tuple[Tensor, ...],
        lora_b_stacked: tuple[Tensor, ...],
        scale: float,
        output_slices: tuple[int, ...],
        *,
        buffer: tuple[Tensor, ...] | None = None,
        **kwargs: Any,
    ) -> None:
        """For linear layers of vLLM that are not ours: the same plan over their own stacks of factors."""
        bank = SlotBank(len(lora_a_stacked[0]), output_slices)
        for slot in set(self.plan.slots.tolist()):
            bank.fill(slot, [a[slot, 0] for a in lora_a_stacked], [b[slot, 0] * scale for b in lora_b_stacked])
        bank.apply(y.view(-1, y.shape[-1]), x.reshape(-1, x.shape[-1]), self.plan)
