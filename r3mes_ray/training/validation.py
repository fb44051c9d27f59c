"""The gate before the rule: what an update must be, whatever its miner says. Pure; each broken rule has a name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from r3mes_ray.chain.records import RoundRecord, UpdateRecord
from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import AdapterPackage, UpdateOrigin, check_against_base, gradient_hash_of
from r3mes_ray.training.algebra import REPRODUCIBLE
from r3mes_ray.training.effects import Part, effects_of
from r3mes_ray.training.layers import IN_PROCESS, LayerJob, LayerWork
from r3mes_ray.training.reproducible import balanced
from r3mes_ray.training.stored import Adapter, BaseWeights

MAX_RANK = 256
"""Largest rank of an update."""
MAX_GAIN = 100.0
"""Largest gain of a row, and the inverse of the smallest: honest training moves it by some per cent."""
MAX_STEP = 100.0
"""Largest norm of an update's product, in norms of the layer's weight: beyond it float32 results overflow."""

MAX_CANCELLATION = 1e4
"""Largest ratio of one column's product to the whole of B·A: beyond it a gauge hides the update in rounding."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a round asks of every update; `shapes` are (out, in) of the base's layers."""

    round: RoundRecord
    base_id: str
    base_hash: str
    shapes: Mapping[str, tuple[int, int]]
    max_bytes: int


def check_update(package: AdapterPackage, record: UpdateRecord, demand: Demand) -> None:
    """Refuse a package that is not what the chain's record of the update says.

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
    found_hash = gradient_hash_of(package)
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
    found = []
    for index, part in enumerate(parts):
        if part is not None:
            try:
                _check_part(job.path, weight, part)
            except PackageRejected as fault:
                found.append((index, fault))
    return found


def _check_part(path: str, weight: Tensor, part: Part) -> None:
    _check_size(path, weight, part)
    gains = effects_of(weight, [part]).gains
    if not bool(((gains >= 1 / MAX_GAIN) & (gains <= MAX_GAIN)).all()):
        raise PackageRejected("gain", path, f"a row's gain is not between {1 / MAX_GAIN:g} and {MAX_GAIN:g}")


def _check_size(path: str, weight: Tensor, part: Part) -> None:
    """On the published path's arithmetic: a verdict at the limit is everybody's."""
    b, a = balanced(part.b, part.a)
    columns = b.T.contiguous()
    own = _root(_total(REPRODUCIBLE.product(columns, columns) * REPRODUCIBLE.product(a, a)))
    limit = MAX_STEP * _root(_total(weight.double().square()))
    if not own <= limit:
        raise PackageRejected("norm", path, f"the product has norm {own:.3g}, at most {limit:.3g} is taken")
    terms = REPRODUCIBLE.row_dots(columns, columns).sqrt() * REPRODUCIBLE.row_dots(a, a).sqrt()
    largest = float(terms.max()) if terms.numel() else 0.0
    if largest > MAX_CANCELLATION * own:
        detail = f"a column times its row has norm {largest:.3g}, the product only {own:.3g}: its factors cancel"
        raise PackageRejected("cancellation", path, detail)


def _total(x: Tensor) -> float:
    return float(REPRODUCIBLE.row_sums(REPRODUCIBLE.row_sums(x)[None, :]))


def _root(value: float) -> float:
    return math.sqrt(max(0.0, value))
