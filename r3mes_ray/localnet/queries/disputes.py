"""Challenges, slashes, appeals, proofs and base models, as `r3mes.v1.Query` answers about them."""

from __future__ import annotations

from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.genesis import parameters_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries.paging import page
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    APPEALS,
    CHALLENGE_DUE,
    CHALLENGES,
    MODELS,
    SLASHES,
    UPDATES,
    u64,
)
from r3mes_ray.protocol.merkle import UpdateLeaf, prove
from r3mes_ray.types import Cid
from r3mes_ray.wire.r3mes.v1.query_pb2 import (
    QueryAppealsRequest,
    QueryAppealsResponse,
    QueryChallengeRequest,
    QueryChallengeResponse,
    QueryChallengesRequest,
    QueryChallengesResponse,
    QueryModelsRequest,
    QueryModelsResponse,
    QueryProofsRequest,
    QueryProofsResponse,
    QuerySlashesRequest,
    QuerySlashesResponse,
)
from r3mes_ray.wire.r3mes.v1.types_pb2 import Proof


def challenge(node: ChainNode, request: QueryChallengeRequest) -> QueryChallengeResponse:
    """One challenge, or an appeal's panel, with its deadline while it is open."""
    found = CHALLENGES.get(node.store, u64(request.challenge_id))
    if found is None:
        raise NotOnChain("challenge", str(request.challenge_id))
    open_ones = {number: int.from_bytes(key[:8], "big") for key, number in CHALLENGE_DUE.items(node.store)}
    return QueryChallengeResponse(challenge=found, deadline_height=open_ones.get(request.challenge_id, 0))


def challenges(node: ChainNode, request: QueryChallengesRequest) -> QueryChallengesResponse:
    """All challenges, by ascending id."""
    taken, answer = page(CHALLENGES.items(node.store), request.pagination)
    return QueryChallengesResponse(challenges=taken, pagination=answer)


def slashes(node: ChainNode, request: QuerySlashesRequest) -> QuerySlashesResponse:
    """All slashes, by ascending id."""
    taken, answer = page(SLASHES.items(node.store), request.pagination)
    return QuerySlashesResponse(slashes=taken, pagination=answer)


def appeals(node: ChainNode, request: QueryAppealsRequest) -> QueryAppealsResponse:
    """All appeals, by ascending id."""
    taken, answer = page(APPEALS.items(node.store), request.pagination)
    return QueryAppealsResponse(appeals=taken, pagination=answer)


def models(node: ChainNode, request: QueryModelsRequest) -> QueryModelsResponse:
    """All base models, by ascending id."""
    taken, answer = page(MODELS.items(node.store), request.pagination)
    return QueryModelsResponse(models=taken, pagination=answer)


def proofs(node: ChainNode, request: QueryProofsRequest) -> QueryProofsResponse:
    """Inclusion proofs of an aggregate's accepted updates; index and total are the chain's own."""
    if parameters_of(node.store).rule_set != "v2":
        raise InvalidInput("rule set", "only v2's tree has proofs")
    found = AGGREGATIONS.get(node.store, u64(request.aggregation_id))
    if found is None:
        raise NotOnChain("aggregation", str(request.aggregation_id))
    leaves = [_leaf(node, number) for number in found.participant_gradient_ids]
    rows = [(u64(index), index) for index in range(len(leaves))]
    taken, answer = page(rows, request.pagination)
    return QueryProofsResponse(
        merkle_root=found.merkle_root,
        total=len(leaves),
        proofs=[Proof(gradient_id=leaves[i].update_id, index=i, path=prove(leaves, i)) for i in taken],
        pagination=answer,
    )


def _leaf(node: ChainNode, number: int) -> UpdateLeaf:
    update = UPDATES.get(node.store, u64(number))
    if update is None:
        raise NotOnChain("update", str(number))
    miner = parse_address(update.miner, node.chain.prefix)
    return UpdateLeaf(number, Cid(update.ipfs_hash), update.gradient_hash, miner)
