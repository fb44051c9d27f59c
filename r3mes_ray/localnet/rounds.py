"""The life of a training round: its phases by height, and what the end of a block does to it."""

from __future__ import annotations

from r3mes_ray.localnet import ledger, stakes
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    COMMITMENTS,
    EXPERTS,
    GLOBAL_MODEL,
    LIVE_ROUNDS,
    MINERS,
    ROUND_COMMITMENTS,
    ROUND_UPDATES,
    ROUNDS,
    UPDATES,
    u64,
)
from r3mes_ray.localnet.reputation import reward_trust
from r3mes_ray.localnet.state import State
from r3mes_ray.localnet.weighing import weigh
from r3mes_ray.types import model_version
from r3mes_ray.wire.r3mes.v1 import types_pb2
from r3mes_ray.wire.r3mes.v1.types_pb2 import ExpertVersion, Round, RoundPhase
from r3mes_ray.wire.remes.remes.v1.state_pb2 import AggregationCommitment, AggregationRecord, GlobalModelState
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient


def phase_at(found: Round, height: int) -> RoundPhase:
    """The phase that holds in the block of a height."""
    if found.phase != types_pb2.ROUND_PHASE_UNSPECIFIED:
        return found.phase
    for end, phase in (
        (found.submit_end, types_pb2.ROUND_PHASE_SUBMIT),
        (found.commit_end, types_pb2.ROUND_PHASE_COMMIT),
        (found.reveal_end, types_pb2.ROUND_PHASE_REVEAL),
        (found.challenge_end, types_pb2.ROUND_PHASE_CHALLENGE),
    ):
        if height <= end:
            return phase
    return types_pb2.ROUND_PHASE_FINALIZE


def start_version_text(found: Round) -> str:
    """The model version that updates, commitments and reveals of a round name: the one it starts from."""
    return model_version(found.base_model, found.expert, found.start_version)


def updates_of(state: State, round_id: int) -> list[StoredGradient]:
    """A round's updates, by ascending id."""
    records = (UPDATES.get(state, u64(number)) for _, number in ROUND_UPDATES.items(state, u64(round_id)))
    return [record for record in records if record is not None]


def commitments_of(state: State, round_id: int) -> list[AggregationCommitment]:
    """A round's commitments, by ascending id."""
    records = (COMMITMENTS.get(state, u64(number)) for _, number in ROUND_COMMITMENTS.items(state, u64(round_id)))
    return [record for record in records if record is not None]


def end_block(ctx: Context) -> None:
    """Let the deadlines that fall on this block take effect."""
    for round_id in [number for _, number in LIVE_ROUNDS.items(ctx.state)]:
        found = ROUNDS.get(ctx.state, u64(round_id))
        if found is not None:
            _pass_deadline(ctx, found)


def finalize(ctx: Context, found: Round) -> None:
    """Make the winning aggregate the expert's next version, pay its makers and close the round."""
    record = AGGREGATIONS.get(ctx.state, u64(found.aggregation_id))
    expert = EXPERTS.get(ctx.state, found.expert.encode())
    if record is None or expert is None:
        raise LookupError(f"round {found.round_id} names an aggregation or expert that the state does not have")
    record.status = "finalized"
    AGGREGATIONS.put(ctx.state, record, u64(record.aggregation_id))
    expert.version += 1
    expert.history.append(
        ExpertVersion(
            version=expert.version,
            adapter_cid=record.aggregated_gradient_ipfs_hash,
            round_id=found.round_id,
            aggregation_id=record.aggregation_id,
            finalized_height=ctx.height,
        )
    )
    EXPERTS.put(ctx.state, expert, expert.name.encode())
    _settle_updates(ctx, found, record)
    _set_global_model(ctx, found, record, expert.version)
    ledger.mint(ctx, parse_address(record.proposer, ctx.chain.prefix), ctx.parameters.proposer_reward)
    ctx.emit(
        "aggregation_finalized",
        proposer=record.proposer,
        aggregation_id=record.aggregation_id,
        training_round_id=found.round_id,
        expert=found.expert,
        version=expert.version,
        adapter_cid=record.aggregated_gradient_ipfs_hash,
    )
    _close(ctx, found, types_pb2.ROUND_PHASE_DONE)


def extend_challenge(ctx: Context, aggregation_id: int, height: int) -> None:
    """Keep a round in its challenge phase, whose aggregate is being verified, up to a height."""
    record = AGGREGATIONS.get(ctx.state, u64(aggregation_id))
    found = None if record is None else ROUNDS.get(ctx.state, u64(record.training_round_id))
    if found is not None:
        found.challenge_end = max(found.challenge_end, height)
        ROUNDS.put(ctx.state, found, u64(found.round_id))


def next_reveal(ctx: Context, found: Round, fraud: AggregationRecord) -> None:
    """After a proven fraud: the reveal with the next commitment id wins, with a challenge phase of its own."""
    period = fraud.challenge_deadline_height - fraud.submitted_at_height
    for commitment in commitments_of(ctx.state, found.round_id):
        record = AGGREGATIONS.get(ctx.state, u64(commitment.revealed_aggregation_id))
        if commitment.status != "revealed" or record is None or record.status != "superseded":
            continue
        record.status = "pending"
        record.challenge_deadline_height = ctx.height + max(period, ctx.parameters.min_phase_blocks)
        AGGREGATIONS.put(ctx.state, record, u64(record.aggregation_id))
        found.aggregation_id = record.aggregation_id
        found.challenge_end = record.challenge_deadline_height
        ROUNDS.put(ctx.state, found, u64(found.round_id))
        ctx.emit(
            "aggregation_succeeds",
            proposer=record.proposer,
            aggregation_id=record.aggregation_id,
            training_round_id=found.round_id,
        )
        return
    _fail(ctx, found, "the revealed aggregate was fraudulent and there is no other")


def _pass_deadline(ctx: Context, found: Round) -> None:
    grace_end = found.challenge_end + ctx.parameters.grace_blocks
    if ctx.height == found.submit_end and found.gradient_count == 0:
        _fail(ctx, found, "no update was submitted")
    elif ctx.height == found.submit_end:
        weigh(ctx, found.round_id, updates_of(ctx.state, found.round_id))
    elif ctx.height == found.commit_end and not commitments_of(ctx.state, found.round_id):
        _fail(ctx, found, "nobody committed to an aggregate")
    elif ctx.height == found.reveal_end:
        _end_reveals(ctx, found)
    elif ctx.height >= grace_end:
        finalize(ctx, found)


def _end_reveals(ctx: Context, found: Round) -> None:
    winner: AggregationCommitment | None = None
    for commitment in commitments_of(ctx.state, found.round_id):
        if commitment.status == "committed":
            commitment.status = "expired"
            COMMITMENTS.put(ctx.state, commitment, u64(commitment.commitment_id))
            ctx.emit(
                "commitment_expired",
                proposer=commitment.proposer,
                commitment_id=commitment.commitment_id,
                training_round_id=found.round_id,
            )
            reason = f"unrevealed:{commitment.commitment_id}"
            stakes.slash(ctx, commitment.proposer, ctx.parameters.unrevealed_slash, reason)
        elif winner is None:
            winner = commitment
        else:
            _supersede(ctx, commitment.revealed_aggregation_id)
    if winner is None:
        _fail(ctx, found, "no commitment was revealed")
        return
    found.has_aggregation = True
    found.aggregation_id = winner.revealed_aggregation_id
    ROUNDS.put(ctx.state, found, u64(found.round_id))


def _supersede(ctx: Context, aggregation_id: int) -> None:
    record = AGGREGATIONS.get(ctx.state, u64(aggregation_id))
    if record is not None:
        record.status = "superseded"
        AGGREGATIONS.put(ctx.state, record, u64(aggregation_id))


def _settle_updates(ctx: Context, found: Round, record: AggregationRecord) -> None:
    accepted = set(record.participant_gradient_ids)
    bonus = ledger.balance(ctx.state, ledger.MINER_POOL, ctx.chain.denom) // len(accepted)
    for update in updates_of(ctx.state, found.round_id):
        update.status = "aggregated" if update.id in accepted else "excluded"
        UPDATES.put(ctx.state, update, u64(update.id))
        if update.id not in accepted:
            continue
        miner = parse_address(update.miner, ctx.chain.prefix)
        ledger.mint(ctx, miner, ctx.parameters.miner_reward)
        if bonus:
            ledger.move(ctx, ledger.MINER_POOL, miner, ctx.chain.denom, bonus)
        counters = MINERS.get(ctx.state, miner)
        if counters is not None:
            reward_trust(counters)
            MINERS.put(ctx.state, counters, miner)


def _set_global_model(ctx: Context, found: Round, record: AggregationRecord, version: int) -> None:
    state = GlobalModelState(
        model_ipfs_hash=record.aggregated_gradient_ipfs_hash,
        model_version=model_version(found.base_model, found.expert, version),
        last_updated_height=ctx.height,
        last_updated_time=ctx.time,
        training_round_id=found.round_id,
        last_aggregation_id=record.aggregation_id,
    )
    GLOBAL_MODEL.put(ctx.state, state)


def _fail(ctx: Context, found: Round, reason: str) -> None:
    for update in updates_of(ctx.state, found.round_id):
        update.status = "expired"
        UPDATES.put(ctx.state, update, u64(update.id))
    ctx.emit("round_failed", training_round_id=found.round_id, expert=found.expert, reason=reason)
    _close(ctx, found, types_pb2.ROUND_PHASE_FAILED)


def _close(ctx: Context, found: Round, phase: RoundPhase) -> None:
    found.phase = phase
    ROUNDS.put(ctx.state, found, u64(found.round_id))
    LIVE_ROUNDS.delete(ctx.state, u64(found.round_id))
    expert = EXPERTS.get(ctx.state, found.expert.encode())
    if expert is not None:
        expert.has_open_round = False
        expert.open_round_id = 0
        EXPERTS.put(ctx.state, expert, expert.name.encode())
