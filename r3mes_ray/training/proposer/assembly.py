"""Steps 1 to 6 of a round: from the chain's list of updates to a package that is stored and was read back."""

from __future__ import annotations

import asyncio
from collections import deque

from r3mes_ray.chain import queries
from r3mes_ray.content import cid_of_path
from r3mes_ray.content.base import Limits
from r3mes_ray.errors import ContentCorrupt, ContentNotFound, InvalidInput, RoundClosed
from r3mes_ray.training.aggregation import Aggregate, write_aggregate
from r3mes_ray.training.gate.admission import Admission, Verdicts, aggregate_admitted, require, valid
from r3mes_ray.training.gate.update import start_worker
from r3mes_ray.training.geometry import save_geometry
from r3mes_ray.training.proposer.collection import collect
from r3mes_ray.training.proposer.comparison import compare
from r3mes_ray.training.proposer.context import RoundContext
from r3mes_ray.training.proposer.workspace import empty_folder, remove_folder, sync_folder
from r3mes_ray.training.records import Aggregated, Published
from r3mes_ray.training.round import RoundPlan, check_open, earlier_updates, plan_round, root_of, weights_of
from r3mes_ray.training.stored import BaseWeights, Versions, check_base
from r3mes_ray.training.versions import fetch_versions, previous_of, version_limit
from r3mes_ray.types import Cid

WARM_WORKERS = 4
"""Workers that start while the submit phase lasts."""


async def query(context: RoundContext) -> RoundPlan:
    """Step 1: wait for the end of the submit phase, and read the round's whole list of updates.

    Raises:
        RoundClosed: nobody can commit in the round any more.
        InvalidInput: the round's rule or parameters are unknown here.
    """
    record, client = context.record, context.ports.client
    check_open(record, (await context.settlement.status()).height)
    warming = asyncio.create_task(asyncio.to_thread(_warm, context))
    try:
        await context.wait_above("query", "submit", record.submit_end)
    finally:
        await warming
    updates = await context.settlement.patiently(lambda: queries.round_updates(client, record.round_id))
    context.tell("query", f"round {record.round_id} of {record.expert} has {len(updates)} updates")
    weights = await context.settlement.patiently(lambda: weights_of(client, record.round_id))
    earlier = await context.settlement.patiently(lambda: earlier_updates(client, record))
    return plan_round(record, updates, weights, earlier)


def _warm(context: RoundContext) -> None:
    """While there is time: load the base, and let workers import what they need, which is most of a short round."""
    context.ports.base()
    deque(context.ports.parallel(start_worker, range(WARM_WORKERS), lambda number: f"start worker {number}"), maxlen=0)


async def build(context: RoundContext, plan: RoundPlan) -> Aggregated:
    """Steps 2 to 5: fetch, verify, aggregate and serialise; the package is on disk when this returns.

    Raises:
        TooFewUpdates: fewer valid updates than the round's rule needs.
        ModelError: the base is not the round's.
    """
    base = await asyncio.to_thread(context.ports.base)
    check_base(base, context.record.base_hash, f"round {context.record.round_id}")
    verdicts = await collect(context, plan, base)
    require(plan, valid(verdicts))
    async with context.ports.turn:
        admission, mean = await _aggregate(context, plan, verdicts, base)
    accepted = [update for update in plan.considered if update.update_id in admission.accepted]
    with context.step("serialise"):
        folder = empty_folder(context.workspace.aggregate)
        await asyncio.to_thread(
            write_aggregate,
            mean,
            base.base_id,
            plan,
            admission.accepted,
            admission.excluded,
            admission.history,
            folder,
        )
        await asyncio.to_thread(sync_folder, folder)
        cid = await asyncio.to_thread(cid_of_path, folder)
        root = root_of(accepted, context.ports.settings.chain.bech32_prefix)
        context.tell("serialise", f"CID {cid}, Merkle root {root}")
    return Aggregated(
        cid=cid,
        merkle_root=root,
        model_version=plan.start_version,
        submitted=tuple(update.update_id for update in plan.updates),
        accepted=admission.accepted,
        excluded=admission.excluded,
        discarded_energy=mean.discarded_energy,
    )


async def _aggregate(
    context: RoundContext, plan: RoundPlan, verdicts: Verdicts, base: BaseWeights
) -> tuple[Admission, Aggregate]:
    """Compare the updates, and apply the rule to those that are left."""
    with context.step("aggregate"):
        versions = await _versions(context, plan, version_limit(base.linear_shapes))
        admission = await compare(context, plan, verdicts, base, versions)
        mean, geometry = await asyncio.to_thread(
            aggregate_admitted, base, plan, verdicts, admission, versions, context.ports.layers
        )
        save_geometry(context.ports.settings.home, context.chain_id, plan.record.round_id, geometry)
        done = f"{len(admission.accepted)} updates, {mean.discarded_energy:.2%} of the energy discarded"
        context.tell("aggregate", done)
    return admission, mean


async def _versions(context: RoundContext, plan: RoundPlan, limit: int) -> Versions:
    """What the round goes on from, fetched from content."""
    ports, folder = context.ports, context.workspace.versions
    remove_folder(folder)
    previous = await context.settlement.patiently(lambda: previous_of(ports.client, plan))
    return await fetch_versions(ports.store, plan.record, previous, folder, limit, ports.layers.objects)


def is_intact(context: RoundContext, cid: Cid) -> bool:
    """Whether the workspace still holds the package that the journal names."""
    folder = context.workspace.aggregate
    try:
        return folder.is_dir() and cid_of_path(folder) == cid
    except (OSError, InvalidInput):
        return False


async def publish(context: RoundContext, cid: Cid) -> Published:
    """Step 6: store and pin the package, and read it back. Nobody is told of it before the reveal.

    Raises:
        ContentCorrupt: the store gives back something else than it was given.
    """
    store, readback = context.ports.store, context.workspace.readback
    limit = version_limit((await asyncio.to_thread(context.ports.base)).linear_shapes)
    stored = await store.add(context.workspace.aggregate)
    remove_folder(readback)
    await store.get(stored, readback, Limits(max_bytes=limit))
    if stored != cid or await asyncio.to_thread(cid_of_path, readback) != cid:
        raise ContentCorrupt(cid, "the content store")
    context.tell("upload", f"{cid} is stored and was read back")
    return Published(cid)


async def keep(context: RoundContext, cid: Cid) -> None:
    """Before a commitment is sent: give the store the package again where it lost it since.

    Raises:
        RoundClosed: neither the store nor the workspace has it, and no commitment was sent.
    """
    try:
        await context.ports.store.stat(cid)
    except ContentNotFound as error:
        if await asyncio.to_thread(is_intact, context, cid):
            await publish(context, cid)
        elif context.journal.progress.pending("commit") is None:
            reason = f"the package {cid} is neither in the content store nor in the workspace any more"
            raise RoundClosed(context.record.round_id, "commit", reason) from error
