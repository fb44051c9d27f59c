"""Challenges of revealed aggregates, and the verdicts about them."""

from __future__ import annotations

import re

from r3mes_ray.localnet import challenges, ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    AGGREGATION_NOT_FOUND,
    CHALLENGE_CLOSED,
    CHALLENGE_NOT_FOUND,
    CHALLENGE_OPEN,
    INSUFFICIENT_STAKE,
    INVALID_AGGREGATION,
    INVALID_CHALLENGE,
    INVALID_COINS,
    NO_VERDICT,
    NOT_DRAWN,
    VERDICT_GIVEN,
    WRONG_PHASE,
    Refused,
)
from r3mes_ray.localnet.coins import parse_coins
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import check_gradient_hash, checked_cid, checked_text, round_of
from r3mes_ray.localnet.records import AGGREGATIONS, APPEALED, CHALLENGES, next_id, u64
from r3mes_ray.wire.remes.remes.v1.state_pb2 import AggregationRecord, ChallengeRecord, CPUVerificationResult
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgChallengeAggregation,
    MsgChallengeAggregationResponse,
    MsgResolveChallenge,
    MsgResolveChallengeResponse,
    MsgSubmitCPUVerification,
    MsgSubmitCPUVerificationResponse,
    MsgSubmitRandomVerifierResult,
    MsgSubmitRandomVerifierResultResponse,
)

_LOSS = re.compile(r"(\d{1,12}(\.\d{1,12})?)?")


def challenge(ctx: Context, message: MsgChallengeAggregation) -> MsgChallengeAggregationResponse:
    """Dispute the winning aggregate of a round in its challenge phase, with a bond."""
    accused = AGGREGATIONS.get(ctx.state, u64(message.aggregation_id))
    if accused is None:
        raise Refused(AGGREGATION_NOT_FOUND, f"aggregation {message.aggregation_id}")
    _check_challengeable(ctx, accused)
    if accused.proposer == message.challenger:
        raise Refused(INVALID_CHALLENGE, "a proposer cannot challenge its own aggregate")
    checked_text(message.reason, "reason", 1, 1024)
    checked_cid(message.evidence_ipfs_hash, "evidence_ipfs_hash")
    bond = _escrow_bond(ctx, message)
    record = ChallengeRecord(
        challenge_id=next_id(ctx.state, "challenge"),
        challenger=message.challenger,
        aggregation_id=message.aggregation_id,
        reason=message.reason,
        evidence_ipfs_hash=message.evidence_ipfs_hash,
        created_at_height=ctx.height,
        bond_amount=f"{bond}{ctx.chain.denom}",
    )
    accused.status = "challenged"
    AGGREGATIONS.put(ctx.state, accused, u64(accused.aggregation_id))
    challenges.open_layer_2(ctx, record, accused.proposer)
    ctx.emit(
        "aggregation_challenged",
        challenger=message.challenger,
        challenge_id=record.challenge_id,
        aggregation_id=record.aggregation_id,
        random_verifier=record.random_verifier,
    )
    return MsgChallengeAggregationResponse(challenge_id=record.challenge_id)


def random_verifier_result(
    ctx: Context, message: MsgSubmitRandomVerifierResult
) -> MsgSubmitRandomVerifierResultResponse:
    """The drawn verifier's verdict: "valid" settles the challenge, "invalid" calls the panel."""
    record = _open(ctx, message.challenge_id, challenges.LAYER_2)
    if message.verifier != record.random_verifier:
        raise Refused(
            NOT_DRAWN, f"the verifier of challenge {record.challenge_id} is {record.random_verifier or 'none'}"
        )
    if message.result not in ("valid", "invalid"):
        raise Refused(INVALID_CHALLENGE, f"result {message.result[:40]!r} is neither 'valid' nor 'invalid'")
    if message.gradient_hash:
        check_gradient_hash(message.gradient_hash)
    if message.evidence_ipfs_hash:
        checked_cid(message.evidence_ipfs_hash, "evidence_ipfs_hash")
    if _LOSS.fullmatch(message.verifier_loss) is None:
        raise Refused(INVALID_CHALLENGE, f"verifier_loss {message.verifier_loss[:40]!r} is not a decimal")
    record.random_verifier_result = message.result
    record.verifier_loss = message.verifier_loss
    record.loss_match = message.loss_match
    record.data_batch_seed = message.data_batch_seed
    ctx.emit(
        "random_verifier_result", verifier=message.verifier, challenge_id=record.challenge_id, result=message.result
    )
    if message.result == "valid":
        challenges.settle(ctx, record, challenges.VALID)
    else:
        challenges.escalate(ctx, record)
    return MsgSubmitRandomVerifierResultResponse(accepted=True, layer_3_triggered=message.result == "invalid")


def cpu_verification(ctx: Context, message: MsgSubmitCPUVerification) -> MsgSubmitCPUVerificationResponse:
    """One panel member's verdict; of an aggregate with the CIDs that it found and expected."""
    record = _open(ctx, message.challenge_id, challenges.LAYER_3)
    if message.validator not in record.cpu_verification_panel:
        raise Refused(NOT_DRAWN, f"{message.validator} is not on the panel of challenge {record.challenge_id}")
    if any(result.validator_address == message.validator for result in record.cpu_verification_results):
        raise Refused(VERDICT_GIVEN, f"{message.validator} has judged challenge {record.challenge_id}")
    _check_hashes(ctx, record, message)
    result = CPUVerificationResult(
        validator_address=message.validator,
        is_valid=message.is_valid,
        computed_hash=message.computed_hash,
        expected_hash=message.expected_hash,
        verification_time=ctx.time,
    )
    record.cpu_verification_results.append(result)
    CHALLENGES.put(ctx.state, record, u64(record.challenge_id))
    ctx.emit(
        "cpu_verification", validator=message.validator, challenge_id=record.challenge_id, is_valid=message.is_valid
    )
    return MsgSubmitCPUVerificationResponse(accepted=True)


def resolve(ctx: Context, message: MsgResolveChallenge) -> MsgResolveChallengeResponse:
    """Settle a challenge before its deadline: anybody, once two thirds of the panel agree; governance at any time."""
    record = _open(ctx, message.challenge_id, "")
    checked_text(message.resolution_reason, "resolution_reason", 0, 1024)
    asked = challenges.FRAUD if message.fraud_detected else challenges.VALID
    if parse_address(message.resolver, ctx.chain.prefix) != ledger.GOV and challenges.verdict_of(record) != asked:
        raise Refused(NO_VERDICT, f"challenge {record.challenge_id}: {challenges.verdict_of(record)}")
    challenges.settle(ctx, record, asked)
    return MsgResolveChallengeResponse(resolved=True)


def _check_challengeable(ctx: Context, accused: AggregationRecord) -> None:
    found = round_of(ctx, accused.training_round_id)
    is_winner = found.has_aggregation and found.aggregation_id == accused.aggregation_id
    if accused.status == "challenged" and is_winner and not found.phase:
        raise Refused(CHALLENGE_OPEN, f"aggregation {accused.aggregation_id}")
    if not is_winner and not found.phase and ctx.height <= found.reveal_end:
        raise Refused(WRONG_PHASE, f"round {found.round_id} is still revealing")
    if not is_winner or accused.status != "pending":
        raise Refused(INVALID_AGGREGATION, f"aggregation {accused.aggregation_id} is {accused.status}, not the winner")
    if ctx.height > accused.challenge_deadline_height:
        raise Refused(WRONG_PHASE, f"challenges ended at height {accused.challenge_deadline_height}")


def _escrow_bond(ctx: Context, message: MsgChallengeAggregation) -> int:
    coins = parse_coins(message.bond_amount)
    denom, needed = ctx.chain.denom, ctx.parameters.challenge_bond
    if set(coins) != {denom}:
        raise Refused(INVALID_COINS, f"the bond is paid in {denom} alone")
    if coins[denom] < needed:
        raise Refused(INSUFFICIENT_STAKE, f"the bond is at least {needed}{denom}, offered {coins[denom]}{denom}")
    challenger = parse_address(message.challenger, ctx.chain.prefix)
    ledger.move(ctx, challenger, ledger.CHALLENGE_ESCROW, denom, coins[denom])
    return coins[denom]


def _open(ctx: Context, challenge_id: int, status: str) -> ChallengeRecord:
    """A challenge that is open, in the layer of a status where one is named."""
    record = CHALLENGES.get(ctx.state, u64(challenge_id))
    if record is None:
        raise Refused(CHALLENGE_NOT_FOUND, f"challenge {challenge_id}")
    if record.resolution_height or (status and record.status != status):
        raise Refused(CHALLENGE_CLOSED, f"challenge {challenge_id} is {record.status}")
    return record


def _check_hashes(ctx: Context, record: ChallengeRecord, message: MsgSubmitCPUVerification) -> None:
    if APPEALED.get(ctx.state, u64(record.challenge_id)) is not None:
        if message.computed_hash or message.expected_hash:
            raise Refused(INVALID_CHALLENGE, "a verdict about an appeal names no hashes")
        return
    accused = AGGREGATIONS.get(ctx.state, u64(record.aggregation_id))
    if accused is None or message.expected_hash != accused.aggregated_gradient_ipfs_hash:
        raise Refused(INVALID_CHALLENGE, "expected_hash is not the CID of the challenged aggregate")
    checked_cid(message.computed_hash, "computed_hash")
