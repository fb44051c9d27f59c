"""A Hugging Face causal language model, with its adapters, as a `RowModel`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.adapters import AdapterPackage
from r3mes_ray.models.base import BaseModel
from r3mes_ray.models.experts import ExpertBank, PreparedExpert
from r3mes_ray.serving.inference.base import PreparedAdapter
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

    @torch.inference_mode()
    def prepare(self, package: AdapterPackage) -> PreparedExpert:
        """Compute what a slot needs; may run in another thread than the rest."""
        return self._bank.prepare(package)

    def place(self, slot: int, adapter: PreparedAdapter | None) -> None:
        """Fill a slot, or empty it."""
        if adapter is None:
            self._bank.unload(slot)
        elif isinstance(adapter, PreparedExpert):
            self._bank.place(slot, adapter)
        else:
            raise InvalidInput("adapter", f"{type(adapter).__name__} was prepared by another engine")

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
