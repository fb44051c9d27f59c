"""The fastest read of an array that this machine knows: the limit of any rule that reads its input once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from r3mes_ray.bench.report import Row, best

READERS: dict[str, Callable[[Tensor], Tensor]] = {
    "dot": lambda x: torch.dot(x, x),
    "float32 sum": lambda x: x.sum(),
    "int64 sum": lambda x: x.view(torch.int64).sum(),
    "largest": lambda x: x.amax(),
    "product with a vector": lambda x: x.view(-1, WIDTH) @ x[:WIDTH],
}
"""Each reads a flat float32 array once; which is fastest depends on the processor and the library."""
WIDTH = 2048
"""Numbers that the lengths of arrays are multiples of."""
MOST_SHARE = 1.05
"""A share of the limit above this says that the limit was measured badly: nothing is faster than one read."""
NAME = "one read of the input"


def limit_row(name: str, samples: Sequence[float], reads: Sequence[float]) -> Row:
    """Our best run as a share of the best read, both in seconds; no share where that would be above the limit."""
    found = best(name, samples, "s", peer=NAME, peer_samples=reads)
    if found.ratio is None or found.ratio <= MOST_SHARE:
        return found
    return found.beside(f"{NAME}: measured badly, ours came out {found.ratio:.2f} times as fast")
