"""The engine's thread: admits requests between steps, and decodes all that run together.

The thread owns the decoder, and the model with it. Other threads hand it tickets and jobs, under one lock, and it wakes
when there is something to do. A ticket is answered through its `deliver`, which must not block.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from r3mes_ray.errors import DeadlineExceeded, InvalidInput, QueueFull, R3mesError, ServingUnavailable
from r3mes_ray.serving.inference.base import EngineStats, GenerationRequest, Piece
from r3mes_ray.serving.inference.fair_queue import FairQueue

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Ticket:
    """A request, where its answer goes, and the clock's time at which it ends.

    Attributes:
        guided: what the decoder needs of a request with a JSON schema, made before it was queued.
        cancelled: is set by its owner.
    """

    request: GenerationRequest
    deliver: Callable[[Piece | R3mesError], None]
    deadline: float
    guided: Any = None
    cancelled: bool = False

    @property
    def slot(self) -> int:
        """Of its adapter."""
        return self.request.slot


class Decoder(Protocol):
    """What makes tokens for the tickets that run; used by one thread."""

    @property
    def admissions(self) -> int:
        """How many may be taken up between two steps."""
        ...

    def admit(self, ticket: Ticket) -> Piece | None:
        """Take a request up; its first token where that costs a step of its own anyway.

        Raises:
            InvalidInput: the request is one that the model cannot answer.
        """
        ...

    def step(self) -> Sequence[tuple[Ticket, Piece]]:
        """The next tokens of those that run; a ticket whose piece has a finish reason is dropped by the caller."""
        ...

    def drop(self, ticket: Ticket) -> None:
        """Forget a request: it has ended, was cancelled, or is late."""
        ...


class EngineLoop:
    """Continuous batching over a `Decoder`; `start` begins the thread, `stop` ends it."""

    def __init__(self, decoder: Decoder, *, max_running: int, max_waiting: int, clock: Callable[[], float]) -> None:
        self._decoder, self._clock = decoder, clock
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
        self._admit()
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
        for ticket in [ticket for ticket in self._running if not self._alive(ticket, now)]:
            self._free(ticket)

    def _alive(self, ticket: Ticket, now: float) -> bool:
        if ticket.cancelled:
            return False
        if now >= ticket.deadline:
            ticket.deliver(DeadlineExceeded("generation", ticket.request.timeout_s))
            return False
        return True

    def _admit(self) -> None:
        """Take up waiting requests, as many as the decoder can without keeping the others from their next token."""
        for _ in range(self._decoder.admissions):
            if not self._admit_one():
                return

    def _admit_one(self) -> bool:
        """False where none waits, or no place is free."""
        with self._changed:
            if not self._waiting or len(self._running) >= self._max_running:
                return False
            ticket = self._waiting.pop(running.slot for running in self._running)
            self._running.append(ticket)
        try:
            piece = self._decoder.admit(ticket)
        except InvalidInput as error:
            self._running.remove(ticket)
            ticket.deliver(error)
            return True
        self._prompted += len(ticket.request.prompt)
        if piece is not None:
            self._hand_out([(ticket, piece)])
        return True

    def _step(self) -> None:
        advanced = self._decoder.step()
        self._steps += 1
        self._hand_out(advanced)

    def _hand_out(self, advanced: Sequence[tuple[Ticket, Piece]]) -> None:
        self._generated += len(advanced)
        # Whoever reads the end of an answer finds its place free.
        for ticket, piece in advanced:
            if piece.finish_reason is not None:
                self._free(ticket)
        for ticket, piece in advanced:
            _deliver(ticket, piece)

    def _free(self, ticket: Ticket) -> None:
        self._running.remove(ticket)
        self._decoder.drop(ticket)

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
