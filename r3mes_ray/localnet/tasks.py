"""Task pools: the chunks of an official dataset, which miners claim so that they do not train on the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.parameters import Parameters
from r3mes_ray.localnet.records import CHUNKS, POOLS, next_id, u64
from r3mes_ray.localnet.state import State
from r3mes_ray.protocol.framing import lp
from r3mes_ray.wire.remes.remes.v1.dataset_pb2 import ApprovedDataset
from r3mes_ray.wire.remes.remes.v1.task_pool_pb2 import TaskChunk, TaskPool

SAMPLES_PER_CHUNK = 2_048
MAX_CHUNKS = 10_000


def open_pool(ctx: Context, dataset: ApprovedDataset) -> None:
    """A pool with one chunk for every 2048 samples, and at least one."""
    count = min(max(1, -(-dataset.metadata.num_samples // SAMPLES_PER_CHUNK)), MAX_CHUNKS)
    pool = TaskPool(
        pool_id=next_id(ctx.state, "pool"),
        window_id=dataset.dataset_id,
        total_chunks=count,
        status="active",
        created_height=ctx.height,
        expiry_height=ctx.height + ctx.parameters.task_blocks,
    )
    POOLS.put(ctx.state, pool, u64(pool.pool_id))
    ctx.emit("task_pool_opened", pool_id=pool.pool_id, dataset_id=dataset.dataset_id, chunks=count)


def is_active(pool: TaskPool, height: int) -> bool:
    """Whether chunks can still be claimed."""
    return height <= pool.expiry_height and len(pool.completed_chunks) < pool.total_chunks


def chunk_at(state: State, pool: TaskPool, number: int, height: int, rules: Parameters) -> TaskChunk:
    """A chunk as it stands: nobody's where it was never claimed, or claimed too long ago."""
    known = CHUNKS.get(state, u64(pool.pool_id), u64(number))
    lapsed = known is not None and known.status == "in_progress" and height > known.claimed_at + rules.claim_blocks
    if known is not None and not lapsed:
        return known
    digest = hashlib.sha256(lp(b"r3mes/chunk/v1") + lp(b"%d" % pool.window_id) + lp(b"%d" % number)).hexdigest()
    return TaskChunk(chunk_id=number, data_hash=digest, status="available")


def available(state: State, pool: TaskPool, height: int, rules: Parameters) -> Iterator[TaskChunk]:
    """The chunks that can be claimed, by ascending number."""
    for number in range(pool.total_chunks):
        chunk = chunk_at(state, pool, number, height, rules)
        if chunk.status == "available":
            yield chunk
