"""What the chain's codes mean for a sender.

Source: Cosmos SDK, types/errors; the same number in another codespace means something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

SDK = "sdk"

_SEQUENCE = re.compile(r"account sequence mismatch, expected (\d{1,20})")
# Simulation answers with a sentence instead of a code; the last part of the sentence is the registered error.
_TEXTS: Mapping[str, int] = {
    "account sequence mismatch": 32,
    "incorrect account sequence": 32,
    "insufficient funds": 5,
    "unknown address": 9,
    "out of gas": 11,
    "memo too large": 12,
    "insufficient fee": 13,
    "tx too large": 21,
    "tx timeout height": 30,
    "signature verification failed": 4,
    "unauthorized": 4,
    "unknown request": 6,
    "invalid address": 7,
    "tx parse error": 2,
    "invalid coins": 10,
    "invalid request": 18,
}
_CODED = re.compile(r"codespace[ =:]+([a-z0-9_]+)[, ]+code[ =:]+(\d{1,6})")


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
    coded = _CODED.search(text)
    if coded is not None:
        return coded[1], int(coded[2])
    lowered = text.lower()
    return next(((SDK, code) for known, code in _TEXTS.items() if known in lowered), ("undefined", 1))
