"""Where registered nodes serve content."""

from __future__ import annotations

import re

from r3mes_ray.localnet.codes import INVALID_PARAMETER, NOT_AUTHORIZED, Refused
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.records import ENDPOINTS, NODES
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgAnnounceContent, MsgAnnounceContentResponse
from r3mes_ray.wire.r3mes.v1.types_pb2 import ContentEndpoint

MAX_URL_CHARS = 200
_URL = re.compile(r"https?://([0-9A-Za-z_-]+(\.[0-9A-Za-z_-]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def announce_content(ctx: Context, message: MsgAnnounceContent) -> MsgAnnounceContentResponse:
    """Note the URL of a registered node's gateway, or forget it where it is empty; nobody asks it here."""
    account = parse_address(message.node_address, ctx.chain.prefix)
    if NODES.get(ctx.state, account) is None:
        raise Refused(NOT_AUTHORIZED, "only a registered node says where it serves content")
    url = message.content_url
    if url and (len(url) > MAX_URL_CHARS or not _URL.fullmatch(url)):
        raise Refused(INVALID_PARAMETER, "content_url is no base URL: expected http(s)://host[:port]")
    if url:
        endpoint = ContentEndpoint(node_address=message.node_address, content_url=url, announced_height=ctx.height)
        ENDPOINTS.put(ctx.state, endpoint, account)
    else:
        ctx.state.delete(ENDPOINTS.prefix + account)
    ctx.emit("announce_content", node_address=message.node_address, content_url=url)
    return MsgAnnounceContentResponse()
