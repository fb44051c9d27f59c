"""Datasets, inference requests, serving nodes, task pools and scores, as `remes.remes.v1.Query` answers about them."""

from __future__ import annotations

import json

from r3mes_ray.errors import NotOnChain
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.genesis import parameters_of
from r3mes_ray.localnet.inference import MINER_SHARE, SERVING_SHARE, number_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries.paging import MAX_LIMIT, page
from r3mes_ray.localnet.records import DATASET_PROPOSALS, DATASETS, INFERENCES, MINERS, POOLS, SERVING, u64
from r3mes_ray.localnet.tasks import available, is_active
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryInferenceRequestsRequest, QueryInferenceRequestsResponse
from r3mes_ray.wire.remes.remes.v1.query_pb2 import (
    QueryActivePoolRequest,
    QueryActivePoolResponse,
    QueryAvailableChunksRequest,
    QueryAvailableChunksResponse,
    QueryGetApprovedDatasetRequest,
    QueryGetApprovedDatasetResponse,
    QueryGetDatasetProposalRequest,
    QueryGetDatasetProposalResponse,
    QueryGetInferenceRequestRequest,
    QueryGetInferenceRequestResponse,
    QueryGetMinerScoreRequest,
    QueryGetMinerScoreResponse,
    QueryGetRewardFormulaRequest,
    QueryGetRewardFormulaResponse,
    QueryGetServingNodeStatusRequest,
    QueryGetServingNodeStatusResponse,
    QueryListApprovedDatasetsRequest,
    QueryListApprovedDatasetsResponse,
    QueryListDatasetProposalsRequest,
    QueryListDatasetProposalsResponse,
    QueryListServingNodesRequest,
    QueryListServingNodesResponse,
    QueryMinerFraudScoreRequest,
    QueryMinerFraudScoreResponse,
)
from r3mes_ray.wire.remes.remes.v1.state_pb2 import MiningContribution
from r3mes_ray.wire.remes.remes.v1.task_pool_pb2 import TaskChunkResponse


def dataset_proposal(node: ChainNode, request: QueryGetDatasetProposalRequest) -> QueryGetDatasetProposalResponse:
    """One proposed dataset."""
    found = DATASET_PROPOSALS.get(node.store, u64(request.proposal_id))
    if found is None:
        raise NotOnChain("dataset proposal", str(request.proposal_id))
    return QueryGetDatasetProposalResponse(proposal=found)


def dataset_proposals(node: ChainNode, request: QueryListDatasetProposalsRequest) -> QueryListDatasetProposalsResponse:
    """All proposed datasets, by ascending id."""
    taken, answer = page(DATASET_PROPOSALS.items(node.store), request.pagination)
    return QueryListDatasetProposalsResponse(proposals=taken, pagination=answer)


def approved_dataset(node: ChainNode, request: QueryGetApprovedDatasetRequest) -> QueryGetApprovedDatasetResponse:
    """One approved dataset, with its history."""
    found = DATASETS.get(node.store, u64(request.dataset_id))
    if found is None:
        raise NotOnChain("dataset", str(request.dataset_id))
    return QueryGetApprovedDatasetResponse(dataset=found)


def approved_datasets(node: ChainNode, request: QueryListApprovedDatasetsRequest) -> QueryListApprovedDatasetsResponse:
    """All approved datasets, by ascending id; removed ones say so."""
    taken, answer = page(DATASETS.items(node.store), request.pagination)
    return QueryListApprovedDatasetsResponse(datasets=taken, pagination=answer)


def inference_request(node: ChainNode, request: QueryGetInferenceRequestRequest) -> QueryGetInferenceRequestResponse:
    """One inference request."""
    number = number_of(request.request_id)
    found = None if number is None else INFERENCES.get(node.store, u64(number))
    if found is None or found.request_id != request.request_id:
        raise NotOnChain("inference request", request.request_id[:120])
    return QueryGetInferenceRequestResponse(request=found)


def inference_requests(node: ChainNode, request: QueryInferenceRequestsRequest) -> QueryInferenceRequestsResponse:
    """Inference requests to one serving node or to all, of one status or of all, by ascending number."""
    rows = (
        (key, found)
        for key, found in INFERENCES.items(node.store)
        if request.serving_node in ("", found.serving_node) and request.status in ("", found.status)
    )
    taken, answer = page(rows, request.pagination)
    return QueryInferenceRequestsResponse(requests=taken, pagination=answer)


def serving_node(node: ChainNode, request: QueryGetServingNodeStatusRequest) -> QueryGetServingNodeStatusResponse:
    """What one serving node says of itself."""
    found = SERVING.get(node.store, parse_address(request.node_address, node.chain.prefix))
    if found is None:
        raise NotOnChain("serving node status", request.node_address)
    return QueryGetServingNodeStatusResponse(status=found)


def serving_nodes(node: ChainNode, request: QueryListServingNodesRequest) -> QueryListServingNodesResponse:
    """All serving nodes that have said what they serve, by address."""
    taken, answer = page(SERVING.items(node.store), request.pagination)
    return QueryListServingNodesResponse(serving_nodes=taken, pagination=answer)


def miner_score(node: ChainNode, request: QueryGetMinerScoreRequest) -> QueryGetMinerScoreResponse:
    """A miner's counters and trust."""
    found = _miner(node, request.miner)
    return QueryGetMinerScoreResponse(
        miner=found.miner_address,
        trust_score=found.trust_score,
        reputation_tier=found.reputation_tier,
        total_submissions=found.total_submissions,
        successful_submissions=found.successful_submissions,
        slashing_events=found.slashing_events,
    )


def miner_fraud_score(node: ChainNode, request: QueryMinerFraudScoreRequest) -> QueryMinerFraudScoreResponse:
    """A miner's fraud score; there are no trap jobs on this chain, so it stays 0."""
    found = _miner(node, request.miner)
    return QueryMinerFraudScoreResponse(
        miner=found.miner_address,
        traps_caught=found.traps_caught,
        traps_failed=found.traps_failed,
        fraud_score=found.fraud_score,
    )


def reward_formula(node: ChainNode, request: QueryGetRewardFormulaRequest) -> QueryGetRewardFormulaResponse:
    """What is minted and how fees are split, as JSON of amounts and ten-thousandths."""
    held = parameters_of(node.store)
    formulas = {
        "denom": node.chain.denom,
        "miner_reward_per_accepted_update": held.miner_reward,
        "proposer_reward_per_finalised_round": held.proposer_reward,
        "supply_cap": held.supply_cap,
        "inference_fee_shares": {
            "serving_node": SERVING_SHARE,
            "miner_pool": MINER_SHARE,
            "treasury": 10_000 - SERVING_SHARE - MINER_SHARE,
        },
        "miner_pool": "balance // accepted updates, to each at a round's finalisation",
    }
    return QueryGetRewardFormulaResponse(formulas=json.dumps(formulas, sort_keys=True))


def active_pool(node: ChainNode, request: QueryActivePoolRequest) -> QueryActivePoolResponse:
    """The oldest task pool that chunks can be claimed from."""
    for _, pool in POOLS.items(node.store):
        if is_active(pool, node.height):
            return QueryActivePoolResponse(pool_id=pool.pool_id, has_active_pool=True)
    return QueryActivePoolResponse()


def available_chunks(node: ChainNode, request: QueryAvailableChunksRequest) -> QueryAvailableChunksResponse:
    """A pool's chunks that can be claimed, by ascending number."""
    pool = POOLS.get(node.store, u64(request.pool_id))
    if pool is None:
        raise NotOnChain("task pool", str(request.pool_id))
    rules = parameters_of(node.store)
    free = list(available(node.store, pool, node.height, rules)) if is_active(pool, node.height) else []
    taken = free[: min(request.limit or 100, MAX_LIMIT)]
    return QueryAvailableChunksResponse(
        chunks=[TaskChunkResponse(chunk_id=c.chunk_id, data_hash=c.data_hash, shard_id=c.shard_id) for c in taken],
        total_available=len(free),
    )


def _miner(node: ChainNode, address: str) -> MiningContribution:
    found = MINERS.get(node.store, parse_address(address, node.chain.prefix))
    if found is None:
        raise NotOnChain("miner", address)
    return found
