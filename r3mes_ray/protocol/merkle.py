"""Merkle trees over a round's updates: RFC 6962 for rule set v2, the predecessor's colon tree for v1."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.address import ADDRESS_BYTES
from r3mes_ray.protocol.cid import parse_cid_v1
from r3mes_ray.protocol.framing import hex32, sized, u64
from r3mes_ray.types import Cid

ROOT_PREFIX = "v2:"


@dataclass(frozen=True, slots=True)
class UpdateLeaf:
    """One accepted update, as the chain has it: `miner` is the account's 20 bytes."""

    update_id: int
    cid: Cid
    gradient_hash: str
    miner: bytes

    def encode(self) -> bytes:
        """Leaf content, 96 bytes: id u64-BE ‖ CIDv1 (36) ‖ gradient hash (32) ‖ miner (20).

        Raises:
            InvalidInput: a field that is not in canonical form.
        """
        return (
            u64(self.update_id, "update id")
            + parse_cid_v1(self.cid).binary
            + hex32(self.gradient_hash, "gradient hash")
            + sized(self.miner, ADDRESS_BYTES, "miner")
        )


def merkle_root(leaves: Sequence[UpdateLeaf]) -> str:
    """Root of a round's accepted updates: `v2:` and 64 hex digits.

    Raises:
        InvalidInput: no leaf, or ids that are not strictly ascending.
    """
    return ROOT_PREFIX + tree_root(_contents(leaves)).hex()


def prove(leaves: Sequence[UpdateLeaf], index: int) -> tuple[bytes, ...]:
    """Inclusion proof of one leaf: the hashes beside its path, lowest first.

    Raises:
        InvalidInput: as for `merkle_root`, and for an index outside the leaves.
    """
    if not 0 <= index < len(leaves):
        raise InvalidInput("proof index", f"{index} is not one of {len(leaves)} leaves")
    level, path = [_leaf_hash(content) for content in _contents(leaves)], []
    while len(level) > 1:
        if (index ^ 1) < len(level):
            path.append(level[index ^ 1])
        level, index = _parents(level), index // 2
    return tuple(path)


def verify_proof(leaf: UpdateLeaf, index: int, total: int, path: Sequence[bytes], root: str) -> bool:
    """Whether `leaf` is number `index` of the `total` leaves under `root`.

    `index` and `total` come from the chain's record of the round, never from whoever hands in the proof.

    Raises:
        InvalidInput: a leaf or root that is not in canonical form.
    """
    if not 0 <= index < total:
        return False
    node, last, rest = _leaf_hash(leaf.encode()), total - 1, list(path)
    while last:
        if (index ^ 1) <= last:
            if not rest or len(rest[0]) != 32:
                return False
            beside = rest.pop(0)
            node = _node_hash(beside, node) if index & 1 else _node_hash(node, beside)
        index, last = index // 2, last // 2
    return not rest and node == check_merkle_root(root)


def check_merkle_root(text: str) -> bytes:
    """The 32 bytes of a v2 root in canonical text. Raises InvalidInput for any other text."""
    if not text.startswith(ROOT_PREFIX):
        raise InvalidInput("Merkle root", f"{text[:80]!r} does not start with {ROOT_PREFIX}")
    return hex32(text[len(ROOT_PREFIX) :], "Merkle root")


def tree_root(contents: Sequence[bytes]) -> bytes:
    """RFC 6962 root of any leaf contents; of none, the hash of nothing."""
    level = [_leaf_hash(content) for content in contents]
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else hashlib.sha256().digest()


def merkle_root_v1(gradient_hashes: Sequence[str]) -> str:
    """Root by the predecessor's rule: texts joined by a colon, an odd last node paired with itself.

    Raises:
        InvalidInput: no gradient hash.
    """
    if not gradient_hashes:
        raise InvalidInput("Merkle tree", "it has no leaf")
    level = list(gradient_hashes)
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        level = [
            hashlib.sha256(f"{left}:{right}".encode()).hexdigest()
            for left, right in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0]


def _contents(leaves: Sequence[UpdateLeaf]) -> list[bytes]:
    if not leaves:
        raise InvalidInput("Merkle tree", "it has no leaf")
    for before, after in pairwise(leaves):
        if before.update_id >= after.update_id:
            raise InvalidInput(
                "Merkle tree", f"update id {after.update_id} follows {before.update_id}; ids must ascend"
            )
    return [leaf.encode() for leaf in leaves]


def _parents(level: list[bytes]) -> list[bytes]:
    parents = [_node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return parents + level[-1:] * (len(level) % 2)


def _leaf_hash(content: bytes) -> bytes:
    return hashlib.sha256(b"\0" + content).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
