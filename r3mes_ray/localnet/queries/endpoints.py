"""Where nodes serve content, as `r3mes.v1.Query` answers about it."""

from __future__ import annotations

from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries.paging import page
from r3mes_ray.localnet.records import ENDPOINTS
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryContentEndpointsRequest, QueryContentEndpointsResponse


def content_endpoints(node: ChainNode, request: QueryContentEndpointsRequest) -> QueryContentEndpointsResponse:
    """All announced URLs, by the nodes' addresses."""
    taken, answer = page(ENDPOINTS.items(node.store), request.pagination)
    return QueryContentEndpointsResponse(endpoints=taken, pagination=answer)
