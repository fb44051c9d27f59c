"""What a round's updates do: how their steps from its start version lie to each other, and a sketch of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from r3mes_ray.models.adapters.history import SKETCH_SIZE
from r3mes_ray.training.algebra import REPRODUCIBLE, Algebra
from r3mes_ray.training.gram import gram_of_layer
from r3mes_ray.training.layers import IN_PROCESS, LayerJob, LayerWork
from r3mes_ray.training.sketch import LayerSketches
from r3mes_ray.training.stored import Adapter, BaseWeights


@dataclass(frozen=True, slots=True)
class Steps:
    """Updates beside each other, in float64.

    Attributes:
        gram: ⟨xᵢ − x₀, xⱼ − x₀⟩ over all layers, (N, N).
        sketches: of each xᵢ, (N, 64).
        start: of x₀, (64,); zeros where it is the base.
    """

    gram: Tensor
    sketches: Tensor
    start: Tensor


def compare_steps(
    base: BaseWeights,
    updates: Sequence[Adapter],
    start: Adapter | None,
    algebra: Algebra = REPRODUCIBLE,
    work: LayerWork = IN_PROCESS,
) -> Steps:
    """Read every layer of every update; `start` None means that x₀ is the base."""
    adapters = [*updates, *([] if start is None else [start])]
    gram = torch.zeros(len(adapters), len(adapters), dtype=torch.float64)
    sketches = gram.new_zeros(len(adapters), SKETCH_SIZE)
    for _, (products, found) in work.each(_compare, base, adapters, name="compare", algebra=algebra):
        gram += products
        sketches += found
    if start is None:
        return Steps(gram, sketches, sketches.new_zeros(SKETCH_SIZE))
    to_start = gram[:-1, -1]
    gram = gram[:-1, :-1] - to_start[:, None] - to_start[None, :] + gram[-1, -1]
    return Steps(gram, sketches[:-1], sketches[-1])


def _compare(job: LayerJob) -> tuple[Tensor, Tensor]:
    weight, parts = job.load()
    sketches = LayerSketches(job.path, weight, len(parts), job.algebra)
    gram = gram_of_layer(weight, parts, job.algebra, crossed=job.dora, show=sketches.add)
    return gram.cpu(), sketches.found.cpu()
