from __future__ import annotations

import pytest

from r3mes_ray.chain.codes import Verdict, code_of, expected_sequence, log_of, verdict, wrong_sequence


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (32, Verdict.SIGN_AGAIN),
        (30, Verdict.SIGN_AGAIN),
        (11, Verdict.SIGN_AGAIN),
        (13, Verdict.SIGN_AGAIN),
        (20, Verdict.SEND_LATER),
        (19, Verdict.SENT),
        *((code, Verdict.FINAL) for code in (2, 4, 5, 7, 8, 9, 12, 18, 21, 24, 28, 37, 111222)),
    ],
)
def test_verdict_follows_the_sdk(code: int, expected: Verdict) -> None:
    assert verdict("sdk", code) is expected


def test_verdict_same_number_elsewhere_is_final() -> None:
    assert verdict("wasm", 32) is Verdict.FINAL
    assert wrong_sequence("sdk", 32)
    assert not wrong_sequence("remes", 32)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("account sequence mismatch, expected 166791, got 166793: incorrect account sequence: invalid request", 166791),
        ("account sequence mismatch, expected 0, got 1", 0),
        ("insufficient funds", None),
    ],
)
def test_expected_sequence_is_read_from_the_text(text: str, expected: int | None) -> None:
    assert expected_sequence(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("account sequence mismatch, expected 5, got 4: incorrect account sequence: invalid request", ("sdk", 32)),
        (
            "failed to execute message; message index: 0: spendable balance 0stake is smaller than 5stake: "
            "insufficient funds [cosmos/cosmos-sdk/x/bank/keeper/send.go:301] with gas used: '31207'",
            ("sdk", 5),
        ),
        ("tx parse error: invalid request", ("sdk", 2)),
        ("expected 2 fields: invalid request", ("sdk", 18)),
        ("remes1… in round 0: commitment already made (codespace r3mes, code 7)", ("r3mes", 7)),
        ("commitment already made (codespace r3mes, code 7) and more", ("undefined", 1)),
        ("something new", ("undefined", 1)),
        ("", ("undefined", 1)),
    ],
)
def test_code_of_sentence_is_found(text: str, code: tuple[str, int]) -> None:
    assert code_of(text) == code


def test_log_of_is_the_sentence_without_the_code() -> None:
    assert log_of("no: insufficient funds (codespace sdk, code 5)") == "no: insufficient funds"
    assert log_of("no: insufficient funds") == "no: insufficient funds"
