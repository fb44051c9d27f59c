"""What a miner signs and works for when it submits an update.

The signature is over a text that names the chain, so that it cannot be replayed on another one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import count

from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.framing import u64, utf8
from r3mes_ray.types import Address, Cid

MAX_WORK_BITS = 32
"""More would keep a miner busy for hours."""

_SHARDS = 100


@dataclass(frozen=True, slots=True)
class Submission:
    """The fields of MsgSubmitGradient that its signature covers."""

    chain_id: str
    miner: Address
    cid: Cid
    model_version: str
    round_id: int
    shard_id: int
    gradient_hash: str
    gpu_architecture: str
    nonce: int


def message_hash(submission: Submission) -> bytes:
    """SHA-256 of the fields joined by `|`; the signature is over the SHA-256 of these 32 bytes.

    Raises:
        InvalidInput: a text field that contains the separator, which would let two submissions share a hash.
    """
    fields = (
        submission.chain_id,
        submission.miner,
        submission.cid,
        submission.model_version,
        str(submission.round_id),
        str(submission.shard_id),
        submission.gradient_hash,
        submission.gpu_architecture,
        str(submission.nonce),
    )
    for field in fields:
        if "|" in field:
            raise InvalidInput("submission", f"{field[:100]!r} contains the separator '|'")
    return hashlib.sha256(utf8("|".join(fields), "submission")).digest()


def find_work(hashed: bytes, bits: int) -> int:
    """The smallest positive nonce whose proof of work for a message hash has `bits` leading zero bits.

    Costs about 2^bits hashes; of 0 bits the answer is 0, which means "no work".

    Raises:
        InvalidInput: more bits than `MAX_WORK_BITS`.
    """
    if not 0 <= bits <= MAX_WORK_BITS:
        raise InvalidInput("proof of work", f"{bits} bits are outside 0 … {MAX_WORK_BITS}")
    if bits == 0:
        return 0
    return next(nonce for nonce in count(1) if has_work(hashed, nonce, bits))


def has_work(hashed: bytes, nonce: int, bits: int) -> bool:
    """Whether SHA-256(message hash ‖ nonce u64-BE) starts with `bits` zero bits."""
    digest = hashlib.sha256(hashed + u64(nonce, "proof-of-work nonce")).digest()
    return int.from_bytes(digest, "big") >> (256 - bits) == 0


def shard_v1(miner: Address, block_hash: str, round_id: int) -> int:
    """The predecessor's shard, 0 … 99, from the lower-case hex hash of the block that executes the message."""
    return _head(utf8(f"{miner}|{block_hash}|{round_id}", "shard")) % _SHARDS


def global_seed_v1(block_hash: bytes, round_id: int) -> int:
    """The predecessor's seed of a round, from the hash of the block that executes the message."""
    return _head(block_hash + u64(round_id, "round id"))


def _head(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
