"""Datasets that are voted on: the end of their votes."""

from __future__ import annotations

from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.governance import Tally, has_quorum, is_accepted
from r3mes_ray.localnet.records import (
    DATASET_PROPOSALS,
    DATASET_VOTES,
    DATASETS,
    LIVE_DATASETS,
    next_id,
    u64,
)
from r3mes_ray.localnet.stakes import stake_of, total_stake
from r3mes_ray.wire.remes.remes.v1.dataset_pb2 import ApprovedDataset, AuditTrailEntry, DatasetProposal


def end_block(ctx: Context) -> None:
    """End the votes whose time is over by this block's."""
    for number in [number for _, number in LIVE_DATASETS.items(ctx.state)]:
        proposal = DATASET_PROPOSALS.get(ctx.state, u64(number))
        if proposal is not None and ctx.time_ns >= proposal.voting_period_end.ToNanoseconds():
            _end_vote(ctx, proposal)


def audit(ctx: Context, kind: str, actor: str, description: str) -> AuditTrailEntry:
    """One line of a dataset's history."""
    return AuditTrailEntry(
        entry_type=kind, block_height=ctx.height, actor=actor, description=description, timestamp=ctx.time
    )


def _end_vote(ctx: Context, proposal: DatasetProposal) -> None:
    counted = _tally(ctx, proposal.proposal_id)
    proposal.total_votes = str(counted.voted)
    proposal.yes_votes, proposal.no_votes = str(counted.yes), str(counted.no)
    proposal.abstain_votes = str(counted.abstain)
    quorum = has_quorum(counted, ctx.parameters)
    proposal.status = "approved" if quorum and is_accepted(counted, ctx.parameters) else "rejected"
    LIVE_DATASETS.delete(ctx.state, u64(proposal.proposal_id))
    DATASET_PROPOSALS.put(ctx.state, proposal, u64(proposal.proposal_id))
    deposit = int(proposal.deposit.removesuffix(ctx.chain.denom))
    target = parse_address(proposal.proposer, ctx.chain.prefix) if quorum else ledger.TREASURY
    ledger.move(ctx, ledger.DATASET_ESCROW, target, ctx.chain.denom, deposit)
    if proposal.status == "approved":
        _approve(ctx, proposal)
    ctx.emit("dataset_vote_ended", proposal_id=proposal.proposal_id, status=proposal.status)


def _approve(ctx: Context, proposal: DatasetProposal) -> None:
    number = next_id(ctx.state, "dataset")
    record = ApprovedDataset(
        dataset_id=number,
        dataset_ipfs_hash=proposal.dataset_ipfs_hash,
        metadata=proposal.metadata,
        approval_height=ctx.height,
        proposer=proposal.proposer,
        status="active",
        audit_trail=[audit(ctx, "approved", proposal.proposer, f"proposal {proposal.proposal_id}")],
    )
    DATASETS.put(ctx.state, record, u64(number))


def _tally(ctx: Context, proposal_id: int) -> Tally:
    counts = {"yes": 0, "no": 0, "abstain": 0}
    for owner, vote in DATASET_VOTES.items(ctx.state, u64(proposal_id)):
        counts[vote.option] += stake_of(ctx.state, owner)
    return Tally(counts["yes"], counts["abstain"], counts["no"], 0, total_stake(ctx.state))
