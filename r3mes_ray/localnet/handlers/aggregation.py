"""Commit, reveal and finalisation of a round's aggregate."""

from __future__ import annotations

from collections.abc import Sequence

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
    INVALID_PARAMETER,
    NOT_AUTHORIZED,
    ROOT_MISMATCH,
    WRONG_PHASE,
    Refused,
)
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import check_proposer, checked_cid, round_in, round_of
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    COMMITMENTS,
    PROPOSER_COMMITMENTS,
    ROUND_COMMITMENTS,
    next_id,
    u64,
)
from r3mes_ray.localnet.rounds import finalize, phase_at, start_version_text, updates_of
from r3mes_ray.protocol.commitment import check_commitment_text, commitment_hash
from r3mes_ray.protocol.merkle import UpdateLeaf, merkle_root
from r3mes_ray.types import Cid
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
    try:
        check_commitment_text(message.commitment_hash)
    except InvalidInput as error:
        raise Refused(INVALID_PARAMETER, str(error)) from error
    if PROPOSER_COMMITMENTS.get(ctx.state, u64(found.round_id), proposer) is not None:
        raise Refused(COMMITMENT_EXISTS, f"{message.proposer} has committed in round {found.round_id}")
    full = [update.id for update in updates_of(ctx.state, found.round_id)]
    if list(message.participant_gradient_ids) != full:
        raise Refused(
            INVALID_GRADIENT_ID, f"round {found.round_id} has {len(full)} updates; all must be named in order"
        )
    number = next_id(ctx.state, "commitment")
    record = AggregationCommitment(
        commitment_id=number,
        proposer=message.proposer,
        commitment_hash=message.commitment_hash,
        training_round_id=found.round_id,
        participant_gradient_ids=full,
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
    aggregate = checked_cid(message.aggregated_gradient_ipfs_hash, "aggregated_gradient_ipfs_hash")
    if message.model_version != start_version_text(found):
        raise Refused(INVALID_MODEL_VERSION, f"the round is of {start_version_text(found)}")
    _check_root(ctx, message, found)
    _check_hash(ctx, message, record, aggregate)
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


def _check_root(ctx: Context, message: MsgRevealAggregation, found: Round) -> None:
    known = {update.id: update for update in updates_of(ctx.state, found.round_id)}
    accepted: Sequence[int] = message.participant_gradient_ids
    for number in accepted:
        if number not in known:
            raise Refused(INVALID_GRADIENT_ID, f"update {number} is not of round {found.round_id}")
    leaves = [
        UpdateLeaf(
            update_id=number,
            cid=Cid(known[number].ipfs_hash),
            gradient_hash=known[number].gradient_hash,
            miner=parse_address(known[number].miner, ctx.chain.prefix),
        )
        for number in accepted
    ]
    try:
        root = merkle_root(leaves)
    except InvalidInput as error:
        raise Refused(INVALID_GRADIENT_ID, str(error)) from error
    if root != message.merkle_root:
        raise Refused(ROOT_MISMATCH, f"the accepted updates have root {root}")


def _check_hash(ctx: Context, message: MsgRevealAggregation, record: AggregationCommitment, aggregate: Cid) -> None:
    try:
        expected = commitment_hash(
            ctx.chain.chain_id,
            parse_address(message.proposer, ctx.chain.prefix),
            record.training_round_id,
            message.model_version,
            aggregate,
            message.merkle_root,
            message.participant_gradient_ids,
            message.salt,
        )
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
