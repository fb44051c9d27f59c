"""Peers that are learnt from the chain, and a chain that cannot tell them."""

from __future__ import annotations

import httpx
import pytest

from r3mes_ray.chain.base import SignedTx, TxResult
from r3mes_ray.content import open_peers, open_store
from r3mes_ray.errors import ChainUnavailable, InvalidInput, TxRejected
from r3mes_ray.node.content_peers import peers_from_chain
from r3mes_ray.node.content_server import ContentServer
from r3mes_ray.settings import ContentServerSettings, GatewayContent, Settings
from r3mes_ray.wire.cosmos.base.query.v1beta1.pagination_pb2 import PageResponse
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryContentEndpointsResponse
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgAnnounceContent
from r3mes_ray.wire.r3mes.v1.types_pb2 import ContentEndpoint

OTHER = "http://10.0.0.2:8085"
OLD_CHAIN = InvalidInput("r3mes.v1.QueryContentEndpointsRequest", "the node at x does not answer this query")


class Chain:
    """Tells `urls`, or fails with `failure`; keeps what is announced, or refuses it."""

    address = "remes1node"

    def __init__(self, *urls, failure=None, refuses=False):
        self.urls, self.failure, self.refuses, self.announced = list(urls), failure, refuses, []

    async def query(self, request):
        if self.failure is not None:
            raise self.failure
        endpoints = [ContentEndpoint(node_address="remes1x", content_url=url) for url in self.urls]
        return QueryContentEndpointsResponse(endpoints=endpoints, pagination=PageResponse())

    async def sign(self, messages, *, gas=None, memo=""):
        self.announced += [message.content_url for message in messages if isinstance(message, MsgAnnounceContent)]
        return SignedTx(b"tx", "AB", 0, 100)

    async def broadcast(self, tx):
        if self.refuses:
            raise TxRejected("remes", 1017, "only a registered node says where it serves content", "AB", 0)
        self.urls += self.announced
        return TxResult("AB", 1, 1, (), ())


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", content_server=ContentServerSettings(port=0))


async def test_peers_from_chain_are_what_the_store_asks(settings):
    async with peers_from_chain(settings, Chain(OTHER), pytest.fail):
        assert open_peers(settings).read() == (OTHER,)


@pytest.mark.parametrize("failure", [OLD_CHAIN, ChainUnavailable("x", "down")], ids=["old chain", "no chain"])
async def test_peers_from_a_chain_that_tells_none_stay_and_it_says_so(settings, failure):
    open_peers(settings).write([OTHER])
    said = []
    async with peers_from_chain(settings, Chain(failure=failure), said.append):
        assert open_peers(settings).read() == (OTHER,)
    assert len(said) == 1
    assert str(failure) in said[0]
    assert "content.peers" in said[0]


async def test_peers_of_a_store_that_asks_none_are_not_asked_for(settings):
    other = settings.model_copy(update={"content": GatewayContent(urls=())})
    async with peers_from_chain(other, Chain(failure=AssertionError("asked")), pytest.fail):
        assert open_peers(other).read() == ()


async def test_server_announces_itself_and_no_process_of_its_home_asks_it(settings):
    chain, said = Chain(OTHER), []
    server = ContentServer(settings, said.append)
    url = await server.start(chain)
    assert chain.announced == [url]
    async with peers_from_chain(settings, chain, pytest.fail):
        assert chain.urls == [OTHER, url]
        assert open_peers(settings).read() == (OTHER,)
    await server.stop()


@pytest.mark.parametrize(
    "chain", [Chain(failure=OLD_CHAIN), Chain(refuses=True)], ids=["no such query", "no such message"]
)
async def test_server_on_a_chain_that_knows_nothing_of_content_serves_with_a_warning(settings, chain, tmp_path):
    (tmp_path / "f").write_bytes(b"hello world\n")
    cid = await open_store(settings).add(tmp_path / "f")
    said = []
    server = ContentServer(settings, said.append)
    url = await server.start(chain)
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{url}/ipfs/{cid}?format=raw")).content == b"hello world\n"
    assert [line for line in said if line.startswith("warning:") and url in line]
    assert "content.peers" in said[-1]
    await server.stop()
