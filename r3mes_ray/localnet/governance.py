"""The life of a proposal, as in the SDK's gov module; the stakes of registered nodes are what votes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from google.protobuf.message import Message

from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.context import Context, timestamp
from r3mes_ray.localnet.decode import unpack
from r3mes_ray.localnet.parameters import Parameters
from r3mes_ray.localnet.records import DEPOSITS, LIVE_PROPOSALS, PROPOSALS, VOTES, u64
from r3mes_ray.localnet.stakes import stake_of, total_stake
from r3mes_ray.localnet.state import State
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.cosmos.gov.v1 import gov_pb2
from r3mes_ray.wire.cosmos.gov.v1.gov_pb2 import Proposal, TallyResult

Execute = Callable[[Context, Message], object]
_WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Tally:
    """Stake behind each option, and all stake that could have voted."""

    yes: int
    abstain: int
    no: int
    veto: int
    total: int

    @property
    def voted(self) -> int:
        """Stake that voted."""
        return self.yes + self.abstain + self.no + self.veto


def tally(state: State, proposal_id: int) -> Tally:
    """Count a proposal's votes with the stakes of now."""
    counts = dict.fromkeys(gov_pb2.VoteOption.values(), 0)
    for owner, vote in VOTES.items(state, u64(proposal_id)):
        counts[vote.options[0].option] += stake_of(state, owner)
    return Tally(
        yes=counts[gov_pb2.VOTE_OPTION_YES],
        abstain=counts[gov_pb2.VOTE_OPTION_ABSTAIN],
        no=counts[gov_pb2.VOTE_OPTION_NO],
        veto=counts[gov_pb2.VOTE_OPTION_NO_WITH_VETO],
        total=total_stake(state),
    )


def tally_result(counted: Tally) -> TallyResult:
    """A tally as the wire has it."""
    return TallyResult(
        yes_count=str(counted.yes),
        abstain_count=str(counted.abstain),
        no_count=str(counted.no),
        no_with_veto_count=str(counted.veto),
    )


def has_quorum(counted: Tally, rules: Parameters) -> bool:
    """Whether enough stake voted."""
    return counted.voted > 0 and counted.voted * _WHOLE >= counted.total * rules.quorum


def is_vetoed(counted: Tally, rules: Parameters) -> bool:
    """Whether no-with-veto has its part of the votes."""
    return counted.veto * _WHOLE > counted.voted * rules.veto_threshold


def is_accepted(counted: Tally, rules: Parameters) -> bool:
    """Whether yes has its part of the votes without abstentions."""
    decided = counted.voted - counted.abstain
    return decided > 0 and counted.yes * _WHOLE > decided * rules.threshold


def start_voting(ctx: Context, proposal: Proposal) -> None:
    """A proposal that has its deposit is voted on from now."""
    proposal.status = gov_pb2.PROPOSAL_STATUS_VOTING_PERIOD
    proposal.voting_start_time.CopyFrom(ctx.time)
    proposal.voting_end_time.CopyFrom(timestamp(ctx.time_ns + ctx.parameters.voting_period_s * 10**9))
    PROPOSALS.put(ctx.state, proposal, u64(proposal.id))
    ctx.emit("proposal_deposit", voting_period_start=proposal.id)


def add_deposit(proposal: Proposal, denom: str, amount: int) -> int:
    """Raise what a proposal has; returns it."""
    total = sum(int(coin.amount) for coin in proposal.total_deposit) + amount
    del proposal.total_deposit[:]
    if total:
        proposal.total_deposit.append(Coin(denom=denom, amount=str(total)))
    return total


def end_block(ctx: Context, execute: Execute) -> None:
    """End the periods that are over by this block's time."""
    for number in [number for _, number in LIVE_PROPOSALS.items(ctx.state)]:
        proposal = PROPOSALS.get(ctx.state, u64(number))
        if proposal is None:
            continue
        if proposal.status == gov_pb2.PROPOSAL_STATUS_DEPOSIT_PERIOD:
            if ctx.time_ns >= proposal.deposit_end_time.ToNanoseconds():
                _drop(ctx, proposal)
        elif ctx.time_ns >= proposal.voting_end_time.ToNanoseconds():
            _end_vote(ctx, proposal, execute)


def _drop(ctx: Context, proposal: Proposal) -> None:
    """Without its deposit in time a proposal vanishes, and what was deposited goes back."""
    _end_deposits(ctx, proposal, keep=False)
    LIVE_PROPOSALS.delete(ctx.state, u64(proposal.id))
    PROPOSALS.delete(ctx.state, u64(proposal.id))
    ctx.emit("inactive_proposal", proposal_id=proposal.id, proposal_result="proposal_dropped")


def _end_vote(ctx: Context, proposal: Proposal, execute: Execute) -> None:
    counted, rules = tally(ctx.state, proposal.id), ctx.parameters
    proposal.final_tally_result.CopyFrom(tally_result(counted))
    vetoed = is_vetoed(counted, rules)
    _end_deposits(ctx, proposal, keep=vetoed)
    LIVE_PROPOSALS.delete(ctx.state, u64(proposal.id))
    if has_quorum(counted, rules) and not vetoed and is_accepted(counted, rules):
        proposal.status, proposal.failed_reason = _execute(ctx, proposal, execute)
    else:
        proposal.status = gov_pb2.PROPOSAL_STATUS_REJECTED
    PROPOSALS.put(ctx.state, proposal, u64(proposal.id))
    name = gov_pb2.ProposalStatus.Name(proposal.status).lower()
    ctx.emit("active_proposal", proposal_id=proposal.id, proposal_result=name)


def _execute(ctx: Context, proposal: Proposal, execute: Execute) -> tuple[gov_pb2.ProposalStatus, str]:
    """Run all of a proposal's messages, or none."""
    attempt = ctx.nested()
    for index, packed in enumerate(proposal.messages):
        try:
            execute(attempt, unpack(packed))
        except Refused as refused:
            return gov_pb2.PROPOSAL_STATUS_FAILED, f"message {index}: {refused}"
    ctx.absorb(attempt)
    return gov_pb2.PROPOSAL_STATUS_PASSED, ""


def _end_deposits(ctx: Context, proposal: Proposal, *, keep: bool) -> None:
    for owner, deposit in list(DEPOSITS.items(ctx.state, u64(proposal.id))):
        target = ledger.TREASURY if keep else parse_address(deposit.depositor, ctx.chain.prefix)
        _pay(ctx, target, deposit.amount)
        DEPOSITS.delete(ctx.state, u64(proposal.id), owner)


def _pay(ctx: Context, target: bytes, coins: Iterable[Coin]) -> None:
    for coin in coins:
        ledger.move(ctx, ledger.GOV, target, coin.denom, int(coin.amount))
