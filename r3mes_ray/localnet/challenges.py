"""The life of a challenge: a drawn verifier, then a panel, then what their verdict costs whom."""

from __future__ import annotations

from r3mes_ray.localnet import ledger, stakes, verifiers
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    APPEALED,
    APPEALS,
    CHALLENGE_DUE,
    CHALLENGES,
    ROUNDS,
    SLASHES,
    u64,
)
from r3mes_ray.localnet.rounds import extend_challenge, next_reveal
from r3mes_ray.localnet.verifiers import PANEL_SIZE
from r3mes_ray.wire.r3mes.v1.types_pb2 import Round
from r3mes_ray.wire.remes.remes.v1.state_pb2 import AggregationRecord, ChallengeRecord

LAYER_2 = "layer2_pending"
LAYER_3 = "cpu_verification_pending"
FRAUD = "cpu_verification_complete_fraud"
VALID = "cpu_verification_complete_valid"
UNDECIDED = "undecided"


def due_height(ctx: Context, challenge_id: int) -> int:
    """The block at whose end an open challenge is settled; 0 when it is settled."""
    for key, number in CHALLENGE_DUE.items(ctx.state):
        if number == challenge_id:
            return int.from_bytes(key[:8], "big")
    return 0


def open_layer_2(ctx: Context, record: ChallengeRecord, proposer: str) -> None:
    """Draw the verifier who recomputes the aggregate; where there is no validator, governance decides."""
    drawn = verifiers.draw(ctx, record.challenge_id, 1, {record.challenger, proposer})
    record.layer = 2
    record.status = LAYER_2
    record.random_verifier = drawn[0] if drawn else ""
    record.random_verifier_result = "pending"
    _wait(ctx, record)


def open_layer_3(ctx: Context, record: ChallengeRecord, excluded: set[str]) -> None:
    """Draw the panel whose two thirds decide."""
    record.layer = 3
    record.status = LAYER_3
    record.cpu_verification_panel.extend(verifiers.draw(ctx, record.challenge_id, PANEL_SIZE, excluded))
    _wait(ctx, record)


def verdict_of(record: ChallengeRecord) -> str:
    """What two thirds of the panel say, or `UNDECIDED`."""
    size = len(record.cpu_verification_panel)
    valid = sum(result.is_valid for result in record.cpu_verification_results)
    invalid = len(record.cpu_verification_results) - valid
    if size and 3 * invalid >= 2 * size:
        return FRAUD
    return VALID if size and 3 * valid >= 2 * size else UNDECIDED


def end_block(ctx: Context) -> None:
    """Settle the challenges whose time is over, or move them to the panel."""
    for _, number in list(CHALLENGE_DUE.items(ctx.state, u64(ctx.height))):
        record = CHALLENGES.get(ctx.state, u64(number))
        if record is None:
            continue
        if record.layer == 2 and record.random_verifier:
            verifiers.blame_absent(ctx, record.random_verifier, number)
            escalate(ctx, record)
        else:
            settle(ctx, record, verdict_of(record))


def escalate(ctx: Context, record: ChallengeRecord) -> None:
    """From the drawn verifier to the panel, in which neither it nor a party sits."""
    accused = AGGREGATIONS.get(ctx.state, u64(record.aggregation_id))
    proposer = accused.proposer if accused is not None else ""
    open_layer_3(ctx, record, {record.challenger, proposer, record.random_verifier})


def settle(ctx: Context, record: ChallengeRecord, verdict: str) -> None:
    """End a challenge or an appeal: bonds, slashes, the round, and the validators' counters."""
    _stop_waiting(ctx, record)
    record.status = verdict
    record.fraud_detected = verdict == FRAUD
    record.resolution_height = ctx.height
    CHALLENGES.put(ctx.state, record, u64(record.challenge_id))
    right = _judge_validators(ctx, record, verdict)
    if APPEALED.get(ctx.state, u64(record.challenge_id)) is None:
        _settle_aggregate(ctx, record, verdict, right)
    else:
        _settle_appeal(ctx, record, verdict)
    ctx.emit(
        "challenge_resolved", challenge_id=record.challenge_id, aggregation_id=record.aggregation_id, verdict=verdict
    )


def _settle_aggregate(ctx: Context, record: ChallengeRecord, verdict: str, right: list[str]) -> None:
    accused = AGGREGATIONS.get(ctx.state, u64(record.aggregation_id))
    found = None if accused is None else ROUNDS.get(ctx.state, u64(accused.training_round_id))
    if accused is None or found is None:
        raise LookupError(f"challenge {record.challenge_id} names an aggregation that the state does not have")
    bond = int(record.bond_amount.removesuffix(ctx.chain.denom))
    challenger = parse_address(record.challenger, ctx.chain.prefix)
    if verdict == VALID:
        _share_bond(ctx, bond, accused, right)
    else:
        ledger.move(ctx, ledger.CHALLENGE_ESCROW, challenger, ctx.chain.denom, bond)
    if verdict == FRAUD:
        reason = f"fraud:{record.challenge_id}"
        stakes.slash(ctx, accused.proposer, ctx.parameters.fraud_slash, reason, record.challenger)
        next_reveal(ctx, found, accused)
        return
    _stand(ctx, found, accused)


def _stand(ctx: Context, found: Round, accused: AggregationRecord) -> None:
    accused.status = "pending"
    AGGREGATIONS.put(ctx.state, accused, u64(accused.aggregation_id))
    found.challenge_end = max(accused.challenge_deadline_height, ctx.height)
    ROUNDS.put(ctx.state, found, u64(found.round_id))


def _share_bond(ctx: Context, bond: int, accused: AggregationRecord, right: list[str]) -> None:
    """A challenge that was wrong pays the validators who said so, and the proposer the rest."""
    part = bond // (2 * len(right)) if right else 0
    for address in right if part else ():
        ledger.move(ctx, ledger.CHALLENGE_ESCROW, parse_address(address, ctx.chain.prefix), ctx.chain.denom, part)
    proposer = parse_address(accused.proposer, ctx.chain.prefix)
    ledger.move(ctx, ledger.CHALLENGE_ESCROW, proposer, ctx.chain.denom, bond - part * len(right))


def _settle_appeal(ctx: Context, record: ChallengeRecord, verdict: str) -> None:
    appeal = APPEALS.get(ctx.state, u64(record.challenge_id))
    number = APPEALED.get(ctx.state, u64(record.challenge_id))
    slash = None if number is None else SLASHES.get(ctx.state, u64(number))
    if appeal is None or slash is None:
        raise LookupError(f"appeal {record.challenge_id} names a slash that the state does not have")
    appeal.status = "accepted" if verdict == VALID else "rejected"
    appeal.cpu_verification_result = verdict == VALID
    appeal.resolution_height = ctx.height
    APPEALS.put(ctx.state, appeal, u64(record.challenge_id))
    if verdict == VALID:
        stakes.give_back(ctx, slash)


def _judge_validators(ctx: Context, record: ChallengeRecord, verdict: str) -> list[str]:
    """Count who was right, wrong and absent; returns those who were right."""
    said = {result.validator_address: result.is_valid for result in record.cpu_verification_results}
    if record.random_verifier_result in ("valid", "invalid"):
        said[record.random_verifier] = record.random_verifier_result == "valid"
    if verdict != UNDECIDED:
        for address, is_valid in said.items():
            verifiers.credit(ctx, address, is_right=is_valid == (verdict == VALID))
    for address in record.cpu_verification_panel:
        if address not in said:
            verifiers.blame_absent(ctx, address, record.challenge_id)
    return sorted(address for address, is_valid in said.items() if is_valid == (verdict == VALID))


def _wait(ctx: Context, record: ChallengeRecord) -> None:
    """Give the verifiers their time; a round's challenge phase lasts at least as long."""
    _stop_waiting(ctx, record)
    due = ctx.height + ctx.parameters.verification_blocks
    CHALLENGE_DUE.put(ctx.state, record.challenge_id, u64(due), u64(record.challenge_id))
    CHALLENGES.put(ctx.state, record, u64(record.challenge_id))
    if APPEALED.get(ctx.state, u64(record.challenge_id)) is None:
        extend_challenge(ctx, record.aggregation_id, due)


def _stop_waiting(ctx: Context, record: ChallengeRecord) -> None:
    due = due_height(ctx, record.challenge_id)
    if due:
        CHALLENGE_DUE.delete(ctx.state, u64(due), u64(record.challenge_id))
