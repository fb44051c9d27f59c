"""Which device a worker computes the published path on: a GPU only where it has given the bits of the CPU."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import cache

import torch

from r3mes_ray.training.reproducible import balanced, product, root, row_sums, truncate_reproducibly

logger = logging.getLogger(__name__)

SHAPE, WIDTH, RANK = (320, 192), 72, 8
"""Of the layer that is computed on both; its factors are wider than their rank, as a sum of updates is."""


@cache
def device_of_worker() -> str:
    """`cuda` where there is a GPU that computes what the CPU does, else `cpu`; found out once in a process."""
    return "cuda" if torch.cuda.is_available() and agrees("cuda") else "cpu"


def agrees(device: str, compute: Callable[[str], str] | None = None) -> bool:
    """Whether a device gives the bits of the CPU; says so in the log where it does not, or cannot compute at all."""
    compute = compute or digest_on
    try:
        found, expected = compute(device), compute("cpu")
    except RuntimeError as error:
        logger.warning("the published path does not run on %s, so the CPU takes its place: %s", device, error)
        return False
    if found != expected:
        logger.warning("the published path has other bits on %s than on the CPU, which takes its place", device)
    return found == expected


def digest_on(device: str) -> str:
    """SHA-256 of what the published path is built of: inner products, also of a ternary base, sums, roots and ranks."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = SHAPE
    weight = torch.randint(-1, 2, SHAPE, generator=generator).double().to(device)
    sizes = 2.0 ** torch.randint(-9, 9, (WIDTH, 1), generator=generator).double()
    b = torch.randn(rows, WIDTH, generator=generator).double().to(device)
    a = (torch.randn(WIDTH, columns, generator=generator).double() * sizes).to(device)
    b, a = balanced(b, a)
    dense = product(b, a.T.contiguous())
    moved = weight + dense
    gains = 1.0 / root(1.0 + row_sums(moved * moved))
    factored = truncate_reproducibly(b * gains[:, None], a, RANK)
    whole = truncate_reproducibly(dense, None, RANK)
    inner = product(b.T.contiguous(), b.T.contiguous()) * product(a, a)
    along = product(weight, a)
    hashed = hashlib.sha256()
    for tensor in (gains, inner, along, factored.b, factored.a, whole.b, whole.a):
        hashed.update(tensor.cpu().contiguous().numpy().tobytes())
    return hashed.hexdigest()
