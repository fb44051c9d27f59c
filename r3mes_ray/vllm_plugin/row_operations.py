"""Adapters by row from static buffers, in torch alone: for GPUs, with vLLM or without it.

Nothing here branches on a value or waits for the device, so that CUDA graphs capture it: a step changes the rows' slots
in place and replays. Buffers have one row more than slots, of zeros, for the base's rows.
"""

from __future__ import annotations

import torch
from torch import Tensor


@torch.library.custom_op("r3mes::scale_rows", mutates_args=("y",))
def scale_rows(y: Tensor, gain_offsets: Tensor, slots: Tensor) -> None:
    """y[i] += (g - 1)[slots[i]] * y[i].

    Cost: one copy of (rows, out) where the offsets have the type of `y`, two otherwise.

    Args:
        y: (rows, out).
        gain_offsets: (slots + 1, out), g - 1 by slot; the last row is zero.
        slots: (rows,) int64; -1 is the last row, the base model.
    """
    chosen = gain_offsets.index_select(0, slots.remainder(len(gain_offsets)))
    y.addcmul_(y, chosen.to(y.dtype))


@scale_rows.register_fake
def _(y: Tensor, gain_offsets: Tensor, slots: Tensor) -> None:
    return None


def adapt_rows(y: Tensor, x: Tensor, gain_offsets: Tensor, a: Tensor, b: Tensor, slots: Tensor) -> None:
    """y[i] = g ⊙ y[i] + B A x[i], with the gains and factors of `slots[i]`.

    Cost: the factors are copied for each row, (rows, rank, in + out), and two batched products.

    Args:
        y: (rows, out), the base's product without bias; changed in place.
        x: (rows, in).
        gain_offsets: (slots + 1, out), g - 1 by slot.
        a: (slots + 1, rank, in).
        b: (slots + 1, out, rank), with scale and gain in it.
        slots: (rows,) int64; -1 is the last row of the buffers, all zeros, the base model.
    """
    scale_rows(y, gain_offsets, slots)
    chosen = slots.remainder(len(a))
    low = torch.bmm(a.index_select(0, chosen), x.unsqueeze(2))
    y.add_(torch.bmm(b.index_select(0, chosen), low).squeeze(2))
