"""Proposals, deposits and votes."""

from __future__ import annotations

from google.protobuf.any_pb2 import Any as AnyMessage

from r3mes_ray.localnet import governance, ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    DEPOSIT_TOO_SMALL,
    INACTIVE_PROPOSAL,
    INVALID_COINS,
    INVALID_PROPOSAL_MESSAGE,
    INVALID_PROPOSAL_SIGNER,
    INVALID_REQUEST,
    INVALID_VOTE,
    METADATA_TOO_LONG,
    NO_PROPOSAL_MESSAGES,
    NOT_SUPPORTED,
    PROPOSAL_NOT_FOUND,
    UNROUTABLE_PROPOSAL,
    Refused,
)
from r3mes_ray.localnet.coins import parse_coins
from r3mes_ray.localnet.context import Context, timestamp
from r3mes_ray.localnet.decode import signer_of, unpack
from r3mes_ray.localnet.handlers.checks import checked_text
from r3mes_ray.localnet.records import COUNTERS, DEPOSITS, LIVE_PROPOSALS, PROPOSALS, VOTES, u64
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.cosmos.gov.v1 import gov_pb2
from r3mes_ray.wire.cosmos.gov.v1.gov_pb2 import Deposit, Proposal, TallyResult, Vote, WeightedVoteOption
from r3mes_ray.wire.cosmos.gov.v1.tx_pb2 import (
    MsgDeposit,
    MsgDepositResponse,
    MsgSubmitProposal,
    MsgSubmitProposalResponse,
    MsgVote,
    MsgVoteResponse,
)
from r3mes_ray.wire.r3mes.v1 import tx_pb2 as r3mes
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgActivateModel,
    MsgMarkDatasetAsOfficial,
    MsgRegisterModel,
    MsgRemoveDataset,
    MsgResolveChallenge,
    MsgUpdateParams,
)

EXECUTABLE = frozenset(
    type_url(kind)
    for kind in (
        MsgUpdateParams,
        r3mes.MsgUpdateParams,
        MsgRegisterModel,
        MsgActivateModel,
        MsgMarkDatasetAsOfficial,
        MsgRemoveDataset,
        MsgResolveChallenge,
    )
)
"""What a passed proposal may do."""
_MAX_MESSAGES = 16
_MAX_METADATA = 255
_MAX_TITLE = 255
_MAX_SUMMARY = 10_200


def submit_proposal(ctx: Context, message: MsgSubmitProposal) -> MsgSubmitProposalResponse:
    """Propose messages that the gov account shall send; ids start at 1, as in the SDK."""
    _check_texts(message)
    if message.expedited:
        raise Refused(NOT_SUPPORTED, "expedited proposals")
    _check_messages(ctx, message)
    number = (COUNTERS.get(ctx.state, b"proposal") or 0) + 1
    COUNTERS.put(ctx.state, number, b"proposal")
    proposal = Proposal(
        id=number,
        messages=message.messages,
        status=gov_pb2.PROPOSAL_STATUS_DEPOSIT_PERIOD,
        final_tally_result=TallyResult(yes_count="0", abstain_count="0", no_count="0", no_with_veto_count="0"),
        submit_time=ctx.time,
        deposit_end_time=timestamp(ctx.time_ns + ctx.parameters.deposit_period_s * 10**9),
        metadata=message.metadata,
        title=message.title,
        summary=message.summary,
        proposer=message.proposer,
    )
    PROPOSALS.put(ctx.state, proposal, u64(number))
    LIVE_PROPOSALS.put(ctx.state, number, u64(number))
    ctx.emit("submit_proposal", proposal_id=number, proposal_proposer=message.proposer)
    coins = parse_coins(message.initial_deposit)
    if coins:
        _take_deposit(ctx, proposal, message.proposer, coins)
    return MsgSubmitProposalResponse(proposal_id=number)


def deposit(ctx: Context, message: MsgDeposit) -> MsgDepositResponse:
    """Add to a proposal's deposit; with enough of it the vote begins."""
    proposal = _live(ctx, message.proposal_id)
    coins = parse_coins(message.amount)
    if not coins:
        raise Refused(DEPOSIT_TOO_SMALL, "a deposit of nothing")
    _take_deposit(ctx, proposal, message.depositor, coins)
    return MsgDepositResponse()


def vote(ctx: Context, message: MsgVote) -> MsgVoteResponse:
    """Vote, or change one's vote; it counts with the stake that the voter has when the period ends."""
    proposal = _live(ctx, message.proposal_id)
    if proposal.status != gov_pb2.PROPOSAL_STATUS_VOTING_PERIOD:
        raise Refused(INACTIVE_PROPOSAL, f"proposal {proposal.id} has not its deposit yet")
    if message.option not in gov_pb2.VoteOption.values() or message.option == gov_pb2.VOTE_OPTION_UNSPECIFIED:
        raise Refused(INVALID_VOTE, f"{int(message.option)}")
    if len(message.metadata) > _MAX_METADATA:
        raise Refused(METADATA_TOO_LONG, f"at most {_MAX_METADATA} characters")
    record = Vote(
        proposal_id=proposal.id,
        voter=message.voter,
        options=[WeightedVoteOption(option=message.option, weight="1.000000000000000000")],
        metadata=message.metadata,
    )
    VOTES.put(ctx.state, record, u64(proposal.id), parse_address(message.voter, ctx.chain.prefix))
    option = gov_pb2.VoteOption.Name(message.option)
    ctx.emit("proposal_vote", voter=message.voter, proposal_id=proposal.id, option=option)
    return MsgVoteResponse()


def _check_texts(message: MsgSubmitProposal) -> None:
    if len(message.metadata) > _MAX_METADATA:
        raise Refused(METADATA_TOO_LONG, f"at most {_MAX_METADATA} characters")
    checked_text(message.title, "title", 1, _MAX_TITLE, INVALID_REQUEST)
    checked_text(message.summary, "summary", 1, _MAX_SUMMARY, INVALID_REQUEST)


def _check_messages(ctx: Context, message: MsgSubmitProposal) -> None:
    if not message.messages:
        raise Refused(NO_PROPOSAL_MESSAGES, "a proposal without messages does nothing")
    if len(message.messages) > _MAX_MESSAGES:
        raise Refused(INVALID_PROPOSAL_MESSAGE, f"at most {_MAX_MESSAGES} messages")
    for packed in message.messages:
        _check_message(ctx, packed)


def _check_message(ctx: Context, packed: AnyMessage) -> None:
    if packed.type_url not in EXECUTABLE:
        raise Refused(UNROUTABLE_PROPOSAL, packed.type_url[:100])
    try:
        signer = signer_of(unpack(packed), ctx.chain.prefix)
    except Refused as refused:
        raise Refused(INVALID_PROPOSAL_MESSAGE, str(refused)) from refused
    if signer != ledger.GOV:
        raise Refused(INVALID_PROPOSAL_SIGNER, packed.type_url)


def _live(ctx: Context, number: int) -> Proposal:
    proposal = PROPOSALS.get(ctx.state, u64(number))
    if proposal is None:
        raise Refused(PROPOSAL_NOT_FOUND, f"proposal {number}")
    if LIVE_PROPOSALS.get(ctx.state, u64(number)) is None:
        raise Refused(INACTIVE_PROPOSAL, f"proposal {number} is over")
    return proposal


def _take_deposit(ctx: Context, proposal: Proposal, depositor: str, coins: dict[str, int]) -> None:
    denom = ctx.chain.denom
    if set(coins) != {denom}:
        raise Refused(INVALID_COINS, f"deposits are paid in {denom} alone")
    owner, amount = parse_address(depositor, ctx.chain.prefix), coins[denom]
    ledger.move(ctx, owner, ledger.GOV, denom, amount)
    known = DEPOSITS.get(ctx.state, u64(proposal.id), owner)
    own = amount + (int(known.amount[0].amount) if known is not None else 0)
    record = Deposit(proposal_id=proposal.id, depositor=depositor, amount=[Coin(denom=denom, amount=str(own))])
    DEPOSITS.put(ctx.state, record, u64(proposal.id), owner)
    total = governance.add_deposit(proposal, denom, amount)
    PROPOSALS.put(ctx.state, proposal, u64(proposal.id))
    ctx.emit("proposal_deposit", depositor=depositor, proposal_id=proposal.id, amount=f"{amount}{denom}")
    is_waiting = proposal.status == gov_pb2.PROPOSAL_STATUS_DEPOSIT_PERIOD
    if is_waiting and total >= ctx.parameters.proposal_deposit:
        governance.start_voting(ctx, proposal)
