"""Who verifies a challenged aggregate: validators, drawn by stake."""

from __future__ import annotations

import hashlib

from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.records import NODES, VERIFIERS
from r3mes_ray.localnet.stakes import slash, stake_of
from r3mes_ray.protocol.framing import lp, u64
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NODE_STATUS_ACTIVE, NODE_TYPE_VALIDATOR
from r3mes_ray.wire.remes.remes.v1.slashing_pb2 import ValidatorVerificationRecord

PANEL_SIZE = 3


def draw(ctx: Context, challenge_id: int, count: int, excluded: set[str]) -> list[str]:
    """At most `count` active validators, each with a chance by its stake, none of the excluded.

    The draw hangs on the chain, the challenge and the block's height and time: the challenger chooses none of them
    alone, but who makes the block does. Behind a consensus engine its own randomness takes their place.
    """
    pool = [(address, stake) for address, stake in _candidates(ctx) if address not in excluded]
    drawn: list[str] = []
    while pool and len(drawn) < count:
        seed = b"".join(
            (
                lp(b"r3mes/draw/v1"),
                lp(ctx.chain.chain_id.encode()),
                u64(challenge_id),
                u64(ctx.height),
                u64(ctx.time_ns),
                u64(len(drawn)),
            )
        )
        ticket = int.from_bytes(hashlib.sha256(seed).digest(), "big") % sum(stake for _, stake in pool)
        for position, (address, stake) in enumerate(pool):
            ticket -= stake
            if ticket < 0:
                drawn.append(address)
                del pool[position]
                break
    return drawn


def count_validators(ctx: Context) -> int:
    """Active validators."""
    return sum(1 for _ in _candidates(ctx))


def credit(ctx: Context, address: str, *, is_right: bool) -> None:
    """Count a verdict that a validator gave."""
    record = _record(ctx, address)
    record.total_verifications += 1
    record.successful_verifications += int(is_right)
    record.false_verdicts += int(not is_right)
    record.last_verification_height = ctx.height
    VERIFIERS.put(ctx.state, record, parse_address(address, ctx.chain.prefix))


def blame_absent(ctx: Context, address: str, challenge_id: int) -> None:
    """Count and slash a validator that gave no verdict in time."""
    record = _record(ctx, address)
    record.lazy_validation_count += 1
    VERIFIERS.put(ctx.state, record, parse_address(address, ctx.chain.prefix))
    slash(ctx, address, ctx.parameters.absent_slash, f"absent:{challenge_id}")


def _record(ctx: Context, address: str) -> ValidatorVerificationRecord:
    found = VERIFIERS.get(ctx.state, parse_address(address, ctx.chain.prefix))
    return found or ValidatorVerificationRecord(validator_address=address)


def _candidates(ctx: Context) -> list[tuple[str, int]]:
    return [
        (node.node_address, stake_of(ctx.state, owner))
        for owner, node in NODES.items(ctx.state)
        if NODE_TYPE_VALIDATOR in node.roles and node.status == NODE_STATUS_ACTIVE and stake_of(ctx.state, owner) > 0
    ]
