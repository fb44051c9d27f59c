"""Blocks and node, as `cosmos.base.tendermint.v1beta1.Service` answers about them."""

from __future__ import annotations

from importlib.metadata import version

from r3mes_ray.errors import NotOnChain
from r3mes_ray.localnet.blocks import Block
from r3mes_ray.localnet.context import timestamp
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.wire.cosmos.base.query.v1beta1.pagination_pb2 import PageResponse
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1.query_pb2 import (
    GetBlockByHeightRequest,
    GetBlockByHeightResponse,
    GetLatestBlockRequest,
    GetLatestBlockResponse,
    GetLatestValidatorSetRequest,
    GetLatestValidatorSetResponse,
    GetNodeInfoRequest,
    GetNodeInfoResponse,
    GetSyncingRequest,
    GetSyncingResponse,
    GetValidatorSetByHeightRequest,
    GetValidatorSetByHeightResponse,
    VersionInfo,
)
from r3mes_ray.wire.tendermint.p2p.types_pb2 import NodeInfo
from r3mes_ray.wire.tendermint.types import block_pb2
from r3mes_ray.wire.tendermint.types.types_pb2 import BlockID, Data, Header


def get_latest_block(node: ChainNode, request: GetLatestBlockRequest) -> GetLatestBlockResponse:
    """The last block."""
    head = node.store.head
    return GetLatestBlockResponse(block_id=BlockID(hash=head.block_hash), block=block(node, head))


def get_block_by_height(node: ChainNode, request: GetBlockByHeightRequest) -> GetBlockByHeightResponse:
    """One block."""
    found = node.store.block(request.height)
    if found is None:
        raise NotOnChain("block", str(request.height))
    return GetBlockByHeightResponse(block_id=BlockID(hash=found.block_hash), block=block(node, found))


def get_node_info(node: ChainNode, request: GetNodeInfoRequest) -> GetNodeInfoResponse:
    """Chain and software of this node."""
    released = version("r3mes-ray")
    return GetNodeInfoResponse(
        default_node_info=NodeInfo(network=node.chain.chain_id, version=released, moniker="localnet"),
        application_version=VersionInfo(name="r3mes-ray", app_name="r3mes", version=released),
    )


def get_syncing(node: ChainNode, request: GetSyncingRequest) -> GetSyncingResponse:
    """Never: the chain is this process."""
    return GetSyncingResponse(syncing=False)


def get_latest_validator_set(node: ChainNode, request: GetLatestValidatorSetRequest) -> GetLatestValidatorSetResponse:
    """Nobody: one process makes the blocks, without votes."""
    return GetLatestValidatorSetResponse(block_height=node.height, pagination=PageResponse())


def get_validator_set_by_height(
    node: ChainNode, request: GetValidatorSetByHeightRequest
) -> GetValidatorSetByHeightResponse:
    """Nobody, at any height that there is."""
    if node.store.block(request.height) is None:
        raise NotOnChain("block", str(request.height))
    return GetValidatorSetByHeightResponse(block_height=request.height, pagination=PageResponse())


def block(node: ChainNode, found: Block) -> block_pb2.Block:
    """A block in CometBFT's form; `app_hash` and `last_results_hash` are, as there, those before its transactions."""
    before = node.store.block(found.height - 1)
    header = Header(
        chain_id=node.chain.chain_id,
        height=found.height,
        time=timestamp(found.time_ns),
        last_block_id=BlockID(hash=found.parent_hash),
        data_hash=found.data_hash,
        app_hash=found.app_hash if before is None else before.app_hash,
        last_results_hash=b"" if before is None else before.results_hash,
    )
    return block_pb2.Block(header=header, data=Data(txs=[tx.raw for tx in node.store.txs(found.height)]))
