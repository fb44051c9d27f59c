"""Experts, rounds and commitments, as `r3mes.v1.Query` answers about them."""

from __future__ import annotations

from collections.abc import Iterator

from r3mes_ray.errors import NotOnChain
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.genesis import parameters_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.parameters import AMOUNTS, Parameters
from r3mes_ray.localnet.queries.paging import page
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    COMMITMENTS,
    EXPERT_ROUNDS,
    EXPERTS,
    PROPOSER_COMMITMENTS,
    ROUND_WEIGHTS,
    ROUNDS,
    expert_key,
    u64,
)
from r3mes_ray.localnet.rounds import commitments_of, phase_at, updates_of
from r3mes_ray.wire.r3mes.v1.query_pb2 import (
    QueryAggregationRequest,
    QueryAggregationResponse,
    QueryCommitmentRequest,
    QueryCommitmentResponse,
    QueryCommitmentsRequest,
    QueryCommitmentsResponse,
    QueryExpertRequest,
    QueryExpertResponse,
    QueryExpertsRequest,
    QueryExpertsResponse,
    QueryParamsRequest,
    QueryParamsResponse,
    QueryRoundGradientsRequest,
    QueryRoundGradientsResponse,
    QueryRoundRequest,
    QueryRoundResponse,
    QueryRoundsRequest,
    QueryRoundsResponse,
    QueryRoundWeightsRequest,
    QueryRoundWeightsResponse,
)
from r3mes_ray.wire.r3mes.v1.types_pb2 import Params, Round


def params(node: ChainNode, request: QueryParamsRequest) -> QueryParamsResponse:
    """The rule set and its parameters."""
    held = parameters_of(node.store)
    return QueryParamsResponse(
        rule_set=held.rule_set,
        denom=node.chain.denom,
        submit_blocks=held.submit_blocks,
        commit_blocks=held.commit_blocks,
        reveal_blocks=held.reveal_blocks,
        challenge_blocks=held.challenge_blocks,
        grace_blocks=held.grace_blocks,
        min_phase_blocks=held.min_phase_blocks,
        max_phase_blocks=held.max_phase_blocks,
        expert_bond=f"{held.expert_bond}{node.chain.denom}",
        proposer_stake=f"{held.proposer_stake}{node.chain.denom}",
        min_gas_price=held.min_gas_price,
        proof_of_work_bits=held.proof_of_work_bits,
        challenge_bond=f"{held.challenge_bond}{node.chain.denom}",
        verification_blocks=held.verification_blocks,
        appeal_blocks=held.appeal_blocks,
        unbonding_blocks=held.unbonding_blocks,
        validator_stake=f"{held.validator_stake}{node.chain.denom}",
        nonce_window=held.nonce_window,
        parameters=_all(held),
    )


def expert(node: ChainNode, request: QueryExpertRequest) -> QueryExpertResponse:
    """One expert with its versions."""
    found = EXPERTS.get(node.store, request.name.encode())
    if found is None:
        raise NotOnChain("expert", request.name[:80])
    return QueryExpertResponse(expert=found)


def experts(node: ChainNode, request: QueryExpertsRequest) -> QueryExpertsResponse:
    """All experts, by name."""
    taken, answer = page(EXPERTS.items(node.store), request.pagination)
    return QueryExpertsResponse(experts=taken, pagination=answer)


def round_(node: ChainNode, request: QueryRoundRequest) -> QueryRoundResponse:
    """One round, with its phase at the last block."""
    found = ROUNDS.get(node.store, u64(request.round_id))
    if found is None:
        raise NotOnChain("round", str(request.round_id))
    return QueryRoundResponse(round=_with_phase(node, found))


def rounds(node: ChainNode, request: QueryRoundsRequest) -> QueryRoundsResponse:
    """The rounds of one expert, or all; newest first."""
    rows = [(u64(found.round_id), found) for found in _rounds(node, request.expert)]
    taken, answer = page(reversed(rows), request.pagination)
    return QueryRoundsResponse(rounds=taken, pagination=answer)


def round_gradients(node: ChainNode, request: QueryRoundGradientsRequest) -> QueryRoundGradientsResponse:
    """A round's updates, by ascending id."""
    round_(node, QueryRoundRequest(round_id=request.round_id))
    rows = ((u64(update.id), update) for update in updates_of(node.store, request.round_id))
    taken, answer = page(rows, request.pagination)
    return QueryRoundGradientsResponse(gradients=taken, pagination=answer)


def round_weights(node: ChainNode, request: QueryRoundWeightsRequest) -> QueryRoundWeightsResponse:
    """What weighs a round's updates, by ascending id; nothing before the end of its submit phase."""
    round_(node, QueryRoundRequest(round_id=request.round_id))
    taken, answer = page(ROUND_WEIGHTS.items(node.store, u64(request.round_id)), request.pagination)
    return QueryRoundWeightsResponse(weights=taken, pagination=answer)


def commitment(node: ChainNode, request: QueryCommitmentRequest) -> QueryCommitmentResponse:
    """The one commitment of a proposer in a round."""
    proposer = parse_address(request.proposer, node.chain.prefix)
    number = PROPOSER_COMMITMENTS.get(node.store, u64(request.round_id), proposer)
    found = None if number is None else COMMITMENTS.get(node.store, u64(number))
    if found is None:
        raise NotOnChain("commitment", f"of {request.proposer} in round {request.round_id}")
    return QueryCommitmentResponse(commitment=found)


def commitments(node: ChainNode, request: QueryCommitmentsRequest) -> QueryCommitmentsResponse:
    """All commitments of a round, by ascending id."""
    round_(node, QueryRoundRequest(round_id=request.round_id))
    rows = ((u64(found.commitment_id), found) for found in commitments_of(node.store, request.round_id))
    taken, answer = page(rows, request.pagination)
    return QueryCommitmentsResponse(commitments=taken, pagination=answer)


def aggregation(node: ChainNode, request: QueryAggregationRequest) -> QueryAggregationResponse:
    """One revealed aggregate with its participants and status."""
    found = AGGREGATIONS.get(node.store, u64(request.aggregation_id))
    if found is None:
        raise NotOnChain("aggregation", str(request.aggregation_id))
    return QueryAggregationResponse(aggregation=found)


def _all(held: Parameters) -> Params:
    answer = Params()
    for name, value in held.model_dump(exclude={"rule_set"}).items():
        setattr(answer, name, str(value) if name in AMOUNTS else value)
    return answer


def _rounds(node: ChainNode, name: str) -> Iterator[Round]:
    if not name:
        for _, found in ROUNDS.items(node.store):
            yield _with_phase(node, found)
    for _, number in EXPERT_ROUNDS.items(node.store, expert_key(name)) if name else ():
        one = ROUNDS.get(node.store, u64(number))
        if one is not None:
            yield _with_phase(node, one)


def _with_phase(node: ChainNode, found: Round) -> Round:
    found.phase = phase_at(found, node.height)
    return found
