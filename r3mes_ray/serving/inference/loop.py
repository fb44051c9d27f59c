"""The engine's thread: admits requests between steps and decodes all that run together, one token a step.

The thread owns the model. Other threads hand it tickets and jobs, under one lock, and it wakes when there is something
to do. A ticket is answered through its `deliver`, which must not block.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from r3mes_ray.errors import DeadlineExceeded, QueueFull, R3mesError, ServingUnavailable
from r3mes_ray.serving.inference.base import EngineStats, GenerationRequest, Piece
from r3mes_ray.serving.inference.fair_queue import FairQueue
from r3mes_ray.serving.inference.sequence import Generation

log = logging.getLogger(__name__)


class RowModel(Protocol):
    """A model that keeps the state of several sequences in rows 0, 1, …; used by one thread."""

    def prefill(self, row: int, prompt: Sequence[int], slot: int) -> NDArray[np.float32]:
        """Begin a sequence in a row with the adapter of `slot`; (v,) logits of its next token."""
        ...

    def decode(self, tokens: Sequence[int], slots: Sequence[int]) -> NDArray[np.float32]:
        """Add one token to each of the rows 0 … n-1; (n, v) logits of their next tokens."""
        ...

    def move(self, source: int, target: int) -> None:
        """Put the sequence of row `source` into row `target`, in place of what is there."""
        ...


@dataclass(slots=True, eq=False)
class Ticket:
    """A request, where its answer goes, and the clock's time at which it ends; `cancelled` is set by its owner."""

    request: GenerationRequest
    generation: Generation
    deliver: Callable[[Piece | R3mesError], None]
    deadline: float
    cancelled: bool = False

    @property
    def slot(self) -> int:
        """Of its adapter."""
        return self.request.slot


class EngineLoop:
    """Continuous batching over a `RowModel`; `start` begins the thread, `stop` ends it."""

    def __init__(self, model: RowModel, *, max_running: int, max_waiting: int, clock: Callable[[], float]) -> None:
        self._model, self._clock = model, clock
        self._max_running, self._max_waiting = max_running, max_waiting
        self._waiting: FairQueue[Ticket] = FairQueue()
        self._running: list[Ticket] = []
        self._jobs: deque[tuple[Future[None], Callable[[], None]]] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._steps = self._generated = self._prompted = 0
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def submit(self, ticket: Ticket) -> None:
        """Queue a request; where the queue is full of one adapter's requests, the newest of them makes room.

        Raises:
            QueueFull: as many wait as may. A request that made room for another one is told so too.
            ServingUnavailable: the loop has stopped.
        """
        with self._changed:
            if self._stopped:
                raise ServingUnavailable("the engine", "it has stopped")
            self._make_room(ticket.slot)
            self._waiting.push(ticket)
            self._changed.notify()

    def _make_room(self, slot: int) -> None:
        room = self._max_waiting + self._max_running - len(self._running)
        if len(self._waiting) >= room:
            self._waiting.keep(lambda ticket: not ticket.cancelled)
        if len(self._waiting) < room:
            return
        displaced = self._waiting.displace(slot)
        if displaced is None:
            raise QueueFull(self._max_waiting)
        displaced.deliver(QueueFull(self._max_waiting))

    def call(self, job: Callable[[], None]) -> Future[None]:
        """Run a job on the engine's thread between two steps."""
        future: Future[None] = Future()
        with self._changed:
            if self._stopped:
                raise ServingUnavailable("the engine", "it has stopped")
            self._jobs.append((future, job))
            self._changed.notify()
        return future

    def wake(self) -> None:
        """Look at the tickets again: one was cancelled."""
        with self._changed:
            self._changed.notify()

    def stop(self) -> None:
        """End the thread after its current step; all requests end with ServingUnavailable."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def stats(self) -> EngineStats:
        """Counters, without waiting for a step."""
        return EngineStats(
            alive=not self._stopped,
            running=len(self._running),
            waiting=len(self._waiting),
            steps=self._steps,
            generated_tokens=self._generated,
            prompt_tokens=self._prompted,
        )

    def _run(self) -> None:
        reason = "a step failed; its log says why"
        try:
            while self._wait():
                self._iterate()
            reason = "it is stopping"
        finally:
            self._abandon(reason)

    def _wait(self) -> bool:
        """Sleep until there is work; false once stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._jobs or self._waiting or self._running)
            return not self._stopped

    def _iterate(self) -> None:
        self._run_jobs()
        self._drop_ended()
        self._admit_one()
        if self._running:
            self._step()

    def _run_jobs(self) -> None:
        while self._jobs:
            future, job = self._jobs.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - handed to the caller, as an executor does
                future.set_exception(error)
            else:
                future.set_result(None)

    def _drop_ended(self) -> None:
        """Remove tickets that were cancelled or are past their deadline, waiting or running."""
        now = self._clock()
        with self._changed:
            self._waiting.keep(lambda ticket: self._alive(ticket, now))
        for row in reversed(range(len(self._running))):
            if not self._alive(self._running[row], now):
                self._free(row)

    def _alive(self, ticket: Ticket, now: float) -> bool:
        if ticket.cancelled:
            return False
        if now >= ticket.deadline:
            ticket.deliver(DeadlineExceeded("generation", ticket.request.timeout_s))
            return False
        return True

    def _admit_one(self) -> None:
        """Prefill one waiting request, so that a row of long prompts never keeps the others from their next token."""
        with self._changed:
            if not self._waiting or len(self._running) >= self._max_running:
                return
            ticket = self._waiting.pop(running.slot for running in self._running)
            self._running.append(ticket)
        row = len(self._running) - 1
        logits = self._model.prefill(row, ticket.request.prompt, ticket.request.slot)
        self._prompted += len(ticket.request.prompt)
        piece = self._advance(ticket, logits)
        if piece.finish_reason is not None:
            self._free(row)
        _deliver(ticket, piece)

    def _step(self) -> None:
        tokens = [ticket.generation.last_token for ticket in self._running]
        logits = self._model.decode(tokens, [ticket.request.slot for ticket in self._running])
        self._steps += 1
        advanced = [(ticket, self._advance(ticket, row)) for ticket, row in zip(self._running, logits, strict=True)]
        # Whoever reads the end of an answer finds its row free.
        for row in reversed(range(len(advanced))):
            if advanced[row][1].finish_reason is not None:
                self._free(row)
        for ticket, piece in advanced:
            _deliver(ticket, piece)

    def _advance(self, ticket: Ticket, logits: NDArray[np.float32]) -> Piece:
        self._generated += 1
        return ticket.generation.advance(logits)

    def _free(self, row: int) -> None:
        """Take a row out; the last one moves into its place, so that rows stay 0 … n-1."""
        last = len(self._running) - 1
        if row != last:
            self._model.move(last, row)
            self._running[row] = self._running[last]
        self._running.pop()

    def _abandon(self, reason: str) -> None:
        with self._changed:
            self._stopped = True
            tickets = [*self._running, *self._waiting.clear()]
            jobs = list(self._jobs)
            self._running.clear()
            self._jobs.clear()
        error = ServingUnavailable("the engine", reason)
        for ticket in tickets:
            ticket.deliver(error)
        for future, _ in jobs:
            future.set_exception(error)


def _deliver(ticket: Ticket, piece: Piece) -> None:
    if piece.text or piece.chances or piece.finish_reason is not None:
        ticket.deliver(piece)
