"""Chunks of task pools: claimed and completed by miners."""

from __future__ import annotations

from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    CHUNK_NOT_CLAIMED,
    CHUNK_UNAVAILABLE,
    INVALID_GPU,
    NODE_NOT_FOUND,
    POOL_NOT_FOUND,
    UPDATE_NOT_FOUND,
    Refused,
)
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import HARDWARE, check_gradient_hash, checked_cid
from r3mes_ray.localnet.records import CHUNKS, NODES, POOLS, UPDATES, u64
from r3mes_ray.localnet.tasks import chunk_at, is_active
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NODE_STATUS_ACTIVE, NODE_TYPE_MINING
from r3mes_ray.wire.remes.remes.v1.task_pool_pb2 import TaskChunk, TaskPool
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgClaimTask,
    MsgClaimTaskResponse,
    MsgCompleteTask,
    MsgCompleteTaskResponse,
)


def claim(ctx: Context, message: MsgClaimTask) -> MsgClaimTaskResponse:
    """Take an available chunk; a claim lapses after `claim_blocks`."""
    node = NODES.get(ctx.state, parse_address(message.miner, ctx.chain.prefix))
    if node is None or NODE_TYPE_MINING not in node.roles or node.status != NODE_STATUS_ACTIVE:
        raise Refused(NODE_NOT_FOUND, f"{message.miner} is no active mining node")
    pool, chunk = _chunk(ctx, message.pool_id, message.chunk_id)
    if not is_active(pool, ctx.height) or chunk.status != "available":
        raise Refused(CHUNK_UNAVAILABLE, f"chunk {message.chunk_id} of pool {message.pool_id} is {chunk.status}")
    chunk.status = "in_progress"
    chunk.assigned_miner = message.miner
    chunk.claimed_at = ctx.height
    CHUNKS.put(ctx.state, chunk, u64(pool.pool_id), u64(chunk.chunk_id))
    ctx.emit("claim_task", miner=message.miner, pool_id=pool.pool_id, chunk_id=chunk.chunk_id)
    return MsgClaimTaskResponse(success=True)


def complete(ctx: Context, message: MsgCompleteTask) -> MsgCompleteTaskResponse:
    """Name the update that a claimed chunk went into. What pays is that update's round, not the claim."""
    check_gradient_hash(message.gradient_hash)
    checked_cid(message.gradient_ipfs_hash, "gradient_ipfs_hash")
    if HARDWARE.fullmatch(message.miner_gpu) is None:
        raise Refused(INVALID_GPU, f"{message.miner_gpu[:80]!r}")
    pool, chunk = _chunk(ctx, message.pool_id, message.chunk_id)
    if chunk.status != "in_progress" or chunk.assigned_miner != message.miner:
        raise Refused(CHUNK_NOT_CLAIMED, f"chunk {message.chunk_id} of pool {message.pool_id} is {chunk.status}")
    if not _has_update(ctx, message):
        raise Refused(UPDATE_NOT_FOUND, f"{message.miner} has submitted no such update")
    chunk.status = "completed"
    chunk.completed_at = ctx.height
    chunk.gradient_hash = message.gradient_hash
    CHUNKS.put(ctx.state, chunk, u64(pool.pool_id), u64(chunk.chunk_id))
    pool.completed_chunks.append(str(chunk.chunk_id))
    if len(pool.completed_chunks) == pool.total_chunks:
        pool.status = "closed"
    POOLS.put(ctx.state, pool, u64(pool.pool_id))
    ctx.emit(
        "complete_task",
        miner=message.miner,
        pool_id=pool.pool_id,
        chunk_id=chunk.chunk_id,
        gradient_hash=message.gradient_hash,
        ipfs_hash=message.gradient_ipfs_hash,
    )
    return MsgCompleteTaskResponse(success=True)


def _chunk(ctx: Context, pool_id: int, chunk_id: int) -> tuple[TaskPool, TaskChunk]:
    pool = POOLS.get(ctx.state, u64(pool_id))
    if pool is None or chunk_id >= pool.total_chunks:
        raise Refused(POOL_NOT_FOUND, f"chunk {chunk_id} of pool {pool_id}")
    return pool, chunk_at(ctx.state, pool, chunk_id, ctx.height, ctx.parameters)


def _has_update(ctx: Context, message: MsgCompleteTask) -> bool:
    return any(
        update.miner == message.miner
        and update.gradient_hash == message.gradient_hash
        and update.ipfs_hash == message.gradient_ipfs_hash
        for _, update in UPDATES.items(ctx.state)
    )
