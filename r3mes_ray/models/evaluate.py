"""How well a base, with or without an adapter, predicts a text, and how sure that number is."""

from __future__ import annotations

from contextlib import closing, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from r3mes_ray.models.adapters import AdapterPackage
from r3mes_ray.models.base import BaseModel
from r3mes_ray.models.corpus import encode, even_windows
from r3mes_ray.models.experts import ExpertBank

_BATCH = 8


def window_losses(
    base: BaseModel, package: AdapterPackage | None, text: str, window_tokens: int
) -> NDArray[np.float64]:
    """Mean next-token loss, in nats, of each window that tiles the text: (n,). Deterministic on one machine.

    Raises:
        InvalidInput: the text is shorter than one window.
        PackageRejected: the adapter does not fit the base.
    """
    windows = even_windows(encode(base.tokenizer, text), window_tokens)
    if package is None:
        return _losses(base, windows, None)
    with closing(ExpertBank(base, slots=1)) as bank:
        bank.load(0, package)
        return _losses(base, windows, bank)


@torch.no_grad()
def _losses(base: BaseModel, windows: Tensor, bank: ExpertBank | None) -> NDArray[np.float64]:
    found = []
    for part in torch.split(windows, _BATCH):
        with nullcontext() if bank is None else bank.use([0] * len(part)):
            logits = base.model(input_ids=part, use_cache=False).logits[:, :-1].float()
        losses = F.cross_entropy(logits.transpose(1, 2), part[:, 1:], reduction="none")
        found.append(losses.double().mean(1))
    result: NDArray[np.float64] = torch.cat(found).numpy()
    return result


def bootstrap_interval(
    losses: NDArray[np.float64], *, level: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of (n,) values; of paired differences, hand in the differences."""
    generator = np.random.default_rng(seed)
    means = np.concatenate(
        [losses[generator.integers(0, len(losses), (100, len(losses)))].mean(1) for _ in range(-(-resamples // 100))]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
