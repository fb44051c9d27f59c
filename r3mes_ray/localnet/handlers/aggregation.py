"""Commit, reveal and finalisation of a round's aggregate."""

from __future__ import annotations

from r3mes_ray.errors import InvalidInput
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    AGGREGATION_NOT_FOUND,
    COMMITMENT_EXISTS,
    COMMITMENT_MISMATCH,
    COMMITMENT_NOT_FOUND,
    INVALID_AGGREGATION,
    INVALID_GRADIENT_ID,
    INVALID_MODEL_VERSION,
    NOT_AUTHORIZED,
    ROOT_MISMATCH,
    WRONG_PHASE,
    Refused,
)
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import check_proposer, round_in, round_of
from r3mes_ray.localnet.handlers.rule_sets import rules_of
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    COMMITMENTS,
    PROPOSER_COMMITMENTS,
    ROUND_COMMITMENTS,
    next_id,
    u64,
)
from r3mes_ray.localnet.rounds import finalize, phase_at, start_version_text, updates_of
from r3mes_ray.wire.r3mes.v1 import types_pb2
from r3mes_ray.wire.r3mes.v1.types_pb2 import Round
from r3mes_ray.wire.remes.remes.v1.state_pb2 import AggregationCommitment, AggregationRecord
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgCommitAggregation,
    MsgCommitAggregationResponse,
    MsgRevealAggregation,
    MsgRevealAggregationResponse,
    MsgSubmitAggregation,
    MsgSubmitAggregationResponse,
)


def commit(ctx: Context, message: MsgCommitAggregation) -> MsgCommitAggregationResponse:
    """Take a proposer's one commitment of a round; it names all updates of the round, whatever was accepted."""
    proposer = parse_address(message.proposer, ctx.chain.prefix)
    check_proposer(ctx, proposer)
    found = round_in(ctx, message.training_round_id, types_pb2.ROUND_PHASE_COMMIT, "a commitment")
    rules = rules_of(ctx)
    rules.check_commitment(message.commitment_hash)
    if PROPOSER_COMMITMENTS.get(ctx.state, u64(found.round_id), proposer) is not None:
        raise Refused(COMMITMENT_EXISTS, f"{message.proposer} has committed in round {found.round_id}")
    full = [update.id for update in updates_of(ctx.state, found.round_id)]
    rules.check_ids(message.participant_gradient_ids, full)
    number = next_id(ctx.state, "commitment")
    record = AggregationCommitment(
        commitment_id=number,
        proposer=message.proposer,
        commitment_hash=message.commitment_hash,
        training_round_id=found.round_id,
        participant_gradient_ids=message.participant_gradient_ids,
        committed_at_height=ctx.height,
        reveal_deadline_height=found.reveal_end,
        status="committed",
    )
    COMMITMENTS.put(ctx.state, record, u64(number))
    ROUND_COMMITMENTS.put(ctx.state, number, u64(found.round_id), u64(number))
    PROPOSER_COMMITMENTS.put(ctx.state, number, u64(found.round_id), proposer)
    ctx.emit("commit_aggregation", proposer=message.proposer, commitment_id=number, training_round_id=found.round_id)
    return MsgCommitAggregationResponse(commitment_id=number, reveal_deadline_height=found.reveal_end)


def reveal(ctx: Context, message: MsgRevealAggregation) -> MsgRevealAggregationResponse:
    """Open a commitment: everything in it is recomputed from the chain's own records."""
    record = COMMITMENTS.get(ctx.state, u64(message.commitment_id))
    if record is None:
        raise Refused(COMMITMENT_NOT_FOUND, f"commitment {message.commitment_id}")
    if record.proposer != message.proposer:
        raise Refused(NOT_AUTHORIZED, f"commitment {record.commitment_id} is another proposer's")
    if record.training_round_id != message.training_round_id:
        raise Refused(COMMITMENT_MISMATCH, f"commitment {record.commitment_id} is of round {record.training_round_id}")
    found = round_in(ctx, record.training_round_id, types_pb2.ROUND_PHASE_REVEAL, "a reveal")
    if record.status != "committed":
        raise Refused(COMMITMENT_MISMATCH, f"commitment {record.commitment_id} is {record.status}")
    rules_of(ctx).check_cid(message.aggregated_gradient_ipfs_hash, "aggregated_gradient_ipfs_hash")
    if message.model_version != start_version_text(found):
        raise Refused(INVALID_MODEL_VERSION, f"the round is of {start_version_text(found)}")
    _check_committed_ids(ctx, message, record)
    _check_root(ctx, message, found)
    _check_hash(ctx, message, record)
    number = next_id(ctx.state, "aggregation")
    _store_reveal(ctx, message, found, number)
    record.status = "revealed"
    record.revealed_aggregation_id = number
    COMMITMENTS.put(ctx.state, record, u64(record.commitment_id))
    ctx.emit(
        "reveal_aggregation",
        proposer=message.proposer,
        commitment_id=record.commitment_id,
        aggregation_id=number,
        training_round_id=found.round_id,
    )
    return MsgRevealAggregationResponse(aggregation_id=number, commitment_verified=True)


def submit(ctx: Context, message: MsgSubmitAggregation) -> MsgSubmitAggregationResponse:
    """Finalise the round's winning reveal after its challenge phase; repeating it succeeds and changes nothing."""
    found = round_of(ctx, message.training_round_id)
    phase = phase_at(found, ctx.height)
    if phase not in (types_pb2.ROUND_PHASE_FINALIZE, types_pb2.ROUND_PHASE_DONE):
        raise Refused(WRONG_PHASE, f"round {found.round_id} can be finalised after height {found.challenge_end}")
    record = AGGREGATIONS.get(ctx.state, u64(found.aggregation_id)) if found.has_aggregation else None
    if record is None:
        raise Refused(AGGREGATION_NOT_FOUND, f"round {found.round_id} has no revealed aggregate")
    if record.proposer != message.proposer:
        raise Refused(INVALID_AGGREGATION, f"the round's winning reveal is {record.proposer}'s")
    same = (
        record.aggregated_gradient_ipfs_hash == message.aggregated_gradient_ipfs_hash
        and record.merkle_root == message.merkle_root
        and list(record.participant_gradient_ids) == list(message.participant_gradient_ids)
        and record.model_version == message.model_version
    )
    if not same:
        raise Refused(INVALID_AGGREGATION, f"differs from what was revealed as aggregation {record.aggregation_id}")
    if phase == types_pb2.ROUND_PHASE_FINALIZE:
        ctx.emit(
            "aggregation_submitted",
            proposer=message.proposer,
            aggregation_id=record.aggregation_id,
            training_round_id=found.round_id,
        )
        finalize(ctx, found)
    return MsgSubmitAggregationResponse(aggregation_id=record.aggregation_id)


def _check_committed_ids(ctx: Context, message: MsgRevealAggregation, record: AggregationCommitment) -> None:
    """Under v1 the committed ids are the accepted ones, in their order; under v2 the commitment's hash covers them."""
    same = list(message.participant_gradient_ids) == list(record.participant_gradient_ids)
    if ctx.parameters.rule_set == "v1" and not same:
        raise Refused(COMMITMENT_MISMATCH, "the ids are not the committed ones in their order")


def _check_root(ctx: Context, message: MsgRevealAggregation, found: Round) -> None:
    known = {update.id: update for update in updates_of(ctx.state, found.round_id)}
    for number in message.participant_gradient_ids:
        if number not in known:
            raise Refused(INVALID_GRADIENT_ID, f"update {number} is not of round {found.round_id}")
    try:
        root = rules_of(ctx).root(ctx, [known[number] for number in message.participant_gradient_ids])
    except InvalidInput as error:
        raise Refused(INVALID_GRADIENT_ID, str(error)) from error
    if root != message.merkle_root:
        raise Refused(ROOT_MISMATCH, f"the accepted updates have root {root}")


def _check_hash(ctx: Context, message: MsgRevealAggregation, record: AggregationCommitment) -> None:
    try:
        expected = rules_of(ctx).commitment(ctx, message)
    except InvalidInput as error:
        raise Refused(COMMITMENT_MISMATCH, str(error)) from error
    if expected != record.commitment_hash:
        raise Refused(COMMITMENT_MISMATCH, "what is revealed does not hash to the commitment")


def _store_reveal(ctx: Context, message: MsgRevealAggregation, found: Round, number: int) -> None:
    record = AggregationRecord(
        aggregation_id=number,
        proposer=message.proposer,
        aggregated_gradient_ipfs_hash=message.aggregated_gradient_ipfs_hash,
        merkle_root=message.merkle_root,
        participant_gradient_ids=message.participant_gradient_ids,
        training_round_id=found.round_id,
        model_version=message.model_version,
        submitted_at_height=ctx.height,
        status="pending",
        challenge_deadline_height=found.challenge_end,
    )
    AGGREGATIONS.put(ctx.state, record, u64(number))
