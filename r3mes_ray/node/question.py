"""Asks a running gateway, over HTTP, as any client would."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from r3mes_ray.errors import DeadlineExceeded

POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and its record: `version` and `cid` of the adapter, `how` it was routed, documents of the passages."""

    text: str
    version: str
    cid: str
    how: str
    passages: tuple[str, ...]


async def wait_for_version(url: str, version: str, timeout_s: float) -> None:
    """Wait until the gateway at `url` serves `version` (`expert@N`).

    Raises:
        DeadlineExceeded: it does not in time.
    """
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        try:
            async with asyncio.timeout(timeout_s):
                while version not in await _models(client):
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            raise DeadlineExceeded(f"serving {version}", timeout_s) from error


async def ask(url: str, question: str, *, model: str = "auto", max_tokens: int = 60) -> Answer:
    """Ask one question and wait for the whole answer."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "max_tokens": max_tokens,
        "temperature": 0,
    }
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        response = await client.post("/v1/chat/completions", json=body)
        response.raise_for_status()
    return _answer(response.json())


async def _models(client: httpx.AsyncClient) -> set[str]:
    response = await client.get("/v1/models")
    response.raise_for_status()
    return {str(item["id"]) for item in response.json()["data"]}


def _answer(document: dict[str, Any]) -> Answer:
    record = document["r3mes"]
    return Answer(
        text=str(document["choices"][0]["message"]["content"]),
        version=str(record["model_version"]),
        cid=str(record["adapter_cid"]),
        how=str(record["route"]["how"]),
        passages=tuple(str(passage["document"]) for passage in record["passages"]),
    )
