"""`InferenceBackend` over a decoder on a thread of its own: what all engines of this process have in common."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from r3mes_ray.errors import DeadlineExceeded, InvalidInput, PromptTooLong, QueueFull, R3mesError
from r3mes_ray.models.adapters import AdapterPackage
from r3mes_ray.serving.inference.base import EngineStats, GenerationRequest, Piece, PreparedAdapter
from r3mes_ray.serving.inference.loop import Decoder, EngineLoop, Ticket
from r3mes_ray.serving.inference.sequence import TextRules


class AdapterSlots(Protocol):
    """The numbered slots of a model."""

    def prepare(self, package: AdapterPackage) -> PreparedAdapter:
        """Compute what a slot needs; may run beside the decoder's thread."""
        ...

    def place(self, slot: int, adapter: PreparedAdapter | None) -> None:
        """Fill a slot, or empty it; on the decoder's thread."""
        ...


class ThreadedBackend:
    """The engine's thread starts at once and ends with `close`.

    Args:
        decoder: makes the tokens.
        slots: of the decoder's model.
        rules: the model's.
        max_running: requests that are decoded at a time.
        max_waiting: requests that may wait beside them, and as many for the reading of their schemas.
        guide: makes of a request with a JSON schema what the decoder needs of it, on a thread of its own; without it
            such requests are refused.
        release: frees what the decoder holds, once its thread has ended.
        clock: seconds, for deadlines.
    """

    def __init__(
        self,
        decoder: Decoder,
        slots: AdapterSlots,
        rules: TextRules,
        *,
        max_running: int,
        max_waiting: int,
        guide: Callable[[GenerationRequest], Any] | None = None,
        release: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots, self._rules, self._clock, self._guide = slots, rules, clock, guide
        self._release = release
        self._reading, self._max_reading = 0, max(1, max_waiting)
        self._loop = EngineLoop(decoder, max_running=max_running, max_waiting=max_waiting, clock=clock)
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._guiding = ThreadPoolExecutor(1, thread_name_prefix="guide")
        self._loop.start()

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Piece, None]:
        """Answer piece by piece; text that came while the caller was busy arrives as one piece."""
        self._check(request)
        arrived: asyncio.Queue[Piece | R3mesError] = asyncio.Queue()
        event_loop = asyncio.get_running_loop()

        def deliver(item: Piece | R3mesError) -> None:
            if not event_loop.is_closed():
                event_loop.call_soon_threadsafe(arrived.put_nowait, item)

        deadline = self._clock() + request.timeout_s
        ticket = Ticket(request, deliver, deadline, await self._guided(request))
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

    def _check(self, request: GenerationRequest) -> None:
        if len(request.prompt) >= self._rules.context_tokens:
            raise PromptTooLong(len(request.prompt), self._rules.context_tokens - 1)
        for token, _ in request.sampling.logit_bias:
            if not 0 <= token < self._rules.vocabulary:
                detail = f"token {token} is not among the model's {self._rules.vocabulary}"
                raise InvalidInput("logit_bias", detail)
        if request.sampling.json_schema is not None and self._guide is None:
            detail = "this engine does not keep answers to a JSON schema; leave it out, or serve with --engine vllm"
            raise InvalidInput("response_format", detail)

    async def _guided(self, request: GenerationRequest) -> Any:
        """Read a schema before the request is queued, so that it takes no time of the decoder's thread.

        Raises:
            QueueFull: as many wait for theirs as may wait in the queue.
            DeadlineExceeded: it took as long as the request may take altogether.
        """
        if request.sampling.json_schema is None or self._guide is None:
            return None
        if self._reading >= self._max_reading:
            raise QueueFull(self._max_reading)
        self._reading += 1
        try:
            reading = asyncio.get_running_loop().run_in_executor(self._guiding, self._guide, request)
            return await asyncio.wait_for(reading, request.timeout_s)
        except TimeoutError as error:
            raise DeadlineExceeded("reading the schema", request.timeout_s) from error
        finally:
            self._reading -= 1

    async def prepare(self, package: AdapterPackage) -> PreparedAdapter:
        """Compute what a slot needs, on a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._preparing, self._slots.prepare, package)

    async def place(self, slot: int, adapter: PreparedAdapter | None) -> None:
        """Fill or empty a slot between two steps."""
        await asyncio.wrap_future(self._loop.call(lambda: self._slots.place(slot, adapter)))

    def stats(self) -> EngineStats:
        """Counters of the loop."""
        return self._loop.stats()

    async def close(self) -> None:
        """End the engine's threads."""
        for threads in (self._preparing, self._guiding):
            threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._loop.stop)
        release, self._release = self._release, lambda: None
        await asyncio.to_thread(release)


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
