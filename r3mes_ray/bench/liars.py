"""What liars send in a round: each attack as adapters, made from the honest ones that it is assumed to know.

Names as in byzfl; the strengths are its defaults (ALIE 1.5, inner-product manipulation 2.0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from r3mes_ray.models.adapters import ModuleAdapter

Modules = Mapping[str, ModuleAdapter]
Attack = Callable[[Sequence[Modules], int], list[Modules]]
"""(honest LoRAs, number of liars) → one adapter of each liar."""

ALIE, IPM, HUGE, GAUGE = 1.5, 2.0, 1e4, 1e3
_RANK = 64


def sign_flip(honest: Sequence[Modules], faults: int) -> list[Modules]:
    """Each the negative of another honest update."""
    return [_sum(honest, _only(honest, index, -1.0)) for index in range(faults)]


def inner_product(honest: Sequence[Modules], faults: int) -> list[Modules]:
    """IPM (Xie et al. 2020): the honest mean times −2. All liars send the same, so the gate leaves one."""
    return [_sum(honest, [-IPM / len(honest)] * len(honest))] * faults


def colluding(honest: Sequence[Modules], faults: int) -> list[Modules]:
    """The same pull with a little noise of each liar's own, to pass for different updates."""
    return [_noisy(update, 0.2, seed) for seed, update in enumerate(inner_product(honest, faults))]


def little_is_enough(honest: Sequence[Modules], faults: int) -> list[Modules]:
    """ALIE (Baruch et al. 2019): the mean minus 1.5 standard deviations of each weight, with noise as above."""
    update = {path: _alie([_dense(modules[path]) for modules in honest]) for path in honest[0]}
    return [_noisy(update, 0.2, seed) for seed in range(faults)]


def mimic(honest: Sequence[Modules], faults: int) -> list[Modules]:
    """Each a copy of the first honest update, re-encoded by another gauge."""
    return [_gauged(honest[0], 2.0 ** (index + 1)) for index in range(faults)]


def gauge_rescale(honest: Sequence[Modules], faults: int) -> list[Modules]:
    """A flipped update as (1000 B, A / 1000): what judges the factors would see a huge B or a tiny A."""
    return [_gauged(update, GAUGE) for update in sign_flip(honest, faults)]


def replay(honest: Sequence[Modules], faults: int) -> list[Modules]:
    """An honest update again, byte for byte."""
    return [honest[index] for index in range(faults)]


def not_a_number(honest: Sequence[Modules], faults: int) -> list[Modules]:
    """One NaN in an honest update."""
    broken: list[Modules] = []
    for modules in honest[:faults]:
        path = next(iter(modules))
        b = modules[path].b.clone()
        b[0, 0] = torch.nan
        broken.append({**modules, path: ModuleAdapter(modules[path].a, b, modules[path].scale, None)})
    return broken


def huge_norm(honest: Sequence[Modules], faults: int) -> list[Modules]:
    """An honest update, 10,000 times as long."""
    return [_sum(honest, _only(honest, index, HUGE)) for index in range(faults)]


ATTACKS: Mapping[str, Attack] = {
    "none": lambda honest, faults: [],
    "sign flip": sign_flip,
    "IPM": inner_product,
    "colluding": colluding,
    "ALIE": little_is_enough,
    "mimic": mimic,
    "gauge": gauge_rescale,
    "replay": replay,
    "NaN": not_a_number,
    "huge norm": huge_norm,
}


def _only(honest: Sequence[Modules], index: int, factor: float) -> list[float]:
    return [factor if other == index else 0.0 for other in range(len(honest))]


def _sum(updates: Sequence[Modules], factors: Sequence[float]) -> Modules:
    """Σ factorᵢ ΔWᵢ of LoRAs, exactly, by stacking factors."""
    used = [(update, factor) for update, factor in zip(updates, factors, strict=True) if factor]
    return {
        path: ModuleAdapter(
            torch.cat([update[path].a for update, _ in used]),
            torch.cat([factor * update[path].scale * update[path].b for update, factor in used], dim=1),
            1.0,
            None,
        )
        for path in updates[0]
    }


def _gauged(update: Modules, factor: float) -> Modules:
    return {path: ModuleAdapter(m.a / factor, m.b * factor, m.scale, None) for path, m in update.items()}


def _noisy(update: Modules, share: float, seed: int) -> Modules:
    generator = torch.Generator().manual_seed(seed)

    def noisy(b: Tensor) -> Tensor:
        noise = torch.randn(b.shape, generator=generator)
        found: Tensor = b + share * b.norm() / noise.norm() * noise
        return found

    return {path: ModuleAdapter(m.a, noisy(m.b), m.scale, None) for path, m in update.items()}


def _dense(module: ModuleAdapter) -> Tensor:
    return module.scale * (module.b.double() @ module.a.double())


def _alie(honest: Sequence[Tensor]) -> ModuleAdapter:
    stacked = torch.stack(list(honest))
    wanted = stacked.mean(dim=0) - ALIE * stacked.std(dim=0)
    u, sigma, vh = torch.linalg.svd(wanted, full_matrices=False)
    root = sigma[:_RANK].sqrt()
    return ModuleAdapter((root[:, None] * vh[:_RANK]).float(), (u[:, :_RANK] * root).float(), 1.0, None)
