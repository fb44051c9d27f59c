"""Checks a round that anybody aggregated: from its number on chain to a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainClient
from r3mes_ray.chain.records import AggregationRecord, RoundRecord, UpdateRecord
from r3mes_ray.content import cid_of_path
from r3mes_ray.content.base import ContentStore
from r3mes_ray.errors import (
    ContentMalformed,
    InvalidAggregate,
    InvalidInput,
    PackageRejected,
    RoundClosed,
    TooFewUpdates,
)
from r3mes_ray.models.adapters import AdapterPackage, check_against_base, read_package
from r3mes_ray.protocol.claims import ProofClaim, UpdateClaim
from r3mes_ray.protocol.merkle import prove
from r3mes_ray.settings import Settings
from r3mes_ray.training.aggregation import write_aggregate
from r3mes_ray.training.checking.recompute import Recomputed, recompute, recorded_exclusions
from r3mes_ray.training.checking.verify import Verification, judge
from r3mes_ray.training.gate.held_out import undeclared
from r3mes_ray.training.round import RoundPlan, earlier_updates, leaves_of, plan_round, root_of, weights_of
from r3mes_ray.training.stored import BaseWeights, check_base, stored
from r3mes_ray.training.versions import fetch_package, fetch_versions, previous_of, version_limit
from r3mes_ray.types import RoundId, UpdateId

OWN = "own"
"""Folder of the recomputed aggregate."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A verdict with what it rests on; `own` is None where the published package could not even be read."""

    round: RoundRecord
    aggregation: AggregationRecord
    verification: Verification
    own: Recomputed | None


async def verify_round(
    settings: Settings,
    client: ChainClient,
    store: ContentStore,
    base: Callable[[], BaseWeights],
    round_id: RoundId,
    folder: Path,
) -> Verification:
    """The verdict of `check_round`."""
    return (await check_round(settings, client, store, base, round_id, folder)).verification


async def check_round(
    settings: Settings,
    client: ChainClient,
    store: ContentStore,
    base: Callable[[], BaseWeights],
    round_id: RoundId,
    folder: Path,
) -> Checked:
    """Recompute a round's aggregate in an empty folder, and compare; our own package lies in `folder / OWN` then.

    Raises:
        NotOnChain: there is no such round.
        RoundClosed: nothing has been revealed in it.
        ContentError: the published package, the start version or an update is not to be had.
        ModelError: the base is not the round's.
        InvalidInput: the round's rule or parameters are unknown here.
    """
    record, revealed, updates = await _on_chain(client, round_id)
    plan = plan_round(record, updates, await weights_of(client, round_id), await earlier_updates(client, record))
    loaded = await asyncio.to_thread(base)
    check_base(loaded, record.base_hash, f"round {round_id}")
    limit = version_limit(loaded.linear_shapes)
    try:
        published = await fetch_package(store, revealed.aggregate, folder / "published", limit)
        check_against_base(published, loaded.linear_shapes, loaded.base_hash, plan.parameters.rank)
    except PackageRejected as error:
        reason = f"the published package breaks the rule {error.rule}: {error.subject}: {error.detail}"
        return Checked(record, revealed, _fraud(revealed, reason), None)
    except ContentMalformed as error:
        return Checked(record, revealed, _fraud(revealed, f"the published content is no package: {error}"), None)
    recorded = recorded_exclusions(published)
    if (fault := undeclared(plan.parameters, recorded)) is not None:
        return Checked(record, revealed, _fraud(revealed, fault), None)
    previous = await previous_of(client, plan)
    versions = await fetch_versions(store, record, previous, folder / "versions", limit)
    try:
        own = await asyncio.to_thread(recompute, settings, loaded, plan, versions, recorded, folder / "updates")
    except (TooFewUpdates, InvalidAggregate) as error:
        return Checked(record, revealed, _fraud(revealed, f"nobody can have aggregated it: {error}"), None)
    found = await asyncio.to_thread(_compare, settings, loaded, plan, published, own, revealed, folder)
    return Checked(record, revealed, found, own)


def _fraud(revealed: AggregationRecord, reason: str) -> Verification:
    return Verification("FRAUD", revealed.aggregate, revealed.aggregate, revealed.participants, 0.0, reason)


def _compare(
    settings: Settings,
    base: BaseWeights,
    plan: RoundPlan,
    published: AdapterPackage,
    own: Recomputed,
    revealed: AggregationRecord,
    folder: Path,
) -> Verification:
    mine = folder / OWN
    mine.mkdir()
    admitted = own.admission
    write_aggregate(own.aggregate, base.base_id, plan, admitted.accepted, admitted.excluded, admitted.history, mine)
    cids = (revealed.aggregate, cid_of_path(mine))
    adapter = stored(folder / "published", published)
    expected = read_package(mine, max_bytes=2**63).manifest
    found = judge(base, plan.record.rule, published, adapter, own, expected, revealed.participants, cids)
    accepted = [update for update in plan.updates if update.update_id in own.admission.accepted]
    root = root_of(accepted, settings.chain.bech32_prefix)
    if found.verdict == "FRAUD" or root == revealed.merkle_root:
        return found
    reason = f"the chain says the Merkle root is {revealed.merkle_root}, of these updates it is {root}"
    return replace(found, verdict="FRAUD", reason=reason)


async def inclusion_proof(client: ChainClient, round_id: RoundId, update_id: UpdateId, prefix: str) -> ProofClaim:
    """Proof that an update is among those that a round accepted, as `r3mes verify proof` reads it.

    Raises:
        RoundClosed: nothing has been revealed in the round.
        InvalidInput: the update is not among the accepted ones.
    """
    _, revealed, updates = await _on_chain(client, round_id)
    accepted = [update for update in updates if update.update_id in revealed.participants]
    index = next((number for number, update in enumerate(accepted) if update.update_id == update_id), None)
    if index is None:
        raise InvalidInput("update", f"{update_id} is not among those that round {round_id} accepted")
    leaves = leaves_of(accepted, prefix)
    chosen = accepted[index]
    update = UpdateClaim(id=chosen.update_id, cid=chosen.cid, gradient_hash=chosen.gradient_hash, miner=chosen.miner)
    path = [node.hex() for node in prove(leaves, index)]
    return ProofClaim(update=update, index=index, total=len(leaves), path=path, merkle_root=revealed.merkle_root)


async def _on_chain(
    client: ChainClient, round_id: RoundId
) -> tuple[RoundRecord, AggregationRecord, list[UpdateRecord]]:
    record = await queries.round_of(client, round_id)
    if record.aggregation is None:
        raise RoundClosed(round_id, "verify", "no aggregate has been revealed in it")
    revealed = await queries.aggregation(client, record.aggregation)
    updates = await queries.round_updates(client, round_id)
    return record, revealed, sorted(updates, key=lambda update: update.update_id)
