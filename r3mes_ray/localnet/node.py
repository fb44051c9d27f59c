"""A running chain: mempool and store around the state machine. For one thread; time is an argument."""

from __future__ import annotations

import hashlib
from itertools import islice

from r3mes_ray.localnet.addresses import format_address
from r3mes_ray.localnet.ante import Mode
from r3mes_ray.localnet.blocks import Executed, next_block
from r3mes_ray.localnet.codes import MEMPOOL_FULL, TX_IN_MEMPOOL, TX_TOO_LARGE, UNKNOWN_ADDRESS, Refused
from r3mes_ray.localnet.context import Context, Identity
from r3mes_ray.localnet.deadlines import has_deadlines
from r3mes_ray.localnet.genesis import Genesis, parameters_of
from r3mes_ray.localnet.machine import TxOutcome, check, identity_of, simulate
from r3mes_ray.localnet.records import ACCOUNTS
from r3mes_ray.localnet.state import Overlay
from r3mes_ray.localnet.store import Store

MAX_PENDING = 5_000
MAX_BLOCK_TXS = 500
"""More would keep the queries of one thread waiting for longer than a second."""


class ChainNode:
    """Takes transactions in, and turns those that wait into blocks.

    Waiting transactions lie on a check state: the last block's, with their fees and sequences already taken, so that
    several of one account can wait.
    """

    def __init__(self, genesis: Genesis, store: Store) -> None:
        self.genesis = genesis
        self.chain: Identity = identity_of(genesis)
        self.store = store
        self._pending: dict[bytes, bytes] = {}
        self._check = self._context()

    @property
    def height(self) -> int:
        """Height of the last block."""
        return self.store.head.height

    @property
    def pending(self) -> int:
        """How many transactions wait."""
        return len(self._pending)

    @property
    def is_busy(self) -> bool:
        """Whether blocks are needed: transactions wait, or a deadline is pending."""
        return bool(self._pending) or has_deadlines(self.store)

    def add(self, raw: bytes) -> None:
        """Take in a transaction, to be included in one of the next blocks.

        Raises:
            Refused: the ante refuses it, it is known already, or too many wait.
        """
        tx_hash = hashlib.sha256(raw).digest()
        if tx_hash in self._pending or self.store.tx(tx_hash) is not None:
            raise Refused(TX_IN_MEMPOOL, f"transaction {tx_hash.hex().upper()} waits or is in a block")
        if len(raw) > (limit := parameters_of(self.store).max_tx_bytes):
            raise Refused(TX_TOO_LARGE, f"{len(raw)} bytes, the limit is {limit}")
        if len(self._pending) >= MAX_PENDING:
            raise Refused(MEMPOOL_FULL, f"number of txs {len(self._pending)} (max: {MAX_PENDING})")
        check(self._check, raw)
        self._check.events.clear()
        self._pending[tx_hash] = raw

    def next_sequence(self, owner: bytes) -> tuple[int, int]:
        """Number and next sequence of an account, after those transactions of it that wait.

        Raises:
            Refused: it is not on chain.
        """
        found = ACCOUNTS.get(self._check.state, owner)
        if found is None:
            raise Refused(UNKNOWN_ADDRESS, f"account {format_address(owner, self.chain.prefix)} does not exist")
        return found.account_number, found.sequence

    def simulate(self, raw: bytes) -> TxOutcome:
        """What a transaction would come to after those that wait.

        Raises:
            Refused: it would fail.
        """
        if len(raw) > (limit := parameters_of(self.store).max_tx_bytes):
            raise Refused(TX_TOO_LARGE, f"{len(raw)} bytes, the limit is {limit}")
        return simulate(self._check.nested(), raw)

    def produce(self, time_ns: int) -> Executed:
        """Make the next block of the oldest waiting transactions and write it durably."""
        taken = self._take()
        executed = next_block(self.chain, self.store.head, self.store, time_ns, taken)
        self.store.append(executed)
        for raw in taken:
            del self._pending[hashlib.sha256(raw).digest()]
        self._recheck()
        return executed

    def _take(self) -> list[bytes]:
        room = parameters_of(self.store).max_block_bytes
        taken = []
        for raw in islice(self._pending.values(), MAX_BLOCK_TXS):
            room -= len(raw)
            if room < 0:
                break
            taken.append(raw)
        return taken

    def _recheck(self) -> None:
        """Drop what the last block made impossible; the rest waits on the new state."""
        self._check = self._context()
        for tx_hash, raw in list(self._pending.items()):
            try:
                check(self._check, raw, Mode.RECHECKED)
            except Refused:
                del self._pending[tx_hash]
        self._check.events.clear()

    def _context(self) -> Context:
        return Context(self.chain, Overlay(self.store), self.height + 1, self.store.head.time_ns + 1)
