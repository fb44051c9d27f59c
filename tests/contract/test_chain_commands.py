"""`r3mes tx` and `r3mes query` against a real node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from r3mes_ray.chain.keys import PrivateKey

ALICE, BOB = PrivateKey(b"\x01" * 32), PrivateKey(b"\x02" * 32)
FUNDS = 1_000_000_000
Run = Callable[..., tuple[int, Any]]


def test_tx_send_pays_and_is_found_by_its_hash(r3mes: Run) -> None:
    code, sent = r3mes("tx", "send", "bob", "--amount", "5uremes", "--from", "alice", "--memo", "for bob")
    assert (code, sent["code"]) == (0, 0)
    assert r3mes("query", "balance", "bob")[1]["coins"] == [{"amount": 5, "denom": "uremes"}]
    for command in (("tx", "show"), ("query", "tx")):
        code, found = r3mes(*command, sent["txhash"].lower())
        assert (code, found["height"], found["memo"]) == (0, sent["height"], "for bob")
        assert found["messages"] == ["/cosmos.bank.v1beta1.MsgSend"]
    assert r3mes("query", "block", str(sent["height"]))[1]["transactions"] == [sent["txhash"]]


def test_tx_send_bare_number_is_in_the_base_denomination(r3mes: Run) -> None:
    to = BOB.address("remes")
    code, _ = r3mes("tx", "send", to, "--amount", "7", "--gas", "150000", "--gas-price", "0.03uremes")
    assert code == 0
    account = r3mes("query", "account")[1]
    assert (account["address"], account["sequence"]) == (ALICE.address("remes"), 1)
    assert account["public_key"] == ALICE.public_key.hex()
    assert r3mes("query", "balance", "alice")[1]["coins"][0]["amount"] == FUNDS - 7 - 4500


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("tx", "send", "bob", "--amount", "5000000000uremes", "--from", "alice"), "TxRejected"),
        (("tx", "send", "alice", "--amount", "5uremes", "--from", "bob"), "NotOnChain"),
        (("tx", "send", "carol", "--amount", "5uremes"), "KeyNotFound"),
        (("tx", "send", "remes1carol", "--amount", "5uremes"), "InvalidAddress"),
        (("tx", "send", "bob", "--amount", "five"), "InvalidInput"),
        (("tx", "send", "bob", "--amount", "5", "--gas", "much"), "ConfigError"),
        (("tx", "send", "bob", "--amount", "5", "--gas-price", "free"), "InvalidInput"),
        (("tx", "show", "ABCD"), "InvalidInput"),
        (("tx", "show", "AB" * 32), "NotOnChain"),
        (("query", "round", "0"), "NotOnChain"),
        (("query", "commitment", "0", "alice"), "NotOnChain"),
        (("query", "gradients", "--round", "0"), "NotOnChain"),
        (("query", "aggregation", "0"), "NotOnChain"),
        (("query", "expert", "python"), "NotOnChain"),
        (("query", "node"), "NotOnChain"),
        (("query", "block", "999999"), "NotOnChain"),
    ],
)
def test_command_that_cannot_succeed_is_a_clear_error(r3mes: Run, arguments: tuple[str, ...], kind: str) -> None:
    code, answer = r3mes(*arguments)
    assert (code, answer["error"]["type"]) == (1, kind)
    assert answer["error"]["message"]


def test_query_lists_are_empty_on_a_new_chain(r3mes: Run) -> None:
    assert r3mes("query", "experts") == (0, [])
    assert r3mes("query", "rounds") == (0, [])
    code, params = r3mes("query", "params")
    assert (code, params["rule_set"], params["denom"]) == (0, "v2", "uremes")
    assert r3mes("query", "block")[1]["chain_id"] == "remes-test"


def test_query_statistics_counts_nothing_on_a_new_chain(r3mes: Run) -> None:
    code, counts = r3mes("query", "statistics")
    assert (code, counts["miners"], counts["updates"]) == (0, 0, 0)
