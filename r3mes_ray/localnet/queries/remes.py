"""Updates, aggregations and nodes, as `remes.remes.v1.Query` answers about them."""

from __future__ import annotations

from r3mes_ray.errors import NotOnChain
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.genesis import parameters_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries.miners import ACTIVE_BLOCKS
from r3mes_ray.localnet.queries.paging import MAX_LIMIT, page
from r3mes_ray.localnet.records import (
    AGGREGATIONS,
    GLOBAL_MODEL,
    LIVE_ROUNDS,
    MINERS,
    NODES,
    ROUND_COMMITMENTS,
    ROUNDS,
    UPDATES,
    count,
    u64,
)
from r3mes_ray.wire.remes.remes.v1.params_pb2 import Params
from r3mes_ray.wire.remes.remes.v1.query_pb2 import (
    BlockInfo,
    QueryBlockRequest,
    QueryBlockResponse,
    QueryBlocksRequest,
    QueryBlocksResponse,
    QueryGetAggregationRequest,
    QueryGetAggregationResponse,
    QueryGetGlobalModelStateRequest,
    QueryGetGlobalModelStateResponse,
    QueryGetGradientRequest,
    QueryGetGradientResponse,
    QueryGetModelParamsRequest,
    QueryGetModelParamsResponse,
    QueryGetNodeRegistrationRequest,
    QueryGetNodeRegistrationResponse,
    QueryGetStoredGradientRequest,
    QueryGetStoredGradientResponse,
    QueryListNodeRegistrationsRequest,
    QueryListNodeRegistrationsResponse,
    QueryListStoredGradientRequest,
    QueryListStoredGradientResponse,
    QueryParamsRequest,
    QueryParamsResponse,
    QueryStatisticsRequest,
    QueryStatisticsResponse,
)
from r3mes_ray.wire.remes.remes.v1.state_pb2 import GlobalModelState
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient


def params(node: ChainNode, request: QueryParamsRequest) -> QueryParamsResponse:
    """The parameters, in the predecessor's terms."""
    held = parameters_of(node.store)
    return QueryParamsResponse(
        params=Params(
            nonce_window_size=held.nonce_window,
            max_validators=held.max_validators,
            slashing_penalty=f"{held.fraud_slash // 10_000}.{held.fraud_slash % 10_000:04d}",
            min_stake=str(held.proposer_stake),
            stake_denom=node.chain.denom,
            mining_difficulty=str(held.proof_of_work_bits),
            reward_per_gradient=f"{held.miner_reward}{node.chain.denom}",
            challenge_period_blocks=held.challenge_blocks,
        )
    )


def get_gradient(node: ChainNode, request: QueryGetGradientRequest) -> QueryGetGradientResponse:
    """One update."""
    return QueryGetGradientResponse(gradient=_update(node, request.id))


def get_stored_gradient(node: ChainNode, request: QueryGetStoredGradientRequest) -> QueryGetStoredGradientResponse:
    """One update."""
    return QueryGetStoredGradientResponse(stored_gradient=_update(node, request.id))


def list_stored_gradient(node: ChainNode, request: QueryListStoredGradientRequest) -> QueryListStoredGradientResponse:
    """All updates, by ascending id."""
    taken, answer = page(UPDATES.items(node.store), request.pagination)
    return QueryListStoredGradientResponse(stored_gradients=taken, pagination=answer)


def get_aggregation(node: ChainNode, request: QueryGetAggregationRequest) -> QueryGetAggregationResponse:
    """One revealed aggregate."""
    found = AGGREGATIONS.get(node.store, u64(request.id))
    if found is None:
        raise NotOnChain("aggregation", str(request.id))
    return QueryGetAggregationResponse(
        aggregation_id=found.aggregation_id,
        proposer=found.proposer,
        aggregated_gradient_ipfs_hash=found.aggregated_gradient_ipfs_hash,
        merkle_root=found.merkle_root,
        participant_count=len(found.participant_gradient_ids),
        training_round_id=found.training_round_id,
    )


def get_node_registration(
    node: ChainNode, request: QueryGetNodeRegistrationRequest
) -> QueryGetNodeRegistrationResponse:
    """One node."""
    found = NODES.get(node.store, parse_address(request.node_address, node.chain.prefix))
    if found is None:
        raise NotOnChain("node", request.node_address)
    return QueryGetNodeRegistrationResponse(registration=found)


def list_node_registrations(
    node: ChainNode, request: QueryListNodeRegistrationsRequest
) -> QueryListNodeRegistrationsResponse:
    """All nodes, by address."""
    taken, answer = page(NODES.items(node.store), request.pagination)
    return QueryListNodeRegistrationsResponse(registrations=taken, pagination=answer)


def get_model_params(node: ChainNode, request: QueryGetModelParamsRequest) -> QueryGetModelParamsResponse:
    """The aggregate that was finalised last."""
    found = _global_model(node)
    return QueryGetModelParamsResponse(
        model_ipfs_hash=found.model_ipfs_hash,
        model_version=found.model_version,
        last_updated_height=found.last_updated_height,
    )


def get_global_model_state(
    node: ChainNode, request: QueryGetGlobalModelStateRequest
) -> QueryGetGlobalModelStateResponse:
    """The aggregate that was finalised last, with its round."""
    return QueryGetGlobalModelStateResponse(state=_global_model(node))


def statistics(node: ChainNode, request: QueryStatisticsRequest) -> QueryStatisticsResponse:
    """Counters. The chain does not know sizes: average_gradient_size stays 0."""
    miners = [miner for _, miner in MINERS.items(node.store)]
    live = [number for _, number in LIVE_ROUNDS.items(node.store)]
    rounds = [found for found in (ROUNDS.get(node.store, u64(number)) for number in live) if found is not None]
    return QueryStatisticsResponse(
        total_miners=len(miners),
        active_miners=sum(miner.last_submission_height > node.height - ACTIVE_BLOCKS for miner in miners),
        total_gradients=count(node.store, "update"),
        total_aggregations=count(node.store, "aggregation"),
        pending_gradients=sum(found.gradient_count for found in rounds),
        pending_aggregations=sum(1 for number in live for _ in ROUND_COMMITMENTS.items(node.store, u64(number))),
        last_updated=node.height,
    )


def blocks(node: ChainNode, request: QueryBlocksRequest) -> QueryBlocksResponse:
    """Blocks, newest first."""
    newest = node.height - request.offset
    heights = range(newest, max(-1, newest - min(request.limit or 20, MAX_LIMIT)), -1)
    found = [_block_info(node, height) for height in heights]
    return QueryBlocksResponse(blocks=found, total=node.height + 1)


def block(node: ChainNode, request: QueryBlockRequest) -> QueryBlockResponse:
    """One block."""
    return QueryBlockResponse(block=_block_info(node, request.height))


def _block_info(node: ChainNode, height: int) -> BlockInfo:
    found = node.store.block(height)
    if found is None:
        raise NotOnChain("block", str(height))
    return BlockInfo(
        height=height,
        hash=found.block_hash.hex().upper(),
        timestamp=found.time_ns // 10**9,
        tx_count=len(node.store.txs(height)),
    )


def _update(node: ChainNode, number: int) -> StoredGradient:
    found = UPDATES.get(node.store, u64(number))
    if found is None:
        raise NotOnChain("update", str(number))
    return found


def _global_model(node: ChainNode) -> GlobalModelState:
    found = GLOBAL_MODEL.get(node.store)
    if found is None:
        raise NotOnChain("model", "(no aggregate was finalised yet)")
    return found
