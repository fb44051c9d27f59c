"""The gate before the rule: what an update must be, whatever its miner says. Pure; each broken rule has a name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from r3mes_ray.chain.records import RoundRecord, UpdateRecord
from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import AdapterPackage, UpdateOrigin, check_against_base
from r3mes_ray.training.algebra import LAPACK, REPRODUCIBLE, Algebra
from r3mes_ray.training.effects import base_energy, effects_of, groups_of, has_magnitude, stack
from r3mes_ray.training.layers import IN_PROCESS, LayerJob, LayerWork
from r3mes_ray.training.reproducible import root
from r3mes_ray.training.stored import Adapter, BaseWeights

MAX_RANK = 256
"""Largest rank of an update."""
MAX_GAIN = 100.0
"""Largest gain of a row, and the inverse of the smallest: honest training moves it by some per cent."""
MAX_STEP = 100.0
"""Largest norm of an update's product, in norms of the layer's weight: beyond it float32 results overflow."""

MAX_CANCELLATION = 1e4
"""Largest ratio of one column's product to the whole of B·A: beyond it a gauge hides the update in rounding."""
CLEAR = 100.0
"""Factors that cancel so much less than that have a norm that plain float64 gives to 1e-6: no need for exact sums."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a round asks of every update; `shapes` are (out, in) of the base's layers."""

    round: RoundRecord
    base_id: str
    base_hash: str
    shapes: Mapping[str, tuple[int, int]]
    max_bytes: int


def check_update(package: AdapterPackage, record: UpdateRecord, demand: Demand) -> None:
    """Refuse a package, as `read_package` gives it, that is not what the chain's record of the update says.

    Raises:
        PackageRejected: names the first rule that it breaks.
    """
    manifest, origin, wanted = package.manifest, package.manifest.origin, demand.round
    if not isinstance(origin, UpdateOrigin):
        raise PackageRejected("manifest", "origin", "is an aggregate, not an update")
    said = (
        ("miner", origin.miner, record.miner),
        ("round", origin.round, record.round_id),
        ("expert", manifest.expert, wanted.expert),
        ("version", manifest.version, wanted.start_version + 1),
        ("base_id", manifest.base_id, demand.base_id),
    )
    for name, found, expected in said:
        if found != expected:
            raise PackageRejected("manifest", name, f"is {found!r}, the chain says {expected!r}")
    found_hash = manifest.gradient_hash
    if found_hash != record.gradient_hash:
        raise PackageRejected("gradient-hash", "tensors", f"have {found_hash}, the chain says {record.gradient_hash}")
    check_against_base(package, demand.shapes, demand.base_hash, MAX_RANK)


def check_effect(adapter: Adapter, base: BaseWeights) -> None:
    """Refuse an update whose effect on a layer is out of all proportion; one layer at a time.

    Raises:
        PackageRejected: rule `gain` for a row's magnitude against its norm, `norm` for the size of B·A, `cancellation`
            for factors that are large where their product is not.
    """
    fault = faults_of_effects([adapter], base)[0]
    if fault is not None:
        raise fault


def faults_of_effects(
    adapters: Sequence[Adapter], base: BaseWeights, work: LayerWork = IN_PROCESS
) -> list[PackageRejected | None]:
    """What `check_effect` says of each update: the fault of its first layer that has one."""
    faults: list[PackageRejected | None] = [None] * len(adapters)
    for _, found in work.each(_faults, base, adapters, name="verify"):
        for index, fault in found:
            faults[index] = faults[index] or fault
    return faults


def _faults(job: LayerJob) -> list[tuple[int, PackageRejected]]:
    weight, parts = job.load()
    energy = base_energy(weight)
    limit = MAX_STEP * _root(float(REPRODUCIBLE.row_sums(energy[None, :])))
    found = []
    for places, group in groups_of(parts, weight.shape):
        gains = effects_of(weight, group, energy=energy).gains if has_magnitude(group) else None
        b, a, spans = stack(group, (weight.shape[0], weight.shape[1]), weight.device)
        for index, (place, span) in enumerate(zip(places, spans, strict=True)):
            try:
                if group[index] is not None:
                    _check_size(job.path, limit, b[:, span], a[span])
                    _check_gains(job.path, None if gains is None else gains[index])
            except PackageRejected as fault:
                found.append((place, fault))
    return found


def _check_size(path: str, limit: float, b: Tensor, a: Tensor) -> None:
    """On the published path's arithmetic, where it matters: a verdict at the limit is everybody's."""
    own, largest = _sizes(b, a, LAPACK)
    if 2 * own <= limit and CLEAR * largest <= MAX_CANCELLATION * own:
        return
    own, largest = _sizes(b, a, REPRODUCIBLE)
    if not own <= limit:
        raise PackageRejected("norm", path, f"the product has norm {own:.3g}, at most {limit:.3g} is taken")
    if largest > MAX_CANCELLATION * own:
        detail = f"a column times its row has norm {largest:.3g}, the product only {own:.3g}: its factors cancel"
        raise PackageRejected("cancellation", path, detail)


def _check_gains(path: str, gains: Tensor | None) -> None:
    """Of one update, (o,); a round of LoRAs has none."""
    if gains is not None and not bool(((gains >= 1 / MAX_GAIN) & (gains <= MAX_GAIN)).all()):
        raise PackageRejected("gain", path, f"a row's gain is not between {1 / MAX_GAIN:g} and {MAX_GAIN:g}")


def _sizes(b: Tensor, a: Tensor, algebra: Algebra) -> tuple[float, float]:
    """‖BA‖, and the largest norm of one column of B times its row of A."""
    columns = b.T.contiguous()
    inner, outer = algebra.product(columns, columns), algebra.product(a, a)
    terms = root(algebra.row_dots(columns, columns)) * root(algebra.row_dots(a, a))
    total = float(algebra.row_sums(algebra.row_sums(inner * outer)[None, :]))
    return _root(total), float(terms.max()) if terms.numel() else 0.0


def _root(value: float) -> float:
    return math.sqrt(max(0.0, value))
