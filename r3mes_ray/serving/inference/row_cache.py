"""Keys and values of several sequences of different lengths, each in its row, from position 0 on.

Every row begins at index 0 and is padded at its end, so a token's place in memory, and with it the order of every sum
over it, does not depend on the other rows.
"""

from __future__ import annotations

import torch
from torch import Tensor

_BLOCK = 64


class RowCache:
    """What a Hugging Face causal model's attention needs of `past_key_values`, for the rows chosen by `begin`."""

    def __init__(self, max_rows: int, context_tokens: int, device: torch.device) -> None:
        self._max_rows = max_rows
        self._device = device
        self._context = context_tokens
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._lengths = [0] * max_rows
        self._first, self._rows, self._new, self._width = 0, 0, 0, 0
        self._positions = torch.zeros(0, dtype=torch.long, device=device)

    def begin(self, first: int, starts: list[int], new: int) -> None:
        """Choose what the next forward adds: `new` tokens to each of the rows `first`, `first` + 1, … at `starts`."""
        self._first, self._rows, self._new = first, len(starts), new
        self._positions = torch.tensor(starts, device=self._device)[:, None] + torch.arange(new, device=self._device)
        for row, start in enumerate(starts, first):
            self._lengths[row] = start + new
        longest = max(starts) + new
        self._width = min(-(-longest // _BLOCK) * _BLOCK, self._context)

    @property
    def lengths(self) -> list[int]:
        """Tokens in each row."""
        return self._lengths

    @property
    def positions(self) -> Tensor:
        """(rows, new) positions of the new tokens."""
        return self._positions

    def mask(self, dtype: torch.dtype) -> Tensor:
        """(rows, 1, new, width) to be added to the attention scores: 0 for what a new token sees, else the least."""
        visible = torch.arange(self._width, device=self._device)[None, None, :] <= self._positions[:, :, None]
        hidden = torch.full(visible.shape, torch.finfo(dtype).min, dtype=dtype, device=self._device)
        return hidden.masked_fill(visible, 0.0)[:, None]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Longest row before the new tokens; models ask for it when they are given no positions."""
        return int(self._positions[:, 0].max()) if self._positions.numel() else 0

    def update(self, key: Tensor, value: Tensor, layer_idx: int, *_: object) -> tuple[Tensor, Tensor]:
        """Store the new tokens' (rows, heads, new, d) keys and values; returns (rows, heads, width, d) of all."""
        if layer_idx == len(self._keys):
            self._keys.append(key.new_zeros(self._max_rows, key.shape[1], self._width, key.shape[3]))
            self._values.append(value.new_zeros(self._max_rows, value.shape[1], self._width, value.shape[3]))
        return self._store(self._keys, layer_idx, key), self._store(self._values, layer_idx, value)

    def _store(self, layers: list[Tensor], layer: int, new: Tensor) -> Tensor:
        stored = layers[layer]
        if stored.shape[2] < self._width:
            width = min(max(self._width, 2 * stored.shape[2]), self._context)
            grown = stored.new_zeros(*stored.shape[:2], width, stored.shape[3])
            grown[:, :, : stored.shape[2]] = stored
            stored = layers[layer] = grown
        last = self._first + self._rows
        rows = torch.arange(self._first, last, device=self._device)[:, None]
        stored[rows, :, self._positions] = new.transpose(1, 2)
        return stored[self._first : last, :, : self._width]

    def move(self, source: int, target: int) -> None:
        """Copy a row over another."""
        length = self._lengths[source]
        for stored in (*self._keys, *self._values):
            stored[target, :, :length] = stored[source, :, :length]
        self._lengths[target] = length
