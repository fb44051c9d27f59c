"""`r3mes chat`: asks a running gateway, and says how the answer came about."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import typer

from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.errors import GatewayRefused, GatewayUnreachable

app = typer.Typer()


@app.command()
def chat(
    question: str = typer.Argument(help="What to ask"),
    expert: str = typer.Option("auto", help="`auto` (the router), `base`, an expert, or expert@version"),
    stream: bool = typer.Option(True, "--stream/--no-stream", help="Print the answer while it is generated"),
    max_tokens: int = typer.Option(128, min=1, help="Longest answer, in tokens"),
    temperature: float = typer.Option(0.0, min=0.0, max=2.0, help="0 takes the likeliest token, always"),
    url: str | None = typer.Option(None, help="Gateway to ask; default: the one of the settings"),
) -> None:
    """Ask a question; print the answer, then its route, passages and version."""
    serving = current().settings.serving
    body = {
        "model": expert,
        "messages": [{"role": "user", "content": question}],
        "max_tokens": max_tokens,
        "temperature": temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    base = url or f"http://{serving.host}:{serving.port}"
    run(_chat(base, body, serving.request_timeout_s, live=stream and not current().json))


async def _chat(url: str, body: dict[str, Any], timeout_s: float, *, live: bool) -> None:
    text = ""
    record: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    try:
        async for chunk in _chunks(url, body, timeout_s):
            record = chunk.get("r3mes") or record
            usage = chunk.get("usage") or usage
            for choice in chunk["choices"]:
                piece = choice["delta"].get("content") or ""
                text += piece
                if live:
                    print(piece, end="", flush=True)
    except httpx.TransportError as error:
        raise GatewayUnreachable(url, str(error) or type(error).__name__) from error
    if live:
        print()
    answer = {"answer": text, **record, "usage": usage}
    emit(answer, describe(record) if live else f"{text}\n{describe(record)}")


async def _chunks(url: str, body: dict[str, Any], timeout_s: float) -> AsyncIterator[dict[str, Any]]:
    """The chunks of a streamed answer.

    Raises:
        GatewayRefused: the gateway answers with an error.
    """
    async with (
        httpx.AsyncClient(base_url=url, timeout=timeout_s + 10.0) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise refusal(response.status_code, await response.aread())
        async for line in response.aiter_lines():
            data = line.removeprefix("data: ")
            if data == line or data == "[DONE]":
                continue
            chunk = json.loads(data)
            if "error" in chunk:
                raise refusal(response.status_code, data.encode())
            yield chunk


def refusal(status: int, body: bytes) -> GatewayRefused:
    """The error in an answer's body, or the beginning of the body where it is none."""
    try:
        error = json.loads(body)["error"]
        return GatewayRefused(status, str(error["message"]), str(error.get("hint", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return GatewayRefused(status, body[:300].decode(errors="replace"), "")


def describe(record: dict[str, Any]) -> str:
    """The record of an answer as three lines."""
    scores = ", ".join(f"{score['expert']} {score['score']:.2f}" for score in record["route"]["scores"])
    route = f"{record['expert'] or 'base'} by {record['route']['how']}" + (f" ({scores})" if scores else "")
    passages = ", ".join(f"{p['document']}#{p['chunk']} ({p['score']:.2f})" for p in record["passages"]) or "none"
    version = f"{record['model_version']} {record['adapter_cid'] or ''}".rstrip()
    return f"\nroute     {route}\npassages  {passages}\nversion   {version}"
