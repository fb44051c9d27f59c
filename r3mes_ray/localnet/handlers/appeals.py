"""Appeals against slashes, decided by a panel of validators."""

from __future__ import annotations

from r3mes_ray.localnet import challenges, stakes
from r3mes_ray.localnet.codes import APPEAL_EXISTS, SLASH_NOT_FOUND, Refused
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import checked_cid, checked_text
from r3mes_ray.localnet.records import APPEALED, APPEALS, CHALLENGES, SLASHES, next_id, u64
from r3mes_ray.wire.r3mes.v1.types_pb2 import Slash
from r3mes_ray.wire.remes.remes.v1.slashing_pb2 import SlashingAppeal
from r3mes_ray.wire.remes.remes.v1.state_pb2 import ChallengeRecord
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgAppealSlashing, MsgAppealSlashingResponse


def appeal(ctx: Context, message: MsgAppealSlashing) -> MsgAppealSlashingResponse:
    """Contest a slash of the signer while it is held; `slashing_reason` is the slash's own."""
    checked_text(message.appeal_reason, "appeal_reason", 1, 1024)
    checked_cid(message.evidence_ipfs_hash, "evidence_ipfs_hash")
    slash = _slash(ctx, message)
    number = next_id(ctx.state, "challenge")
    APPEALED.put(ctx.state, slash.slash_id, u64(number))
    stakes.hold_longer(ctx, slash, ctx.height + ctx.parameters.verification_blocks + 1)
    record = SlashingAppeal(
        appeal_id=str(number),
        slashed_node=message.appellant,
        slashing_reason=message.slashing_reason,
        appeal_reason=message.appeal_reason,
        evidence_ipfs_hash=message.evidence_ipfs_hash,
        created_at_height=ctx.height,
        status="pending",
    )
    APPEALS.put(ctx.state, record, u64(number))
    _open_panel(ctx, message, slash, number)
    ctx.emit("slashing_appealed", appellant=message.appellant, appeal_id=number, reason=message.slashing_reason)
    return MsgAppealSlashingResponse(appeal_id=record.appeal_id)


def _slash(ctx: Context, message: MsgAppealSlashing) -> Slash:
    for _, slash in SLASHES.items(ctx.state):
        if slash.node_address != message.appellant or slash.reason != message.slashing_reason:
            continue
        if any(number == slash.slash_id for _, number in APPEALED.items(ctx.state)):
            raise Refused(APPEAL_EXISTS, message.slashing_reason)
        if slash.status == "held":
            return slash
    raise Refused(SLASH_NOT_FOUND, f"{message.slashing_reason[:80]!r} of {message.appellant}")


def _open_panel(ctx: Context, message: MsgAppealSlashing, slash: Slash, number: int) -> None:
    """Draw from the validators who have not judged the case before."""
    _, _, case = slash.reason.partition(":")
    before = CHALLENGES.get(ctx.state, u64(int(case))) if not slash.reason.startswith("unrevealed") else None
    excluded = {message.appellant, slash.beneficiary}
    if before is not None:
        excluded.update((before.random_verifier, *before.cpu_verification_panel))
    record = ChallengeRecord(
        challenge_id=number,
        challenger=message.appellant,
        aggregation_id=0 if before is None else before.aggregation_id,
        reason=f"appeal of {slash.reason}",
        evidence_ipfs_hash=message.evidence_ipfs_hash,
        created_at_height=ctx.height,
        bond_amount=f"0{ctx.chain.denom}",
    )
    challenges.open_layer_3(ctx, record, excluded)
