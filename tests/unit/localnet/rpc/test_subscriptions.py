"""The websocket's subscriptions: what each is told of a block."""

from __future__ import annotations

import base64
import hashlib

import pytest
from starlette.testclient import TestClient

from r3mes_ray.errors import InvalidInput
from r3mes_ray.localnet.feed import MAX_WAITING_BLOCKS, BlockFeed
from r3mes_ray.localnet.rpc.app import create_rpc_app
from r3mes_ray.localnet.rpc.calls import Host
from r3mes_ray.localnet.rpc.subscriptions import notices, parse_subscription


@pytest.fixture
def host(lab) -> Host:
    return Host(lab.node, "127.0.0.1:26657", lambda: None, BlockFeed())


def _block(lab, *raws: bytes):
    for raw in raws:
        lab.node.add(raw)
    return lab.node.produce(lab.node.store.head.time_ns + 10**9)


def test_new_block_is_told_with_its_header(lab, host: Host) -> None:
    executed = _block(lab)
    [notice] = notices(host, parse_subscription(7, "tm.event='NewBlock'"), executed)
    assert notice["id"] == 7
    assert notice["result"]["data"]["type"] == "tendermint/event/NewBlock"
    assert notice["result"]["data"]["value"]["block"]["header"]["height"] == "1"
    assert notice["result"]["events"] == {"tm.event": ["NewBlock"]}


def test_transactions_are_told_where_the_query_names_them(lab, host: Host) -> None:
    to_bob = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob))
    executed = _block(lab, to_bob, lab.sign(lab.bob, lab.transfer(lab.bob, lab.carol)))
    wanted = f"tm.event='Tx' AND transfer.recipient='{lab.address(lab.bob)}'"
    [notice] = notices(host, parse_subscription(1, wanted), executed)
    assert notice["result"]["query"] == wanted
    assert base64.b64decode(notice["result"]["data"]["value"]["TxResult"]["tx"]) == to_bob
    assert notice["result"]["events"]["tx.hash"] == [hashlib.sha256(to_bob).hexdigest().upper()]
    assert len(list(notices(host, parse_subscription(1, "tm.event='Tx'"), executed))) == 2
    assert list(notices(host, parse_subscription(1, "tm.event='Tx' AND tx.height>1"), executed)) == []


@pytest.mark.parametrize("text", ["", "tm.event='Vote'", "tx.height=1", "tm.event='Tx' AND tm.event='NewBlock'"])
def test_subscription_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_subscription(1, text)


def test_listener_that_takes_nothing_is_let_go(lab) -> None:
    feed, executed = BlockFeed(), _block(lab)
    with feed.listen() as blocks:
        for _ in range(MAX_WAITING_BLOCKS + 5):
            feed.publish(executed)
        taken = [blocks.get_nowait() for _ in range(blocks.qsize())]
    assert taken == [executed] * MAX_WAITING_BLOCKS + [None]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", -32700),
        ("[" * 50_000, -32700),
        ("3", -32600),
        ('{"method": "subscribe"}', -32602),
        ('{"method": "subscribe", "params": [1]}', -32602),
        ('{"method": "subscribe", "params": {"query": "tm.event=\'Vote\'"}}', -32602),
        ('{"method": "unsubscribe", "params": {"query": "tm.event=\'Tx\'"}}', -32603),
        ('{"method": "nope"}', -32601),
        ('{"method": "health", "id": {}}', -32600),
    ],
)
def test_socket_bad_message_is_an_error_and_the_connection_lives(host: Host, sent: str, code: int) -> None:
    with TestClient(create_rpc_app(host)).websocket_connect("/websocket") as socket:
        socket.send_text(sent)
        assert socket.receive_json()["error"]["code"] == code
        socket.send_json({"jsonrpc": "2.0", "id": 2, "method": "health"})
        assert socket.receive_json() == {"jsonrpc": "2.0", "id": 2, "result": {}}


def test_socket_subscribes_once_and_a_few(host: Host) -> None:
    def subscribe(socket, text: str) -> dict:
        socket.send_json({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"query": text}})
        return socket.receive_json()

    with TestClient(create_rpc_app(host)).websocket_connect("/websocket") as socket:
        answers = [subscribe(socket, f"tm.event='Tx' AND tx.height={n}") for n in range(6)]
        assert [answer.get("result") for answer in answers] == [{}] * 5 + [None]
        assert "more than 5" in answers[5]["error"]["data"]
        socket.send_json({"jsonrpc": "2.0", "id": 1, "method": "unsubscribe_all"})
        assert socket.receive_json()["result"] == {}
        assert subscribe(socket, "tm.event='NewBlock'")["result"] == {}


def test_socket_ends_at_a_frame_of_bytes(host: Host) -> None:
    client = TestClient(create_rpc_app(host))
    with client.websocket_connect("/websocket") as socket:
        socket.send_bytes(b"\x00\xff")
    with client.websocket_connect("/websocket") as socket:
        socket.send_json({"id": 1, "method": "health"})
        assert socket.receive_json()["result"] == {}
