"""What the chain's codes mean for a sender.

Source: Cosmos SDK, types/errors; the same number in another codespace means something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

SDK = "sdk"

_SEQUENCE = re.compile(r"account sequence mismatch, expected (\d{1,20})")
# Simulation answers with a sentence instead of a code. It is made of parts with a colon between them, and the last one
# that is known here names the error: the SDK wraps each cause in a wider one.
_TEXTS: Mapping[str, tuple[str, int]] = {
    "tx parse error": (SDK, 2),
    "unauthorized": (SDK, 4),
    "insufficient funds": (SDK, 5),
    "unknown request": (SDK, 6),
    "invalid address": (SDK, 7),
    "invalid pubkey": (SDK, 8),
    "unknown address": (SDK, 9),
    "invalid coins": (SDK, 10),
    "out of gas": (SDK, 11),
    "memo too large": (SDK, 12),
    "insufficient fee": (SDK, 13),
    "maximum number of signatures exceeded": (SDK, 14),
    "no signatures supplied": (SDK, 15),
    "tx already in mempool": (SDK, 19),
    "mempool is full": (SDK, 20),
    "tx too large": (SDK, 21),
    "tx timeout height": (SDK, 30),
    "incorrect account sequence": (SDK, 32),
    "feature not supported": (SDK, 37),
    "invalid model": ("remes", 1004),
    "invalid model version": ("remes", 1005),
    "invalid gpu architecture": ("remes", 1009),
    "not implemented": ("remes", 1010),
    "invalid gradient hash": ("remes", 1012),
    "invalid ipfs hash": ("remes", 1013),
    "invalid signature": ("remes", 1015),
    "invalid nonce": ("remes", 1016),
    "invalid parameter": ("remes", 1019),
    "insufficient stake": ("remes", 1021),
    "invalid gradient id": ("remes", 1022),
    "aggregation not found": ("remes", 1203),
    "invalid aggregation": ("remes", 1204),
    "duplicate gradient": ("remes", 1206),
    "proposer not found": ("remes", 1406),
    "expert not found": ("r3mes", 1),
    "expert already registered": ("r3mes", 2),
    "round not found": ("r3mes", 3),
    "wrong phase of the round": ("r3mes", 4),
    "expert has an open round": ("r3mes", 5),
    "commitment not found": ("r3mes", 6),
    "commitment already made": ("r3mes", 7),
    "commitment does not match": ("r3mes", 8),
    "merkle root does not match": ("r3mes", 9),
    "node already registered": ("r3mes", 10),
    "not the expert's current version": ("r3mes", 11),
    "invalid proof of work": ("r3mes", 12),
}
_WIDE = "invalid request"
_PLACE = re.compile(r" \[[^\]]*\]| with gas used: .*")


class Verdict(StrEnum):
    """What to do about a refused transaction."""

    SIGN_AGAIN = "sign again"
    SEND_LATER = "send the same bytes later"
    SENT = "it was sent already"
    FINAL = "final"


_VERDICTS: Mapping[int, Verdict] = {
    11: Verdict.SIGN_AGAIN,
    13: Verdict.SIGN_AGAIN,
    19: Verdict.SENT,
    20: Verdict.SEND_LATER,
    30: Verdict.SIGN_AGAIN,
    32: Verdict.SIGN_AGAIN,
}


def verdict(codespace: str, code: int) -> Verdict:
    """What a sender does about a code that is not 0."""
    return _VERDICTS.get(code, Verdict.FINAL) if codespace == SDK else Verdict.FINAL


def wrong_sequence(codespace: str, code: int) -> bool:
    """Whether a refusal says nothing but that the sequence is another one."""
    return (codespace, code) == (SDK, 32)


def expected_sequence(log: str) -> int | None:
    """The sequence that the chain wants, from the text of a refusal that says so."""
    found = _SEQUENCE.search(log)
    return None if found is None else int(found[1])


def code_of(text: str) -> tuple[str, int]:
    """Codespace and code of a refusal that came as a sentence; `undefined` 1 for one that is not known."""
    if expected_sequence(text) is not None:
        return SDK, 32
    parts = [part.strip() for part in _PLACE.sub("", text).lower().split(": ")]
    known = (_TEXTS[part] for part in reversed(parts) if part in _TEXTS)
    return next(known, (SDK, 18) if _WIDE in parts else ("undefined", 1))
