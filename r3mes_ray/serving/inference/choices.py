"""Several answers to one request: generated side by side, and given out as their pieces come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from r3mes_ray.serving.inference.base import GenerationRequest, InferenceBackend, Piece

_SEEDS = 2**64


def spread(request: GenerationRequest, choices: int) -> list[GenerationRequest]:
    """One request for each answer; the first is the request itself, and answer i has the seed i further on."""
    seed = request.sampling.seed
    seeds = [None if seed is None else (seed + choice) % _SEEDS for choice in range(choices)]
    return [replace(request, sampling=replace(request.sampling, seed=own)) for own in seeds]


async def generate_all(backend: InferenceBackend, requests: Sequence[GenerationRequest]) -> AsyncGenerator[Piece, None]:
    """The pieces of all, each with its choice, as they come; the first error, or closing this, ends all of them."""
    if len(requests) == 1:
        async with aclosing(backend.generate(requests[0])) as pieces:
            async for piece in pieces:
                yield piece
        return
    arrived: asyncio.Queue[Piece | Exception] = asyncio.Queue()
    tasks = [asyncio.create_task(_pump(backend, request, choice, arrived)) for choice, request in enumerate(requests)]
    try:
        left = len(requests)
        while left:
            item = await arrived.get()
            if isinstance(item, Exception):
                raise item
            left -= item.finish_reason is not None
            yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(
    backend: InferenceBackend, request: GenerationRequest, choice: int, arrived: asyncio.Queue[Piece | Exception]
) -> None:
    try:
        async with aclosing(backend.generate(request)) as pieces:
            async for piece in pieces:
                arrived.put_nowait(replace(piece, choice=choice))
    except Exception as error:  # noqa: BLE001 - raised where the answer is read
        arrived.put_nowait(error)
