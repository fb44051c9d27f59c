"""One engine replica: builds the prompt, holds the adapter, and generates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from r3mes_ray.errors import DeadlineExceeded
from r3mes_ray.serving.adapters.cache import AdapterCache
from r3mes_ray.serving.inference.base import GenerationRequest, InferenceBackend
from r3mes_ray.serving.inference.choices import generate_all, spread
from r3mes_ray.serving.prompt import Render, build_prompt
from r3mes_ray.serving.records import Begun, EngineEvent, EngineRequest
from r3mes_ray.serving.reports import EngineInfo, EngineReport
from r3mes_ray.types import AdapterId


class Engine:
    """An `InferenceBackend` with its adapter cache and its model's chat template."""

    def __init__(self, backend: InferenceBackend, cache: AdapterCache, render: Render, info: EngineInfo) -> None:
        self._backend, self._cache, self._render, self._info = backend, cache, render, info

    @property
    def info(self) -> EngineInfo:
        """Which base it serves."""
        return self._info

    async def generate(self, request: EngineRequest) -> AsyncGenerator[EngineEvent, None]:
        """Answer: `Begun`, then pieces; closing the generator ends the request and frees its adapter.

        Raises:
            PromptTooLong: the conversation leaves no room for an answer.
            DeadlineExceeded: loading the adapter, or all together, took longer than the request's time.
            QueueFull: too many wait.
        """
        started = time.monotonic()
        prompt = build_prompt(
            self._render,
            request.messages,
            request.passages,
            context_tokens=self._info.context_tokens,
            answer_tokens=request.sampling.max_tokens,
        )
        lease = self._cache.lease(request.adapter)
        try:
            async with asyncio.timeout(request.timeout_s):
                slot = await lease.__aenter__()
        except TimeoutError as error:
            raise DeadlineExceeded("loading the adapter", request.timeout_s) from error
        try:
            adapter_s = time.monotonic() - started
            left = max(request.timeout_s - adapter_s, 0.0)
            yield Begun(self._info.base_id, len(prompt.tokens), prompt.passages, adapter_s)
            asked = spread(GenerationRequest(prompt.tokens, request.sampling, slot, left), request.choices)
            runners_up = request.runners_up
            async with aclosing(generate_all(self._backend, asked)) as pieces:
                async for piece in pieces:
                    yield piece
                    self._prefetch(runners_up)
                    runners_up = ()
        finally:
            await lease.__aexit__(None, None, None)

    def _prefetch(self, adapters: Sequence[AdapterId]) -> None:
        for adapter in adapters:
            self._cache.prefetch(adapter)

    async def check(self, adapter: AdapterId) -> None:
        """Fetch and check a version; no slot changes. Raises what is wrong with it."""
        await self._cache.check(adapter)

    async def preload(self, adapter: AdapterId) -> None:
        """Fetch, check and load a version ahead of its first request. Raises what its check finds."""
        await self._cache.preload(adapter)

    async def pin(self, adapter: AdapterId) -> None:
        """Load a version and keep it in its slot. Raises what its check finds, and what the budget does not hold."""
        await self._cache.pin(adapter)

    def unpin(self, adapter: AdapterId) -> None:
        """Let a version be evicted again."""
        self._cache.unpin(adapter)

    def report(self) -> EngineReport:
        """Counters of the engine and its cache."""
        return EngineReport(self._backend.stats(), self._cache.stats(), self._info.form)

    async def close(self) -> None:
        """Stop answering."""
        await self._backend.close()
