"""REST, asked as wallets ask it."""

from __future__ import annotations

import base64
import hashlib

import httpx
import pytest

from r3mes_ray.localnet.queries import SERVICES
from r3mes_ray.localnet.rest.app import MAX_BODY_BYTES, create_rest_app
from r3mes_ray.localnet.rest.routes import bindings


class Rest:
    def __init__(self, node) -> None:
        self.woken = 0
        transport = httpx.ASGITransport(create_rest_app(node, self._wake))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://chain")

    def _wake(self) -> None:
        self.woken += 1

    async def get(self, path: str, **query: str) -> dict:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def rest(lab) -> Rest:
    return Rest(lab.node)


async def test_account_has_text_numbers_and_a_null_key_before_it_signs(lab, rest: Rest) -> None:
    path = f"/cosmos/auth/v1beta1/accounts/{lab.address(lab.alice)}"
    account = (await rest.get(path))["account"]
    assert account["@type"] == "/cosmos.auth.v1beta1.BaseAccount"
    assert (account["address"], account["sequence"], account["pub_key"]) == (lab.address(lab.alice), "0", None)
    lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob))
    account = (await rest.get(path))["account"]
    assert account["pub_key"] == {
        "@type": "/cosmos.crypto.secp256k1.PubKey",
        "key": base64.b64encode(lab.alice.public_key).decode(),
    }


async def test_balances_are_paged(lab, rest: Rest) -> None:
    path = f"/cosmos/bank/v1beta1/balances/{lab.address(lab.alice)}"
    answer = await rest.get(path, **{"pagination.limit": "1", "pagination.countTotal": "true"})
    assert answer["balances"] == [{"denom": "uremes", "amount": "1000000000000"}]
    assert answer["pagination"] == {"next_key": "", "total": "1"}
    assert (await rest.get(f"{path}/by_denom", denom="uremes"))["balance"]["amount"] == "1000000000000"


async def test_transaction_is_broadcast_and_read_back(lab, rest: Rest) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob))
    body = {"tx_bytes": base64.b64encode(raw).decode(), "mode": "BROADCAST_MODE_SYNC"}
    simulated = (await rest.http.post("/cosmos/tx/v1beta1/simulate", json=body)).json()
    sent = (await rest.http.post("/cosmos/tx/v1beta1/txs", json=body)).json()["tx_response"]
    assert (sent["code"], sent["txhash"], rest.woken) == (0, hashlib.sha256(raw).hexdigest().upper(), 1)
    missing = await rest.http.get(f"/cosmos/tx/v1beta1/txs/{sent['txhash']}")
    assert (missing.status_code, missing.json()["code"]) == (404, 5)
    lab.block()
    found = await rest.get(f"/cosmos/tx/v1beta1/txs/{sent['txhash']}")
    assert found["tx"]["body"]["messages"][0]["@type"] == "/cosmos.bank.v1beta1.MsgSend"
    assert found["tx_response"]["height"] == "1"
    assert found["tx_response"]["gas_used"] == simulated["gas_info"]["gas_used"]
    query = f"message.sender='{lab.address(lab.alice)}'"
    searched = await rest.get("/cosmos/tx/v1beta1/txs", query=query, order_by="ORDER_BY_DESC")
    assert [one["txhash"] for one in searched["tx_responses"]] == [sent["txhash"]]


async def test_node_and_latest_block_name_the_chain(lab, rest: Rest) -> None:
    lab.to_height(2)
    info = await rest.get("/cosmos/base/tendermint/v1beta1/node_info")
    assert info["default_node_info"]["network"] == "remes-test"
    block = await rest.get("/cosmos/base/tendermint/v1beta1/blocks/latest")
    assert block["block"]["header"]["height"] == "2"
    assert (await rest.get("/cosmos/base/tendermint/v1beta1/blocks/1"))["block"]["header"]["height"] == "1"


async def test_bad_transaction_is_an_answer_with_the_sdk_s_code(rest: Rest) -> None:
    body = {"tx_bytes": base64.b64encode(b"nothing").decode(), "mode": "BROADCAST_MODE_SYNC"}
    sent = (await rest.http.post("/cosmos/tx/v1beta1/txs", json=body)).json()["tx_response"]
    assert (sent["code"], sent["codespace"]) == (2, "sdk")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 501),
        ("/cosmos/auth/v1beta1/accounts/remes1x", 400),
        ("/cosmos/base/tendermint/v1beta1/blocks/99", 404),
        ("/cosmos/base/tendermint/v1beta1/blocks/soon", 400),
        ("/remes/remes/v1/vault/stats", 501),
        ("/cosmos/tx/v1beta1/txs", 400),
        ("/cosmos/tx/v1beta1/txs/zz", 400),
        ("/cosmos/tx/v1beta1/txs?order_by=UPWARDS", 400),
        ("/cosmos/bank/v1beta1/supply?pagination.limit=-1", 400),
        ("/cosmos/bank/v1beta1/supply?pagination=3", 400),
    ],
)
async def test_bad_path_is_an_error_with_its_code(rest: Rest, path: str, status: int) -> None:
    answer = await rest.http.get(path)
    assert (answer.status_code, set(answer.json())) == (status, {"code", "message", "details"})


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[]", b"3", b'{"tx_bytes": 5}', b'{"mode": "X"}', b"[" * 100_000, b"\xff"]
)
async def test_bad_body_is_refused(rest: Rest, body: bytes) -> None:
    answer = await rest.http.post("/cosmos/tx/v1beta1/txs", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


async def test_oversize_body_is_refused(rest: Rest) -> None:
    answer = await rest.http.post("/cosmos/tx/v1beta1/txs", content=b" " * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


def test_literal_paths_come_before_parameters() -> None:
    paths = [one.path for one in bindings(SERVICES)]
    prefix = "/cosmos/base/tendermint/v1beta1/blocks/"
    assert paths.index(prefix + "latest") < paths.index(prefix + "{height}")
    assert len(paths) == len({(one.verb, one.path) for one in bindings(SERVICES)})
