"""The faucet's HTTP server, with the paths of CosmJS's: `POST /credit`, `GET /status`, `GET /healthz`."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import time
from contextlib import suppress
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.errors import InvalidAddress
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.faucet.account import FaucetAccount
from r3mes_ray.localnet.faucet.limits import Limit, source_of
from r3mes_ray.localnet.feed import BlockFeed
from r3mes_ray.localnet.http import limited_body
from r3mes_ray.localnet.ledger import MODULE_ACCOUNTS
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.producer import Producer
from r3mes_ray.settings import LocalnetSettings
from r3mes_ray.types import Address

MAX_BODY_BYTES = 4_096
_RETRY_S = 60.0


@dataclass(frozen=True, slots=True)
class Faucet:
    """What the server needs.

    Attributes:
        feed: where new blocks are told.
        by_address: how often one address is paid.
        by_source: how often one source of connections is.
        wait_s: how long an answer waits for the block.
    """

    account: FaucetAccount
    feed: BlockFeed
    by_address: Limit
    by_source: Limit
    wait_s: float = 30.0


class _Denied(Exception):
    """An answer that is no credit: its HTTP status, the reason, and when another try may succeed."""

    def __init__(self, status: int, reason: str, retry_s: float = 0.0) -> None:
        super().__init__(status, reason, retry_s)
        self.status, self.reason, self.retry_s = status, reason, retry_s

    def response(self) -> Response:
        headers = {"Retry-After": str(math.ceil(self.retry_s))} if self.retry_s else {}
        return JSONResponse({"error": self.reason}, status_code=self.status, headers=headers)


def open_faucet(local: LocalnetSettings, node: ChainNode, producer: Producer, key: PrivateKey) -> Faucet:
    """The faucet of a node, as its settings limit it."""
    account = FaucetAccount(node, key, local.faucet_amount or 0, producer.wake)
    by_address = Limit(1, local.faucet_interval_s, time.monotonic)
    by_source = Limit(local.faucet_per_source, local.faucet_interval_s, time.monotonic)
    return Faucet(account, producer.feed, by_address, by_source)


def create_faucet_app(faucet: Faucet) -> Starlette:
    """An ASGI app over one account."""

    async def credit(request: Request) -> Response:
        try:
            recipient = await _recipient(faucet, request)
            host = request.client.host if request.client else ""
            return JSONResponse(await _credit(faucet, recipient, source_of(host)))
        except _Denied as denied:
            return denied.response()

    async def status(request: Request) -> Response:
        account, chain = faucet.account, faucet.account.node.chain
        coins = {"denom": chain.denom, "amount": str(account.balance)}
        return JSONResponse(
            {
                "status": "ok",
                "chainId": chain.chain_id,
                "chainTokens": [chain.denom],
                "availableTokens": [chain.denom] if account.balance >= account.amount else [],
                "holder": {"address": account.address, "balance": [coins]},
                "amount": str(account.amount),
            }
        )

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    routes = [Route("/credit", credit, methods=["POST"]), Route("/status", status), Route("/healthz", healthz)]
    return Starlette(routes=routes)


async def _recipient(faucet: Faucet, request: Request) -> Address:
    """The address that a request names; its content type does not matter, since CosmJS's client sends none."""
    body = await limited_body(request, MAX_BODY_BYTES)
    if body is None:
        raise _Denied(413, f"the limit is {MAX_BODY_BYTES} bytes")
    try:
        wanted = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Denied(400, "the body is not JSON") from error
    chain = faucet.account.node.chain
    if not isinstance(wanted, dict) or not isinstance(wanted.get("address"), str):
        raise _Denied(400, 'expected {"address": "…"}')
    if wanted.get("denom", chain.denom) != chain.denom:
        raise _Denied(422, f"only {chain.denom} is paid")
    try:
        owner = parse_address(wanted["address"], chain.prefix)
    except InvalidAddress as error:
        raise _Denied(400, str(error)) from error
    if owner in MODULE_ACCOUNTS or wanted["address"] == faucet.account.address:
        raise _Denied(422, "this account cannot be paid")
    return Address(wanted["address"])


async def _credit(faucet: Faucet, recipient: Address, source: str) -> dict[str, object]:
    """Pay, and wait until a block has it; what comes to nothing does not count."""
    uses = ((faucet.by_address, str(recipient), "this address"), (faucet.by_source, source, "this source"))
    for limit, name, what in uses:
        if wait_s := limit.wait_s(name):
            raise _Denied(429, f"{what} got coins; the next ones are in {math.ceil(wait_s)} s", wait_s)
    for limit, name, _ in uses:
        limit.use(name)
    try:
        tx_hash, height = await _paid(faucet, recipient)
    except Refused as refused:
        for limit, name, _ in uses:
            limit.give_back(name)
        raise _Denied(503, f"the faucet cannot pay: {refused}", _RETRY_S) from refused
    amount = f"{faucet.account.amount}{faucet.account.node.chain.denom}"
    return {"address": recipient, "amount": amount, "txhash": tx_hash, "height": height}


async def _paid(faucet: Faucet, recipient: Address) -> tuple[str, int]:
    """Hash and height of the payment.

    Raises:
        Refused: the node did not take it, or it failed in its block.
        _Denied: no block has it in time.
    """
    with faucet.feed.listen() as blocks:
        raw = faucet.account.pay(recipient)
        tx_hash = hashlib.sha256(raw).hexdigest().upper()
        with suppress(TimeoutError):
            async with asyncio.timeout(faucet.wait_s):
                while (executed := await blocks.get()) is not None:
                    if raw in executed.txs:
                        outcome = executed.outcomes[executed.txs.index(raw)]
                        if outcome.code.number:
                            raise Refused(outcome.code, outcome.log)
                        return tx_hash, executed.block.height
    raise _Denied(504, f"transaction {tx_hash} is not in a block yet; it may still come")
