"""A Hugging Face causal language model, with its adapters, as a `RowModel`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from r3mes_ray.models.adapters import AdapterPackage
from r3mes_ray.models.base import BaseModel
from r3mes_ray.models.experts import ExpertBank
from r3mes_ray.serving.inference.row_cache import RowCache


class TransformerRows:
    """Rows of one base model; every row has the adapter of its slot. Used by one thread."""

    def __init__(self, base: BaseModel, bank: ExpertBank, max_rows: int) -> None:
        self._model = base.model
        self._bank = bank
        self._device = next(base.model.parameters()).device
        self._cache = RowCache(max_rows, base.context_tokens, self._device)

    def prefill(self, row: int, prompt: Sequence[int], slot: int) -> NDArray[np.float32]:
        """Begin a sequence; one forward over the whole prompt."""
        self._cache.begin(row, [0], len(prompt))
        first: NDArray[np.float32] = self._forward([list(prompt)], [slot])[0]
        return first

    def decode(self, tokens: Sequence[int], slots: Sequence[int]) -> NDArray[np.float32]:
        """Add a token to each row; one forward for all."""
        self._cache.begin(0, self._cache.lengths[: len(tokens)], 1)
        return self._forward([[token] for token in tokens], slots)

    @torch.inference_mode()
    def move(self, source: int, target: int) -> None:
        """Copy a row over another."""
        self._cache.move(source, target)

    def load(self, slot: int, package: AdapterPackage) -> None:
        """Put an adapter into a slot."""
        self._bank.load(slot, package)

    def unload(self, slot: int) -> None:
        """Empty a slot."""
        self._bank.unload(slot)

    @torch.inference_mode()
    def _forward(self, tokens: list[list[int]], slots: Sequence[int]) -> NDArray[np.float32]:
        with self._bank.use(tuple(slots)):
            output = self._model(
                input_ids=torch.tensor(tokens, device=self._device),
                attention_mask=self._cache.mask(self._model.dtype),
                position_ids=self._cache.positions,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
        logits: NDArray[np.float32] = output.logits[:, -1].float().cpu().numpy()
        return logits
