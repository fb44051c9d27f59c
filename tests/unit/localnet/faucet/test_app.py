"""The faucet over HTTP: it pays by signed sends, once to each address and a few times to each source."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from r3mes_ray.chain.faucet import request_coins
from r3mes_ray.errors import ChainUnavailable, FaucetRefused
from r3mes_ray.localnet.faucet.account import FaucetAccount
from r3mes_ray.localnet.faucet.app import Faucet, create_faucet_app
from r3mes_ray.localnet.faucet.limits import Limit
from r3mes_ray.localnet.feed import BlockFeed
from r3mes_ray.localnet.ledger import GOV
from r3mes_ray.protocol.address import format_address
from r3mes_ray.settings import Settings

AMOUNT = 5_000_000
URL = "http://faucet"


class Network:
    """A lab whose blocks are made when the faucet wakes it; the clock stands still."""

    def __init__(self, lab, amount: int = AMOUNT, wait_s: float = 30.0, *, produces: bool = True) -> None:
        self.lab, self.feed, self.produces = lab, BlockFeed(), produces
        self.now = 0.0
        account = FaucetAccount(lab.node, lab.alice, amount, self._wake)
        limits = (Limit(1, 60.0, lambda: self.now), Limit(3, 60.0, lambda: self.now))
        self.app = create_faucet_app(Faucet(account, self.feed, *limits, wait_s))

    def _wake(self) -> None:
        if self.produces:
            asyncio.get_running_loop().call_soon(self.block)

    def block(self) -> None:
        if self.lab.node.pending:
            self.feed.publish(self.lab.node.produce(self.lab.node.store.head.time_ns + 10**9))

    def post(self, body: bytes, source: str = "192.0.2.1") -> httpx.Response:
        return asyncio.run(self._post(body, source))

    def credit(self, key, source: str = "192.0.2.1") -> httpx.Response:
        return self.post(b'{"address": "%s"}' % self.lab.address(key).encode(), source)

    def get(self, path: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with self.client("192.0.2.1") as client:
                return await client.get(path)

        return asyncio.run(asked())

    def client(self, source: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self.transport(source), base_url=URL)

    def transport(self, source: str) -> httpx.ASGITransport:
        return httpx.ASGITransport(self.app, client=(source, 1234))

    async def _post(self, body: bytes, source: str) -> httpx.Response:
        async with self.client(source) as client:
            return await client.post("/credit", content=body)


@pytest.fixture
def network(lab) -> Network:
    return Network(lab)


def test_faucet_pays_an_account_that_did_not_exist(network: Network, lab) -> None:
    answer = network.credit(lab.stranger)
    assert answer.status_code == 200
    said = answer.json()
    assert (said["amount"], said["height"]) == ("5000000uremes", lab.node.height)
    assert lab.balance(lab.stranger) == AMOUNT
    assert lab.node.store.tx(bytes.fromhex(said["txhash"])).response.code == 0


def test_faucet_pays_each_address_once_in_its_time(network: Network, lab) -> None:
    assert network.credit(lab.stranger).status_code == 200
    again = network.credit(lab.stranger, source="192.0.2.2")
    assert (again.status_code, again.headers["retry-after"]) == (429, "60")
    assert "this address" in again.json()["error"]
    network.now = 60.0
    assert network.credit(lab.stranger).status_code == 200
    assert lab.balance(lab.stranger) == 2 * AMOUNT


def test_faucet_pays_each_source_a_few_times_in_its_time(network: Network, lab) -> None:
    assert [network.credit(key).status_code for key in (lab.bob, lab.carol, lab.dave)] == [200, 200, 200]
    refused = network.credit(lab.stranger)
    assert (refused.status_code, lab.balance(lab.stranger)) == (429, 0)
    assert "this source" in refused.json()["error"]
    assert network.credit(lab.stranger, source="192.0.2.2").status_code == 200


async def test_faucet_pays_many_at_once_with_one_sequence_each(lab) -> None:
    network = Network(lab)
    keys = (lab.bob, lab.carol, lab.dave, lab.stranger)
    bodies = [b'{"address": "%s"}' % lab.address(key).encode() for key in keys]
    answers = await asyncio.gather(*(network._post(body, f"192.0.2.{n}") for n, body in enumerate(bodies)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert lab.sequence(lab.alice) == 4


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff", 400),
        (b"[" * 100_000, 413),
        (b"[" * 4_000, 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"address": 7}', 400),
        (b'{"address": "remes1nonsense"}', 400),
        (b'{"address": "cosmos17xpfvakm2amg962yls6f84z3kell8c5lserqta"}', 400),
        (b'{"address": "%s", "denom": "aaa"}', 422),
        (b'{"address": "%s", "denom": ["uremes"]}', 422),
        (b'{"address": "' + format_address(GOV, "remes").encode() + b'"}', 422),
    ],
)
def test_faucet_bad_request_is_refused_and_counts_for_nothing(network: Network, lab, body: bytes, status: int) -> None:
    answer = network.post(body.replace(b"%s", lab.address(lab.stranger).encode()))
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
    assert lab.node.pending == 0
    assert network.credit(lab.stranger).status_code == 200


def test_faucet_does_not_pay_itself(network: Network, lab) -> None:
    assert network.credit(lab.alice).status_code == 422


def test_faucet_that_is_empty_says_so_and_lets_try_again(lab) -> None:
    network = Network(lab, amount=10**13)
    for _ in range(2):
        answer = network.credit(lab.stranger)
        assert (answer.status_code, "insufficient funds" in answer.json()["error"]) == (503, True)
    assert (lab.node.pending, lab.sequence(lab.alice)) == (0, 0)
    assert network.get("/status").json()["availableTokens"] == []


def test_faucet_whose_last_coins_are_asked_for_twice_in_one_block_pays_once(lab) -> None:
    network = Network(lab, amount=6 * 10**11)

    async def both() -> list[httpx.Response]:
        bodies = [b'{"address": "%s"}' % lab.address(key).encode() for key in (lab.bob, lab.carol)]
        return await asyncio.gather(*(network._post(body, "192.0.2.1") for body in bodies))

    answers = asyncio.run(both())
    assert sorted(answer.status_code for answer in answers) == [200, 503]
    assert lab.balance(lab.bob) + lab.balance(lab.carol) == 2 * 10**12 + 6 * 10**11


def test_faucet_without_a_block_in_time_names_the_transaction_and_counts_it(lab) -> None:
    network = Network(lab, wait_s=0.01, produces=False)
    answer = network.credit(lab.stranger)
    assert (answer.status_code, lab.node.pending) == (504, 1)
    assert "may still come" in answer.json()["error"]
    assert network.credit(lab.stranger).status_code == 429


def test_faucet_status_names_chain_holder_and_amount(network: Network, lab) -> None:
    said = network.get("/status").json()
    assert (said["chainId"], said["availableTokens"], said["amount"]) == ("remes-test", ["uremes"], "5000000")
    assert said["holder"]["address"] == lab.address(lab.alice)
    assert network.get("/healthz").json() == {"status": "ok"}


async def test_client_gets_coins_and_the_reason_why_not(lab) -> None:
    network, settings = Network(lab), Settings()
    target, transport = lab.address(lab.stranger), network.transport("192.0.2.1")
    credit = await request_coins(settings, f"{URL}/", target, transport)
    assert (credit.address, credit.amount, credit.height) == (target, "5000000uremes", lab.node.height)
    with pytest.raises(FaucetRefused, match=r"HTTP 429.*this address got coins"):
        await request_coins(settings, URL, target, transport)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[::1"])
async def test_client_without_a_faucet_says_so(lab, url: str) -> None:
    with pytest.raises(ChainUnavailable, match="no faucet"):
        await request_coins(Settings(), url, lab.address(lab.stranger))
