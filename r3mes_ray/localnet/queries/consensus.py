"""What blocks may hold, as `cosmos.consensus.v1.Query` answers about it."""

from __future__ import annotations

from r3mes_ray.localnet.genesis import parameters_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.wire.cosmos.consensus.v1.query_pb2 import QueryParamsRequest, QueryParamsResponse
from r3mes_ray.wire.tendermint.types.params_pb2 import BlockParams, ConsensusParams, ValidatorParams

NO_LIMIT = -1


def params(node: ChainNode, request: QueryParamsRequest) -> QueryParamsResponse:
    """Bytes of a block; its gas has no limit."""
    return QueryParamsResponse(params=consensus_params(node))


def consensus_params(node: ChainNode) -> ConsensusParams:
    """The limits that hold now."""
    return ConsensusParams(
        block=BlockParams(max_bytes=parameters_of(node.store).max_block_bytes, max_gas=NO_LIMIT),
        validator=ValidatorParams(pub_key_types=["ed25519"]),
    )
