"""The commitment of a proposer to one aggregate, before anybody can see it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise

from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.address import ADDRESS_BYTES
from r3mes_ray.protocol.cid import parse_cid_v1
from r3mes_ray.protocol.framing import hex32, lp, sized, u64, utf8
from r3mes_ray.protocol.merkle import check_merkle_root
from r3mes_ray.types import Cid

COMMITMENT_PREFIX = "v2:"
_TAG = b"r3mes/commit/v2"
# What Go's strings.TrimSpace removes; Python's str.strip removes four more.
_GO_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


def commitment_hash(
    chain_id: str,
    proposer: bytes,
    round_id: int,
    model_version: str,
    aggregate: Cid,
    merkle_root: str,
    accepted: Sequence[int],
    salt: str,
) -> str:
    """What MsgCommitAggregation carries: `v2:` and the hex SHA-256 of the preimage.

    Raises:
        InvalidInput: a field that is not in canonical form; see `commitment_preimage`.
    """
    preimage = commitment_preimage(chain_id, proposer, round_id, model_version, aggregate, merkle_root, accepted, salt)
    return COMMITMENT_PREFIX + hashlib.sha256(preimage).hexdigest()


def commitment_preimage(
    chain_id: str,
    proposer: bytes,
    round_id: int,
    model_version: str,
    aggregate: Cid,
    merkle_root: str,
    accepted: Sequence[int],
    salt: str,
) -> bytes:
    """Tag, chain, proposer (20 bytes), round, version, CID, root, accepted ids and salt, each with its length.

    Raises:
        InvalidInput: ids that are empty or not strictly ascending, a CID, root or salt in another text than the
            canonical one, an empty chain-id or version.
    """
    fields = (
        _TAG,
        _named(chain_id, "chain-id"),
        sized(proposer, ADDRESS_BYTES, "proposer"),
        u64(round_id, "round id"),
        _named(model_version, "model version"),
        parse_cid_v1(aggregate).binary,
        check_merkle_root(merkle_root),
        b"".join(u64(number, "accepted id") for number in check_ids(accepted)),
        check_salt(salt),
    )
    return b"".join(lp(field) for field in fields)


def check_commitment_text(text: str) -> bytes:
    """The 32 bytes of a v2 commitment in canonical text. Raises InvalidInput for any other text."""
    if not text.startswith(COMMITMENT_PREFIX):
        raise InvalidInput("commitment", f"{text[:80]!r} does not start with {COMMITMENT_PREFIX}")
    return hex32(text[len(COMMITMENT_PREFIX) :], "commitment")


def check_salt(text: str) -> bytes:
    """The 32 bytes of a salt in canonical text. Raises InvalidInput for any other text."""
    return hex32(text, "salt")


def check_ids(ids: Sequence[int]) -> Sequence[int]:
    """The ids themselves when there is at least one and they ascend strictly. Raises InvalidInput otherwise."""
    if not ids:
        raise InvalidInput("accepted ids", "there is none")
    for before, after in pairwise(ids):
        if before >= after:
            raise InvalidInput("accepted ids", f"{after} follows {before}; ids must ascend and be unique")
    return ids


def commitment_hash_v1(proposer: str, aggregate: str, merkle_root: str, participants: Sequence[int], salt: str) -> str:
    """The predecessor's commitment: 64 hex digits over a colon-joined text, fields trimmed as Go trims."""
    ids = " ".join(str(number) for number in participants)
    fields = (proposer, aggregate.strip(_GO_SPACE), merkle_root.strip(_GO_SPACE), f"[{ids}]", salt.strip(_GO_SPACE))
    return hashlib.sha256(utf8(":".join(fields), "commitment preimage")).hexdigest()


def _named(text: str, what: str) -> bytes:
    if not text:
        raise InvalidInput(what, "it is empty")
    return utf8(text, what)
