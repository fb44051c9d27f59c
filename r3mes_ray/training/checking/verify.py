"""The verdict on a published aggregate: EXACT, EQUIVALENT or FRAUD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from r3mes_ray.models.adapters import AdapterPackage, AggregateOrigin, Manifest, ModuleAdapter
from r3mes_ray.training.checking.recompute import Recomputed
from r3mes_ray.training.gate.repeats import same_history
from r3mes_ray.training.gram import gram_of_layer
from r3mes_ray.training.rules import COORDINATE_RULES
from r3mes_ray.training.stored import BaseWeights, StoredAdapter, part_at, part_of
from r3mes_ray.training.threads import in_threads, layers_at_a_time
from r3mes_ray.types import Cid, UpdateId

Verdict = Literal["EXACT", "EQUIVALENT", "FRAUD"]

TOLERANCE = 1e-3
"""How much worse than our own residual another's may be, as a share of it."""
ROUNDING = 1e-9
"""And as a share of the aggregate's energy, where our residual is nothing: factors are published in float32."""
ENERGY_TOLERANCE = 1e-2
"""How far the energy that is left out may be from ours, as a share: other exact factors leave out up to 0.4 % less."""
WEIGHT_TOLERANCE = 1e-6
"""How far a coefficient may be from ours: other arithmetic may move a distance's last bits."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found: `cid` is the published aggregate's, `own_cid` the recomputed one's.

    Attributes:
        excess: by how much the published residual exceeds ours, as a share of the aggregate's energy.
        reason: what differs, in words; empty where nothing does.
        on_trust: updates that are left out on the proposer's word alone: what it could not fetch, or scored as worse.
        discarded_energy: share of the energy that the target rank left out, as recomputed; None where nothing was.
    """

    verdict: Verdict
    cid: Cid
    own_cid: Cid
    accepted: tuple[UpdateId, ...]
    excess: float
    reason: str
    on_trust: tuple[UpdateId, ...] = ()
    discarded_energy: float | None = None


def judge(
    base: BaseWeights,
    rule: str,
    published: AdapterPackage,
    adapter: StoredAdapter,
    own: Recomputed,
    expected: Manifest,
    revealed: Sequence[UpdateId],
    cids: tuple[Cid, Cid],
) -> Verification:
    """Compare a published aggregate with our own.

    Args:
        base: weights of the round's base.
        rule: the round's.
        published: the package that the chain names.
        adapter: the same, on this disk.
        own: what we recomputed.
        expected: the manifest of our own package.
        revealed: accepted ids as the chain has them.
        cids: of the published package and of ours.
    """
    accepted, energy_left_out = own.admission.accepted, own.aggregate.discarded_energy

    def say(verdict: Verdict, excess: float, reason: str) -> Verification:
        return Verification(verdict, *cids, accepted, excess, reason, own.on_trust, energy_left_out)

    if tuple(revealed) != accepted:
        return say("FRAUD", 0.0, f"the chain says {list(revealed)} were accepted, valid are {list(accepted)}")
    if cids[0] == cids[1]:
        return say("EXACT", 0.0, "")
    origin = published.manifest.origin
    if not isinstance(origin, AggregateOrigin) or _claims(published.manifest) != _claims(expected):
        return say("FRAUD", 0.0, "its manifest is not that of this round's aggregate")
    if not _same_weights(origin.weights, own.aggregate.decision.coefficients):
        return say("FRAUD", 0.0, "its manifest names other weights than the chain and the rule give")
    if not same_history(origin.history, own.admission.history):
        return say("FRAUD", 0.0, "its manifest has other sketches than its updates and its start version give")
    said, ours = origin.discarded_energy, energy_left_out
    if abs(said - ours) > ENERGY_TOLERANCE * ours + ROUNDING:
        return say("FRAUD", 0.0, f"its manifest says that rank r leaves out {said:.6g} of the energy, it is {ours:.6g}")
    modules = own.aggregate.modules()
    compare = partial(_compare_layer, base, rule, adapter, own, modules)
    found = in_threads(compare, _paths(adapter, own), layers_at_a_time(base.linear_shapes))
    excess, allowed, energy = (sum(part) for part in zip(*found, strict=True))
    share = excess / energy if energy else float(excess > 0)
    if excess <= TOLERANCE * allowed + ROUNDING * energy:
        return say("EQUIVALENT", share, "other bytes, and as near to the rule's result as ours")
    return say("FRAUD", share, f"it is farther from the rule's result by {share:.3g} of its energy")


def _claims(manifest: Manifest) -> Manifest:
    """What a manifest says, but for what other arithmetic may make otherwise."""
    origin = manifest.origin
    if isinstance(origin, AggregateOrigin):
        excluded = tuple(replace(entry, reason="") for entry in origin.excluded)
        origin = replace(origin, weights=(), excluded=excluded, discarded_energy=0.0, history=())
    return replace(manifest, gradient_hash="", origin=origin)


def _same_weights(said: Sequence[float], ours: Sequence[float]) -> bool:
    return len(said) == len(ours) and all(abs(a - b) <= WEIGHT_TOLERANCE for a, b in zip(said, ours, strict=True))


def _paths(adapter: StoredAdapter, own: Recomputed) -> list[str]:
    adapters = [adapter, *own.adapters, own.versions.start, *own.versions.previous]
    return sorted({layer.path for entry in adapters if entry is not None for layer in entry.layers})


def _compare_layer(
    base: BaseWeights,
    rule: str,
    adapter: StoredAdapter,
    own: Recomputed,
    modules: Mapping[str, ModuleAdapter],
    path: str,
) -> tuple[float, float, float]:
    """How much farther the published layer is from the target than ours, our distance, and the target's energy.

    All squared, from inner products in float64. A coordinate-wise rule's target is our dense result as truncated.
    """
    ours = part_of(modules[path]) if path in modules else None
    theirs = part_at(adapter, path)
    weight = base.effective_weight(path)
    if rule in COORDINATE_RULES:
        gram = gram_of_layer(weight, [theirs, ours])
        return _distance(gram, [1.0, -1.0]), 0.0, _distance(gram, [0.0, 1.0])
    versions, mixture = (own.versions.start, *own.versions.previous), own.aggregate.mixture
    parts = [part_at(entry, path) for entry in (*own.adapters, *versions)]
    gram = gram_of_layer(weight, [*parts, theirs, ours])
    target = [*mixture.updates, mixture.start, *mixture.previous]
    best = _distance(gram, [*target, 0.0, -1.0])
    return _distance(gram, [*target, -1.0, 0.0]) - best, best, _distance(gram, [*target, 0.0, 0.0])


def _distance(gram: Tensor, coefficients: Sequence[float]) -> float:
    c = torch.tensor(coefficients, dtype=torch.float64)
    return max(0.0, float(c @ gram @ c))
