"""Hashes that chain blocks and states: each covers everything before it.

`state_sum` is the sum modulo 2^256 of one hash for each entry of the state. It changes with every write at the cost of
that write, and can be computed afresh from the whole state, which is how a damaged database is noticed at start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from r3mes_ray.localnet.machine import TxOutcome
from r3mes_ray.localnet.state import State
from r3mes_ray.protocol.framing import lp, u64

_MODULUS = 2**256


def entry_hash(key: bytes, value: bytes) -> int:
    """Hash of one entry of the state, as a number."""
    return int.from_bytes(hashlib.sha256(lp(key) + lp(value)).digest(), "big")


def full_sum(entries: Iterable[tuple[bytes, bytes]]) -> int:
    """State sum of a whole state."""
    return sum(entry_hash(key, value) for key, value in entries) % _MODULUS


def next_sum(before: int, state: State, writes: Mapping[bytes, bytes | None]) -> int:
    """State sum after `writes` to a `state` whose sum was `before`."""
    total = before
    for key, value in writes.items():
        old = state.get(key)
        total -= 0 if old is None else entry_hash(key, old)
        total += 0 if value is None else entry_hash(key, value)
    return total % _MODULUS


def app_hash(before: bytes, state_sum: int, writes: Mapping[bytes, bytes | None]) -> bytes:
    """Hash of a state: over the one before, the writes between them by ascending key, and the state sum."""
    digest = hashlib.sha256(lp(b"r3mes/app/v1") + lp(before) + state_sum.to_bytes(32, "big"))
    for key in sorted(writes):
        value = writes[key]
        digest.update(lp(key) + (b"\0" if value is None else b"\1" + lp(value)))
    return digest.digest()


def data_hash(txs: Sequence[bytes]) -> bytes:
    """Hash of a block's transactions, in order."""
    return hashlib.sha256(b"".join(hashlib.sha256(raw).digest() for raw in txs)).digest()


def results_hash(outcomes: Sequence[TxOutcome]) -> bytes:
    """Hash of what the transactions came to: code, data and gas, not the texts of logs."""
    parts = (
        lp(outcome.code.codespace.encode())
        + u64(outcome.code.number)
        + lp(outcome.data)
        + u64(outcome.gas_wanted)
        + u64(outcome.gas_used)
        for outcome in outcomes
    )
    return hashlib.sha256(b"".join(parts)).digest()


def block_hash(
    chain_id: str, height: int, time_ns: int, parent: bytes, data: bytes, results: bytes, app: bytes
) -> bytes:
    """Hash of a block: its header's fields, each with its length. Not CometBFT's header hash."""
    fields = (b"r3mes/block/v1", chain_id.encode(), u64(height), u64(time_ns), parent, data, results, app)
    return hashlib.sha256(b"".join(lp(field) for field in fields)).digest()
