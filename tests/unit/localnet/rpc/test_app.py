"""The JSON-RPC, called as CosmJS calls it."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import httpx
import pytest

from r3mes_ray.localnet.feed import BlockFeed
from r3mes_ray.localnet.rpc.app import MAX_BODY_BYTES, create_rpc_app
from r3mes_ray.localnet.rpc.calls import Host
from r3mes_ray.wire.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from r3mes_ray.wire.cosmos.auth.v1beta1.query_pb2 import QueryAccountRequest, QueryAccountResponse


class Rpc:
    def __init__(self, node) -> None:
        self.woken = 0
        self.feed = BlockFeed()
        app = create_rpc_app(Host(node, "127.0.0.1:26657", self._wake, self.feed, commit_timeout_s=0.5))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chain")

    def _wake(self) -> None:
        self.woken += 1

    async def call(self, method: str, **params: object) -> dict:
        body = {"jsonrpc": "2.0", "id": 77, "method": method, "params": params}
        answer = (await self.http.post("/", json=body)).json()
        assert (answer["jsonrpc"], answer["id"]) == ("2.0", 77)
        return answer

    async def result(self, method: str, **params: object) -> dict:
        return (await self.call(method, **params))["result"]


@pytest.fixture
def rpc(lab) -> Rpc:
    return Rpc(lab.node)


def _tx(lab, amount: int = 5) -> bytes:
    return lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob, amount))


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest().upper()


async def test_status_names_chain_height_and_version(lab, rpc: Rpc) -> None:
    lab.to_height(3)
    status = await rpc.result("status")
    assert status["node_info"]["network"] == "remes-test"
    assert status["node_info"]["version"].startswith("0.38.")
    assert status["sync_info"]["latest_block_height"] == "3"
    assert status["sync_info"]["latest_block_time"] == "2026-01-01T00:00:03Z"


async def test_broadcast_then_search_finds_the_transaction(lab, rpc: Rpc) -> None:
    raw = _tx(lab)
    sent = await rpc.result("broadcast_tx_sync", tx=base64.b64encode(raw).decode())
    assert (sent["code"], sent["hash"], rpc.woken) == (0, _hash(raw), 1)
    assert (await rpc.result("tx_search", query=f"tx.hash='{_hash(raw)}'")) == {"txs": [], "total_count": "0"}
    lab.block()
    found = await rpc.result("tx_search", query=f"tx.hash='{_hash(raw)}'")
    assert found["total_count"] == "1"
    assert found["txs"][0]["height"] == "1"
    assert base64.b64decode(found["txs"][0]["tx"]) == raw
    one = await rpc.result("tx", hash=base64.b64encode(bytes.fromhex(_hash(raw))).decode())
    assert one == found["txs"][0]
    assert one["tx_result"]["gas_used"] == str(lab.node.store.tx(bytes.fromhex(_hash(raw))).response.gas_used)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("message.sender='{alice}'", 3),
        ("transfer.recipient='{bob}' AND message.sender='{alice}'", 2),
        ("message.sender='{alice}' AND tx.height>=2 AND tx.height<3", 1),
        ("tx.height=1", 1),
        ("tx.height>1", 2),
        ("message.sender='{bob}'", 0),
        ("message.action='/cosmos.bank.v1beta1.MsgSend'", 3),
    ],
)
async def test_search_by_events_and_heights(lab, rpc: Rpc, query: str, count: int) -> None:
    lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob))
    lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob))
    lab.deliver(lab.alice, lab.transfer(lab.alice, lab.carol))
    query = query.format(alice=lab.address(lab.alice), bob=lab.address(lab.bob))
    assert (await rpc.result("tx_search", query=query))["total_count"] == str(count)


async def test_search_pages_and_orders(lab, rpc: Rpc) -> None:
    for _ in range(3):
        lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob))
    query = f"message.sender='{lab.address(lab.alice)}'"
    page = await rpc.result("tx_search", query=query, page="2", per_page="2", order_by="desc")
    assert [tx["height"] for tx in page["txs"]] == ["1"]
    assert page["total_count"] == "3"


async def test_broadcast_refused_has_the_sdk_s_code(lab, rpc: Rpc) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), sequence=9)
    sent = await rpc.result("broadcast_tx_sync", tx=base64.b64encode(raw).decode())
    assert (sent["code"], sent["codespace"]) == (32, "sdk")
    assert "account sequence mismatch, expected 0, got 9" in sent["log"]


async def test_broadcast_again_is_an_error_as_in_cometbft(lab, rpc: Rpc) -> None:
    text = base64.b64encode(_tx(lab)).decode()
    await rpc.result("broadcast_tx_sync", tx=text)
    assert "tx already exists in cache" in (await rpc.call("broadcast_tx_sync", tx=text))["error"]["data"]


async def test_abci_query_answers_a_grpc_query(lab, rpc: Rpc) -> None:
    request = QueryAccountRequest(address=lab.address(lab.alice))
    answer = await rpc.result(
        "abci_query", path="/cosmos.auth.v1beta1.Query/Account", data=request.SerializeToString().hex(), prove=False
    )
    packed = QueryAccountResponse.FromString(base64.b64decode(answer["response"]["value"])).account
    assert packed.type_url == "/cosmos.auth.v1beta1.BaseAccount"
    assert BaseAccount.FromString(packed.value).address == lab.address(lab.alice)


async def test_abci_query_missing_account_says_not_found(lab, rpc: Rpc) -> None:
    request = QueryAccountRequest(address=lab.address(lab.stranger))
    answer = await rpc.result(
        "abci_query", path="/cosmos.auth.v1beta1.Query/Account", data=request.SerializeToString().hex()
    )
    assert answer["response"]["code"] != 0
    assert "rpc error: code = NotFound" in answer["response"]["log"]


@pytest.mark.parametrize("path", ["/nothing", "/remes.remes.v1.Query/QueryVaultStats"])
async def test_abci_query_unknown_path_is_refused(rpc: Rpc, path: str) -> None:
    assert (await rpc.result("abci_query", path=path, data=""))["response"]["code"] == 6


async def test_block_holds_its_transactions(lab, rpc: Rpc) -> None:
    raw = _tx(lab)
    lab.block(raw)
    found = await rpc.result("block", height="1")
    assert found["block"]["data"]["txs"] == [base64.b64encode(raw).decode()]
    assert found["block"]["header"]["app_hash"] == lab.node.store.block(0).app_hash.hex().upper()
    assert (await rpc.result("block_results", height="1"))["txs_results"][0]["code"] == 0


async def test_get_with_quoted_text_and_hex(lab, rpc: Rpc) -> None:
    raw = _tx(lab)
    sent = (await rpc.http.get("/broadcast_tx_sync", params={"tx": "0x" + raw.hex()})).json()
    assert sent["result"]["code"] == 0
    lab.block()
    found = (await rpc.http.get("/tx_search", params={"query": f"\"tx.hash='{_hash(raw)}'\""})).json()
    assert found["result"]["total_count"] == "1"
    assert (await rpc.http.get("/health")).json()["result"] == {}


async def test_batch_answers_each_call(rpc: Rpc) -> None:
    calls = [{"jsonrpc": "2.0", "id": n, "method": "health"} for n in (1, 2)]
    assert [answer["id"] for answer in (await rpc.http.post("/", json=calls)).json()] == [1, 2]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"3", -32600),
        (b'{"method": 3}', -32600),
        (b'{"method": "nope"}', -32601),
        (b'{"method": "status", "params": [1]}', -32602),
        (b'{"method": "tx", "params": {"hash": 5}}', -32602),
        (b'{"method": "tx", "params": {"hash": "*"}}', -32602),
        (b'{"method": "block", "params": {"height": "-1"}}', -32602),
        (b'{"method": "block", "params": {"height": "99"}}', -32603),
        (b'{"method": "tx_search", "params": {"query": "a OR b"}}', -32602),
        (b'{"method": "tx_search", "params": {"query": ""}}', -32602),
        (b'{"method": "abci_query", "params": {"path": "/x", "data": "zz"}}', -32602),
        (b"\xff\xfe", -32700),
    ],
)
async def test_bad_call_is_an_error_with_its_code(rpc: Rpc, body: bytes, code: int) -> None:
    assert (await rpc.http.post("/", content=body)).json()["error"]["code"] == code


async def test_oversize_body_is_refused(rpc: Rpc) -> None:
    answer = await rpc.http.post("/", content=b" " * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413


async def test_blockchain_has_headers_newest_first(lab, rpc: Rpc) -> None:
    lab.block(_tx(lab))
    lab.to_height(25)
    last = await rpc.result("blockchain")
    assert last["last_height"] == "25"
    assert [entry["header"]["height"] for entry in last["block_metas"]] == [str(n) for n in range(25, 5, -1)]
    first = await rpc.result("blockchain", minHeight="1", maxHeight="1")
    assert [entry["num_txs"] for entry in first["block_metas"]] == ["1"]
    assert (await rpc.call("blockchain", minHeight="9", maxHeight="3"))["error"]["code"] == -32602


async def test_genesis_names_the_first_balances(lab, rpc: Rpc) -> None:
    genesis = (await rpc.result("genesis"))["genesis"]
    assert (genesis["chain_id"], genesis["genesis_time"]) == ("remes-test", "2026-01-01T00:00:00Z")
    assert {entry["address"] for entry in genesis["app_state"]["balances"]} >= {lab.address(lab.alice)}


async def test_broadcast_commit_answers_when_it_is_in_a_block(lab, rpc: Rpc) -> None:
    raw = _tx(lab)
    asked = asyncio.create_task(rpc.result("broadcast_tx_commit", tx=base64.b64encode(raw).decode()))
    while not lab.node.pending:
        await asyncio.sleep(0)
    rpc.feed.publish(lab.node.produce(lab.node.store.head.time_ns + 1))
    answer = await asked
    assert (answer["height"], answer["hash"], answer["check_tx"]["code"]) == ("1", _hash(raw), 0)
    assert answer["tx_result"]["code"] == 0


async def test_broadcast_commit_refused_answers_at_once(lab, rpc: Rpc) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob), sequence=9)
    answer = await rpc.result("broadcast_tx_commit", tx=base64.b64encode(raw).decode())
    assert (answer["check_tx"]["code"], answer["height"]) == (32, "0")


async def test_broadcast_commit_without_a_block_says_so(lab, rpc: Rpc) -> None:
    answer = await rpc.call("broadcast_tx_commit", tx=base64.b64encode(_tx(lab)).decode())
    assert "timed out" in answer["error"]["data"]
    assert lab.node.pending == 1
