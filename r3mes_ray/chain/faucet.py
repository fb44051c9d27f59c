"""Asking a faucet of a test network for coins, by the path and the fields of CosmJS's faucet."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

import httpx

from r3mes_ray.errors import ChainUnavailable, FaucetRefused
from r3mes_ray.settings import Settings
from r3mes_ray.types import Address

_TIMEOUT_S = 60.0
_MAX_REASON_CHARS = 500


@dataclass(frozen=True, slots=True)
class Credit:
    """What a faucet paid, and in which block; a faucet that does not say so leaves it empty and 0."""

    address: Address
    amount: str
    txhash: str
    height: int


def faucet_url(settings: Settings) -> str:
    """Where the settings say that a faucet is: one of the network, else this machine's."""
    return settings.chain.faucet_url or f"http://127.0.0.1:{settings.localnet.faucet_port}"


async def request_coins(
    settings: Settings, url: str, address: Address, transport: httpx.AsyncBaseTransport | None = None
) -> Credit:
    """Ask for coins, and wait until they are in a block.

    Raises:
        FaucetRefused: too soon, or the faucet is empty.
        ChainUnavailable: nothing answers at the URL.
    """
    authorities = settings.chain.grpc_tls_ca
    verify = ssl.create_default_context(cafile=authorities) if authorities is not None else True
    request = {"address": address, "denom": settings.chain.denom}
    try:
        async with httpx.AsyncClient(verify=verify, timeout=_TIMEOUT_S, transport=transport) as client:
            answer = await client.post(f"{url.rstrip('/')}/credit", json=request)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ChainUnavailable(url, f"no faucet: {error or type(error).__name__}") from error
    said = _json(answer)
    if answer.status_code != httpx.codes.OK:
        reason = str(said.get("error") or answer.text)[:_MAX_REASON_CHARS]
        raise FaucetRefused(url, answer.status_code, reason)
    height = said.get("height")
    return Credit(
        address, str(said.get("amount", "")), str(said.get("txhash", "")), height if type(height) is int else 0
    )


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
