"""The sequences of one account: which one a transaction gets, and which must reach the node first.

A node takes a transaction only when its sequence is exactly the next one. So transactions that were signed one after
the other are handed over in that order, and after a refusal all that were signed before it belong to the past.
"""

from __future__ import annotations

import asyncio

from r3mes_ray.chain.base import SignedTx
from r3mes_ray.types import TxHash


class Sequences:
    """The state between signing and handing over; not shared between event loops."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._expected = 0
        self._waiting: dict[TxHash, int] = {}
        self._changed = asyncio.Event()

    @property
    def synced(self) -> bool:
        """Whether the chain was asked."""
        return self._next is not None

    @property
    def expected(self) -> int:
        """The sequence that the node would take now, as far as is known: simulations are made with it."""
        return self._expected

    def sync(self, sequence: int) -> None:
        """Begin with what the chain says; transactions that wait for their turn are forgotten."""
        self._next = self._expected = sequence
        self._waiting.clear()
        self._notify()

    def reserve(self) -> int | None:
        """The sequence for the next transaction; `None` when the chain must be asked first."""
        if self._next is None:
            return None
        self._next += 1
        return self._next - 1

    def signed(self, tx: SignedTx) -> None:
        """Remember a transaction that will be handed over."""
        self._waiting[tx.tx_hash] = tx.sequence

    async def turn(self, tx: SignedTx, hold_s: float) -> None:
        """Wait until all transactions with a lower sequence were handed over, at most `hold_s`.

        One that was signed and never sent holds the others back only that long: then they go, are refused, and the
        sequence is set anew.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + hold_s
        while self._is_behind(tx) and (left := end - loop.time()) > 0:
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                return

    def accepted(self, tx: SignedTx) -> None:
        """The node has taken it (now, or earlier)."""
        self._expected = max(self._expected, tx.sequence + 1)
        if self._next is not None:
            self._next = max(self._next, tx.sequence + 1)
        self._drop(tx)

    def refused(self, tx: SignedTx, expected: int | None) -> None:
        """The node did not take it. Its sequence is free again, so all that wait for their turn are void.

        Args:
            tx: a transaction of the past changes nothing.
            expected: what the node said it wants; `None` means that the chain must be asked.
        """
        if tx.tx_hash not in self._waiting:
            return
        if expected is None:
            self._next = None
            self._waiting.clear()
            self._notify()
        else:
            self.sync(expected)

    def _is_behind(self, tx: SignedTx) -> bool:
        return tx.tx_hash in self._waiting and any(other < tx.sequence for other in self._waiting.values())

    def _drop(self, tx: SignedTx) -> None:
        self._waiting.pop(tx.tx_hash, None)
        self._notify()

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
