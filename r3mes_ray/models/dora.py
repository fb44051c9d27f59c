"""DoRA by factors: norms and gains of W + s B A without the dense product.

Source: Liu et al., "DoRA: Weight-Decomposed Low-Rank Adaptation" (2024), with the norm of the *effective* base weight.
"""

from __future__ import annotations

import torch
from torch import Tensor

from r3mes_ray.models.adapters.modules import ModuleAdapter


def row_norms(weight: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
    """Norm of each row of W + s B A, float64 (out,): sqrt(|W|² + 2s<W, BA> + s²|BA|²) per row.

    Shapes: weight (out, in), a (rank, in), b (out, rank).
    """
    w, low, high = weight.double(), a.double(), b.double()
    cross = ((w @ low.t()) * high).sum(1)
    own = ((high @ (low @ low.t())) * high).sum(1)
    return (w.square().sum(1) + 2 * scale * cross + scale * scale * own).clamp_min(0.0).sqrt()


def gain(weight: Tensor, module: ModuleAdapter) -> Tensor:
    """The factor g of each row of the adapted layer, float64 (out,): m / |W + s B A|, or ones for LoRA.

    A row whose norm is 0 stays zero whatever its magnitude is: its gain counts as 1.
    """
    if module.magnitude is None:
        return torch.ones(module.b.shape[0], dtype=torch.float64)
    norms = row_norms(weight, module.a, module.b, module.scale)
    return torch.where(norms > 0, module.magnitude.double() / norms, torch.ones_like(norms))


def sum_dtype(x: Tensor) -> torch.dtype:
    """What the products of an adapter with `x` are summed in: float64 for float32 on a CPU.

    Libraries choose the order of a float32 sum by the shape of the whole batch. A float64 sum that is rounded once does
    not show its order, so that a row's result does not depend on the other rows.
    """
    return torch.float64 if x.dtype == torch.float32 and x.device.type == "cpu" else x.dtype


def effective_delta(weight: Tensor, module: ModuleAdapter) -> Tensor:
    """The dense difference between adapted and base weight, float64 (out, in): for tests and small layers."""
    dense = weight.double() + module.scale * (module.b.double() @ module.a.double())
    return gain(weight, module)[:, None] * dense - weight.double()
