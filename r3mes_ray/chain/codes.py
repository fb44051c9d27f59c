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
_TEXTS: Mapping[str, int] = {
    "tx parse error": 2,
    "unauthorized": 4,
    "insufficient funds": 5,
    "unknown request": 6,
    "invalid address": 7,
    "invalid pubkey": 8,
    "unknown address": 9,
    "invalid coins": 10,
    "out of gas": 11,
    "memo too large": 12,
    "insufficient fee": 13,
    "maximum number of signatures exceeded": 14,
    "no signatures supplied": 15,
    "tx already in mempool": 19,
    "mempool is full": 20,
    "tx too large": 21,
    "tx timeout height": 30,
    "incorrect account sequence": 32,
    "feature not supported": 37,
}
_WIDE = "invalid request"
_PLACE = re.compile(r" \[[^\]]*\]| with gas used: .*")
_CODED = re.compile(r" \(codespace ([a-z0-9_]{1,40}), code ([0-9]{1,9})\)$")


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
    """Codespace and code of a refusal that came as a sentence; `undefined` 1 for one that is not known.

    Our own nodes end the sentence with the code; of other nodes' sentences the SDK's errors are known.
    """
    coded = _CODED.search(text)
    if coded is not None:
        return coded[1], int(coded[2])
    if expected_sequence(text) is not None:
        return SDK, 32
    parts = [part.strip() for part in _PLACE.sub("", text).lower().split(": ")]
    known = (_TEXTS[part] for part in reversed(parts) if part in _TEXTS)
    code = next(known, 18 if _WIDE in parts else None)
    return ("undefined", 1) if code is None else (SDK, code)


def log_of(text: str) -> str:
    """The sentence without the code that `code_of` reads from its end."""
    return _CODED.sub("", text)
