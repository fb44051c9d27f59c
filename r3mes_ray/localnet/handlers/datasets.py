"""Datasets: proposed and voted on by stake, then marked or removed by governance."""

from __future__ import annotations

from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    DATASET_NOT_FOUND,
    DATASET_PROPOSAL_NOT_FOUND,
    INSUFFICIENT_STAKE,
    INVALID_COINS,
    INVALID_PARAMETER,
    INVALID_VOTE_OPTION,
    VOTING_OVER,
    Refused,
)
from r3mes_ray.localnet.coins import parse_coin_text
from r3mes_ray.localnet.context import Context, timestamp
from r3mes_ray.localnet.datasets import audit
from r3mes_ray.localnet.handlers.checks import check_authority, checked_cid, checked_text
from r3mes_ray.localnet.records import (
    DATASET_PROPOSALS,
    DATASET_VOTES,
    DATASETS,
    LIVE_DATASETS,
    next_id,
    u64,
)
from r3mes_ray.localnet.stakes import stake_of
from r3mes_ray.localnet.tasks import open_pool
from r3mes_ray.wire.remes.remes.v1.dataset_pb2 import ApprovedDataset, DatasetProposal, DatasetVote
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgMarkDatasetAsOfficial,
    MsgMarkDatasetAsOfficialResponse,
    MsgProposeDataset,
    MsgProposeDatasetResponse,
    MsgRemoveDataset,
    MsgRemoveDatasetResponse,
    MsgVoteDataset,
    MsgVoteDatasetResponse,
)

_MAX_SCORE = 100
_MAX_METADATA_BYTES = 16_384


def propose(ctx: Context, message: MsgProposeDataset) -> MsgProposeDatasetResponse:
    """Propose a dataset; its vote lasts as long as a proposal's."""
    checked_cid(message.dataset_ipfs_hash, "dataset_ipfs_hash")
    checked_text(message.metadata.name, "metadata.name", 1, 256)
    if message.metadata.ByteSize() > _MAX_METADATA_BYTES:
        raise Refused(INVALID_PARAMETER, f"metadata has more than {_MAX_METADATA_BYTES} bytes")
    denom, deposit = parse_coin_text(message.deposit)
    if denom != ctx.chain.denom:
        raise Refused(INVALID_COINS, f"deposits are paid in {ctx.chain.denom}, not in {denom}")
    if deposit < ctx.parameters.dataset_deposit:
        raise Refused(INSUFFICIENT_STAKE, f"the deposit is at least {ctx.parameters.dataset_deposit}{denom}")
    ledger.move(ctx, parse_address(message.proposer, ctx.chain.prefix), ledger.DATASET_ESCROW, denom, deposit)
    number = next_id(ctx.state, "dataset_proposal")
    record = DatasetProposal(
        proposal_id=number,
        proposer=message.proposer,
        dataset_ipfs_hash=message.dataset_ipfs_hash,
        metadata=message.metadata,
        deposit=message.deposit,
        voting_period_end=timestamp(ctx.time_ns + ctx.parameters.voting_period_s * 10**9),
        status="voting",
        submit_time=ctx.time,
    )
    DATASET_PROPOSALS.put(ctx.state, record, u64(number))
    LIVE_DATASETS.put(ctx.state, number, u64(number))
    ctx.emit("propose_dataset", proposal_id=number, proposer=message.proposer)
    return MsgProposeDatasetResponse(proposal_id=number)


def vote(ctx: Context, message: MsgVoteDataset) -> MsgVoteDatasetResponse:
    """Vote, or change one's vote; it counts with the stake that the voter has at the end."""
    if DATASET_PROPOSALS.get(ctx.state, u64(message.proposal_id)) is None:
        raise Refused(DATASET_PROPOSAL_NOT_FOUND, f"dataset proposal {message.proposal_id}")
    if LIVE_DATASETS.get(ctx.state, u64(message.proposal_id)) is None:
        raise Refused(VOTING_OVER, f"dataset proposal {message.proposal_id}")
    if message.option not in ("yes", "no", "abstain"):
        raise Refused(INVALID_VOTE_OPTION, f"{message.option[:40]!r} is not yes, no or abstain")
    if max(message.quality_score, message.relevance_score) > _MAX_SCORE:
        raise Refused(INVALID_PARAMETER, f"scores go up to {_MAX_SCORE}")
    voter = parse_address(message.voter, ctx.chain.prefix)
    known = DATASET_VOTES.get(ctx.state, u64(message.proposal_id), voter)
    record = DatasetVote(
        vote_id=next_id(ctx.state, "dataset_vote") if known is None else known.vote_id,
        proposal_id=message.proposal_id,
        voter=message.voter,
        option=message.option,
        voting_power=str(stake_of(ctx.state, voter)),
        quality_score=message.quality_score,
        relevance_score=message.relevance_score,
        voted_at_height=ctx.height,
        voted_at_time=ctx.time,
    )
    DATASET_VOTES.put(ctx.state, record, u64(message.proposal_id), voter)
    ctx.emit("vote_dataset", proposal_id=message.proposal_id, voter=message.voter, option=message.option)
    return MsgVoteDatasetResponse(vote_id=record.vote_id)


def mark_official(ctx: Context, message: MsgMarkDatasetAsOfficial) -> MsgMarkDatasetAsOfficialResponse:
    """Make an approved dataset official training data, which opens a pool of its chunks for miners to claim."""
    check_authority(ctx, message.authority)
    record = _active(ctx, message.dataset_id)
    if record.is_official_training_data:
        raise Refused(INVALID_PARAMETER, f"dataset {record.dataset_id} is official already")
    record.is_official_training_data = True
    record.audit_trail.append(audit(ctx, "marked_official", message.authority, ""))
    DATASETS.put(ctx.state, record, u64(record.dataset_id))
    open_pool(ctx, record)
    ctx.emit("dataset_official", dataset_id=record.dataset_id)
    return MsgMarkDatasetAsOfficialResponse()


def remove(ctx: Context, message: MsgRemoveDataset) -> MsgRemoveDatasetResponse:
    """Take an approved dataset out of use; its record stays."""
    check_authority(ctx, message.authority)
    checked_text(message.reason, "reason", 1, 1024)
    record = _active(ctx, message.dataset_id)
    record.status = "removed"
    record.removal_height = ctx.height
    record.audit_trail.append(audit(ctx, "removed", message.authority, message.reason))
    DATASETS.put(ctx.state, record, u64(record.dataset_id))
    ctx.emit("dataset_removed", dataset_id=record.dataset_id)
    return MsgRemoveDatasetResponse()


def _active(ctx: Context, number: int) -> ApprovedDataset:
    record = DATASETS.get(ctx.state, u64(number))
    if record is None or record.status != "active":
        raise Refused(DATASET_NOT_FOUND, f"there is no active dataset {number}")
    return record
