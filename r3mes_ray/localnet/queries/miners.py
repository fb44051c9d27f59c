"""Miners and what they submitted, as `remes.remes.v1.Query` answers about them."""

from __future__ import annotations

from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries.paging import page
from r3mes_ray.localnet.records import MINERS
from r3mes_ray.wire.remes.remes.v1.query_pb2 import MinerInfo, QueryMinersRequest, QueryMinersResponse
from r3mes_ray.wire.remes.remes.v1.state_pb2 import MiningContribution

ACTIVE_BLOCKS = 1_000
"""A miner that submitted within so many blocks is active."""


def miners(node: ChainNode, request: QueryMinersRequest) -> QueryMinersResponse:
    """All miners, by address."""
    taken, answer = page(MINERS.items(node.store), request.pagination)
    return QueryMinersResponse(miners=[_info(node, found) for found in taken], total=answer.total, pagination=answer)


def _info(node: ChainNode, found: MiningContribution) -> MinerInfo:
    active = found.last_submission_height > node.height - ACTIVE_BLOCKS
    return MinerInfo(
        address=found.miner_address,
        status="active" if active else "inactive",
        total_submissions=found.total_submissions,
        successful_submissions=found.successful_submissions,
        trust_score=found.trust_score,
        reputation_tier=found.reputation_tier,
        slashing_events=found.slashing_events,
        last_submission_height=found.last_submission_height,
        total_gradients=found.total_submissions,
    )
