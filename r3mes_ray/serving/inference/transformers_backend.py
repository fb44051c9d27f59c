"""The reference engine: transformers on one thread, all running requests decoded in one batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import torch

from r3mes_ray.errors import ConfigError, InvalidInput, PromptTooLong, R3mesError
from r3mes_ray.models.adapters import AdapterPackage
from r3mes_ray.models.base import BaseModel
from r3mes_ray.models.experts import ExpertBank
from r3mes_ray.serving.inference.base import EngineStats, GenerationRequest, Piece, PreparedAdapter
from r3mes_ray.serving.inference.loop import EngineLoop, RowModel, Ticket
from r3mes_ray.serving.inference.rows import TransformerRows
from r3mes_ray.serving.inference.sequence import Generation, TextRules
from r3mes_ray.settings import ServingSettings


class AdapterRows(RowModel, Protocol):
    """A `RowModel` whose slots can be filled."""

    def prepare(self, package: AdapterPackage) -> PreparedAdapter:
        """Compute what a slot needs; may run beside the other methods."""
        ...

    def place(self, slot: int, adapter: PreparedAdapter | None) -> None:
        """Fill a slot, or empty it."""
        ...


class TransformersBackend:
    """`InferenceBackend` over rows; the engine's thread starts at once and ends with `close`."""

    def __init__(
        self,
        rows: AdapterRows,
        rules: TextRules,
        *,
        max_running: int,
        max_waiting: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows, self._rules, self._clock = rows, rules, clock
        self._loop = EngineLoop(rows, max_running=max_running, max_waiting=max_waiting, clock=clock)
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._loop.start()

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Piece, None]:
        """Answer piece by piece; text that came while the caller was busy arrives as one piece."""
        if len(request.prompt) >= self._rules.context_tokens:
            raise PromptTooLong(len(request.prompt), self._rules.context_tokens - 1)
        for token, _ in request.sampling.logit_bias:
            if not 0 <= token < self._rules.vocabulary:
                detail = f"token {token} is not among the model's {self._rules.vocabulary}"
                raise InvalidInput("logit_bias", detail)
        arrived: asyncio.Queue[Piece | R3mesError] = asyncio.Queue()
        event_loop = asyncio.get_running_loop()

        def deliver(item: Piece | R3mesError) -> None:
            if not event_loop.is_closed():
                event_loop.call_soon_threadsafe(arrived.put_nowait, item)

        ticket = Ticket(request, Generation(request, self._rules), deliver, self._clock() + request.timeout_s)
        self._loop.submit(ticket)
        try:
            while True:
                piece = await _next(arrived)
                yield piece
                if piece.finish_reason is not None:
                    return
        finally:
            ticket.cancelled = True
            self._loop.wake()

    async def prepare(self, package: AdapterPackage) -> PreparedAdapter:
        """Compute what a slot needs, on a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._preparing, self._rows.prepare, package)

    async def place(self, slot: int, adapter: PreparedAdapter | None) -> None:
        """Fill or empty a slot between two steps."""
        await asyncio.wrap_future(self._loop.call(lambda: self._rows.place(slot, adapter)))

    def stats(self) -> EngineStats:
        """Counters of the loop."""
        return self._loop.stats()

    async def close(self) -> None:
        """End the engine's threads."""
        self._preparing.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._loop.stop)


def start_transformers(settings: ServingSettings, base: BaseModel, slots: int) -> TransformersBackend:
    """Start the engine on a loaded base, on the replica's GPU where it reserves one.

    Raises:
        ConfigError: a GPU is reserved, but torch finds none.
    """
    if settings.gpus_per_replica > 0:
        if not torch.cuda.is_available():
            raise ConfigError(
                "serving.gpus_per_replica", "torch finds no CUDA device in the replica that asked for one"
            )
        base.model.to("cuda")
    configured = base.model.generation_config.eos_token_id
    ends = {base.tokenizer.eos_token_id, *(configured if isinstance(configured, list) else [configured])} - {None}
    rules = TextRules(
        decode=base.tokenizer.decode,
        end_tokens=frozenset(ends),
        never=frozenset(base.tokenizer.all_special_ids) - ends,
        context_tokens=base.context_tokens,
        vocabulary=base.model.config.vocab_size,
    )
    rows = TransformerRows(base, ExpertBank(base, slots), settings.max_running_requests)
    return TransformersBackend(
        rows, rules, max_running=settings.max_running_requests, max_waiting=settings.max_queued_requests
    )


async def _next(arrived: asyncio.Queue[Piece | R3mesError]) -> Piece:
    """Everything that has arrived, as one piece; an error is raised once the text before it was given."""
    first = await arrived.get()
    if isinstance(first, R3mesError):
        raise first
    text, chances, last = [first.text], list(first.chances), first
    while not arrived.empty():
        item = arrived.get_nowait()
        if isinstance(item, R3mesError):
            arrived.put_nowait(item)
            break
        text.append(item.text)
        chances += item.chances
        last = item
    return Piece("".join(text), last.tokens, last.finish_reason, tuple(chances))
