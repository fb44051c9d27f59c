"""Proposals and votes, as `cosmos.gov.v1.Query` answers about them."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from r3mes_ray.errors import NotOnChain
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.genesis import parameters_of
from r3mes_ray.localnet.governance import tally, tally_result
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries.paging import page
from r3mes_ray.localnet.records import DEPOSITS, LIVE_PROPOSALS, PROPOSALS, VOTES, u64
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.cosmos.gov.v1.gov_pb2 import DepositParams, Params, Proposal, TallyParams, VotingParams
from r3mes_ray.wire.cosmos.gov.v1.query_pb2 import (
    QueryDepositRequest,
    QueryDepositResponse,
    QueryDepositsRequest,
    QueryDepositsResponse,
    QueryParamsRequest,
    QueryParamsResponse,
    QueryProposalRequest,
    QueryProposalResponse,
    QueryProposalsRequest,
    QueryProposalsResponse,
    QueryTallyResultRequest,
    QueryTallyResultResponse,
    QueryVoteRequest,
    QueryVoteResponse,
    QueryVotesRequest,
    QueryVotesResponse,
)


def proposal(node: ChainNode, request: QueryProposalRequest) -> QueryProposalResponse:
    """One proposal."""
    return QueryProposalResponse(proposal=_proposal(node, request.proposal_id))


def proposals(node: ChainNode, request: QueryProposalsRequest) -> QueryProposalsResponse:
    """Proposals by id; of one status, voter or depositor where they are given."""
    rows = [(key, found) for key, found in PROPOSALS.items(node.store) if _matches(node, request, key, found)]
    taken, answer = page(rows, request.pagination)
    return QueryProposalsResponse(proposals=taken, pagination=answer)


def vote(node: ChainNode, request: QueryVoteRequest) -> QueryVoteResponse:
    """One account's vote."""
    found = VOTES.get(node.store, u64(request.proposal_id), parse_address(request.voter, node.chain.prefix))
    if found is None:
        raise NotOnChain("vote", f"of {request.voter} on proposal {request.proposal_id}")
    return QueryVoteResponse(vote=found)


def votes(node: ChainNode, request: QueryVotesRequest) -> QueryVotesResponse:
    """A proposal's votes, by address."""
    _proposal(node, request.proposal_id)
    taken, answer = page(VOTES.items(node.store, u64(request.proposal_id)), request.pagination)
    return QueryVotesResponse(votes=taken, pagination=answer)


def deposit(node: ChainNode, request: QueryDepositRequest) -> QueryDepositResponse:
    """One account's deposit."""
    found = DEPOSITS.get(node.store, u64(request.proposal_id), parse_address(request.depositor, node.chain.prefix))
    if found is None:
        raise NotOnChain("deposit", f"of {request.depositor} on proposal {request.proposal_id}")
    return QueryDepositResponse(deposit=found)


def deposits(node: ChainNode, request: QueryDepositsRequest) -> QueryDepositsResponse:
    """What is deposited on a proposal, by address; nothing once it is over."""
    _proposal(node, request.proposal_id)
    taken, answer = page(DEPOSITS.items(node.store, u64(request.proposal_id)), request.pagination)
    return QueryDepositsResponse(deposits=taken, pagination=answer)


def tally_of(node: ChainNode, request: QueryTallyResultRequest) -> QueryTallyResultResponse:
    """The count as it stands, or the final one."""
    found = _proposal(node, request.proposal_id)
    if LIVE_PROPOSALS.get(node.store, u64(found.id)) is None:
        return QueryTallyResultResponse(tally=found.final_tally_result)
    return QueryTallyResultResponse(tally=tally_result(tally(node.store, found.id)))


def params(node: ChainNode, request: QueryParamsRequest) -> QueryParamsResponse:
    """Deposits, periods and thresholds."""
    held = parameters_of(node.store)
    minimum = [Coin(denom=node.chain.denom, amount=str(held.proposal_deposit))]
    deposit_period, voting_period = Duration(seconds=held.deposit_period_s), Duration(seconds=held.voting_period_s)
    quorum, threshold, veto = (_decimal(part) for part in (held.quorum, held.threshold, held.veto_threshold))
    return QueryParamsResponse(
        voting_params=VotingParams(voting_period=voting_period),
        deposit_params=DepositParams(min_deposit=minimum, max_deposit_period=deposit_period),
        tally_params=TallyParams(quorum=quorum, threshold=threshold, veto_threshold=veto),
        params=Params(
            min_deposit=minimum,
            max_deposit_period=deposit_period,
            voting_period=voting_period,
            quorum=quorum,
            threshold=threshold,
            veto_threshold=veto,
        ),
    )


def _proposal(node: ChainNode, number: int) -> Proposal:
    found = PROPOSALS.get(node.store, u64(number))
    if found is None:
        raise NotOnChain("proposal", str(number))
    return found


def _matches(node: ChainNode, request: QueryProposalsRequest, key: bytes, found: Proposal) -> bool:
    if request.proposal_status and found.status != request.proposal_status:
        return False
    if request.voter and VOTES.get(node.store, key, parse_address(request.voter, node.chain.prefix)) is None:
        return False
    depositor = request.depositor
    return not depositor or DEPOSITS.get(node.store, key, parse_address(depositor, node.chain.prefix)) is not None


def _decimal(ten_thousandths: int) -> str:
    """A share as the SDK writes decimals: 18 digits."""
    return f"{ten_thousandths // 10_000}.{ten_thousandths % 10_000:04d}{'0' * 14}"
