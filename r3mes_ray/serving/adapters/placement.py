"""Which engine replicas should answer a request for an adapter: those that have it, unless they are busy, others not.

Of those that have it, the less busy of two chosen at random is taken (Mitzenmacher, 2001). Where no replica has it yet,
the one of the highest hash of adapter and replica is asked (rendezvous hashing, Thaler and Ravishankar, 1998) unless it
is busy (bounded loads, Mirrokni et al., 2018): requests for a cold adapter meet there before it says that it has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from r3mes_ray.types import Cid

Sample: TypeAlias = Callable[[Sequence["ReplicaState"], int], list["ReplicaState"]]
"""Chooses some at random, as `random.sample` does."""


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """What is known of a replica: requests on it, and the adapters in its slots and in its main memory."""

    id: str
    load: int
    slots: frozenset[str] = frozenset()
    ram: frozenset[str] = frozenset()


def ranked(replicas: Sequence[ReplicaState], cid: Cid | None, busy: int, sample: Sample) -> list[list[str]]:
    """Groups of at most two replicas, best group first; every replica is in one, so that none is out of reach.

    Args:
        replicas: all that run.
        cid: the adapter; `None` for the base, which all have.
        busy: requests that a replica decodes at a time; with more, the next one waits.
        sample: chance.
    """
    tiers = [list(replicas)] if cid is None else _tiers(replicas, cid)
    idle = [[one for one in tier if one.load < busy] for tier in tiers]
    full = [[one for one in tier if one.load >= busy] for tier in tiers]
    cold = len(tiers) - 1
    groups: list[list[str]] = []
    for place, tier in enumerate([*idle, *full]):
        if cid is not None and place % len(tiers) == cold:
            order = sorted(tier, key=lambda one: _affinity(cid, one.id), reverse=True)
            groups += [[one.id] for one in order]
        else:
            order = sample(tier, len(tier))
            groups += [[one.id for one in order[start : start + 2]] for start in range(0, len(order), 2)]
    return groups


def _tiers(replicas: Sequence[ReplicaState], cid: Cid) -> list[list[ReplicaState]]:
    """Those with the adapter in a slot, in main memory, and nowhere."""
    in_slot = [one for one in replicas if cid in one.slots]
    in_ram = [one for one in replicas if cid not in one.slots and cid in one.ram]
    cold = [one for one in replicas if cid not in one.slots and cid not in one.ram]
    return [in_slot, in_ram, cold]


def _affinity(cid: Cid, replica: str) -> bytes:
    return hashlib.sha256(f"{cid}\n{replica}".encode()).digest()
