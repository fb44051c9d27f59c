"""The ways to sign, against a real node: at once, in two steps, and offline."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from r3mes_ray.chain.keys import PrivateKey

ALICE, BOB = PrivateKey(b"\x01" * 32), PrivateKey(b"\x02" * 32)
OFFLINE = ("--offline", "--account-number", "7", "--sequence", "3", "--gas", "150000")


@pytest.fixture
def saved(tmp_path: Path):
    def save(document: object) -> str:
        path = tmp_path / "document.json"
        path.write_text(json.dumps(document))
        return str(path)

    return save


def test_generate_sign_broadcast_in_three_steps(r3mes, saved) -> None:
    code, unsigned = r3mes("tx", "send", "bob", "--amount", "5uremes,", "--generate-only")
    assert (code, unsigned["error"]["type"]) == (1, "InvalidInput")
    code, unsigned = r3mes("tx", "send", "bob", "--amount", "5", "--generate-only", "--memo", "in steps")
    assert code == 0
    assert int(unsigned["auth_info"]["fee"]["gas_limit"]) > 10_000
    assert r3mes("query", "account")[1]["sequence"] == 0
    code, signed = r3mes("tx", "sign", saved(unsigned))
    raw = base64.b64decode(signed["tx_bytes"])
    assert (code, signed["txhash"]) == (0, hashlib.sha256(raw).hexdigest().upper())
    code, content = r3mes("tx", "show", saved(signed))
    assert (code, content["body"]["memo"]) == (0, "in steps")
    code, sent = r3mes("tx", "broadcast", saved(signed))
    assert (code, sent["txhash"]) == (0, signed["txhash"])
    assert r3mes("query", "balance", "bob")[1]["coins"] == [{"amount": 5, "denom": "uremes"}]


def test_fees_and_timeout_are_what_was_ordered(r3mes, saved) -> None:
    options = ("--gas", "200000", "--fees", "9000uremes", "--timeout-height", "100000")
    code, unsigned = r3mes("tx", "send", "bob", "--amount", "5", *options, "--generate-only", "--offline")
    assert code == 0
    assert unsigned["auth_info"]["fee"]["amount"] == [{"denom": "uremes", "amount": "9000"}]
    assert unsigned["body"]["timeout_height"] == "100000"
    assert r3mes("tx", "send", "bob", "--amount", "5", *options)[0] == 0
    assert r3mes("query", "balance")[1]["coins"][0]["amount"] == 1_000_000_000 - 5 - 9000


def test_stale_sequence_of_the_user_is_not_replaced(r3mes) -> None:
    assert r3mes("tx", "send", "bob", "--amount", "5")[0] == 0
    code, answer = r3mes("tx", "send", "bob", "--amount", "5", "--gas", "150000", "--sequence", "0")
    assert (code, answer["error"]["type"]) == (1, "TxRejected")
    assert "expected 1, got 0" in answer["error"]["message"]


def test_timeout_in_the_past_is_refused(r3mes) -> None:
    assert r3mes("tx", "send", "bob", "--amount", "5")[0] == 0
    assert r3mes("tx", "send", "bob", "--amount", "5")[0] == 0
    code, answer = r3mes("tx", "send", "bob", "--amount", "5", "--gas", "150000", "--timeout-height", "1")
    assert (code, "sdk 30" in answer["error"]["message"]) == (1, True)


def test_other_chain_id_is_refused(r3mes) -> None:
    code, answer = r3mes("tx", "send", "bob", "--amount", "5", "--chain-id", "remes-2")
    assert (code, answer["error"]["type"]) == (1, "ChainMismatch")


def test_offline_needs_what_no_node_tells(r3mes) -> None:
    code, signed = r3mes("tx", "send", "bob", "--amount", "5", "--chain-id", "remes-9", *OFFLINE)
    assert (code, set(signed)) == (0, {"tx_bytes", "txhash"})
    for missing in ("--account-number", "--sequence", "--gas"):
        options = [part for part in _pairs(OFFLINE) if part[0] != missing]
        code, answer = r3mes("tx", "send", "bob", "--amount", "5", *(word for pair in options for word in pair))
        assert (code, answer["error"]["type"]) == (1, "ConfigError")
        assert missing in answer["error"]["message"]


def test_offline_vote_is_signed_by_either_name_of_the_command(r3mes) -> None:
    votes = [r3mes(name, "vote", "1", "yes", *OFFLINE)[1] for name in ("gov", "governance")]
    assert votes[0] == votes[1]
    assert r3mes("gov", "vote", "1", "maybe", *OFFLINE)[1]["error"]["type"] == "InvalidInput"


def test_offline_proposal_and_deposit_carry_their_messages(r3mes, saved) -> None:
    message = {
        "@type": "/cosmos.bank.v1beta1.MsgSend",
        "from_address": ALICE.address("remes"),
        "to_address": BOB.address("remes"),
        "amount": [{"denom": "uremes", "amount": "1"}],
    }
    proposal = {"messages": [message], "title": "Pay Bob", "summary": "He earned it", "deposit": "5uremes"}
    code, document = r3mes("gov", "submit", saved(proposal), "--generate-only", *OFFLINE)
    [submitted] = document["body"]["messages"]
    assert (code, submitted["@type"], submitted["title"]) == (0, "/cosmos.gov.v1.MsgSubmitProposal", "Pay Bob")
    assert submitted["messages"] == [message]
    assert submitted["initial_deposit"] == [{"denom": "uremes", "amount": "5"}]
    code, document = r3mes("gov", "deposit", "1", "7uremes", "--generate-only", *OFFLINE)
    assert document["body"]["messages"][0]["amount"] == [{"denom": "uremes", "amount": "7"}]
    for wrong in (
        {},
        {**proposal, "title": ""},
        {**proposal, "messages": [{"@type": "/x.Y"}]},
        [],
        {**proposal, "x": 1},
    ):
        code, answer = r3mes("gov", "submit", saved(wrong), *OFFLINE)
        assert (code, answer["error"]["type"]) == (1, "InvalidInput")


def test_query_miners_and_model_on_a_new_chain(r3mes) -> None:
    assert r3mes("query", "miners") == (0, [])
    assert r3mes("query", "model")[1]["error"]["type"] == "NotOnChain"


def _pairs(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [words[:1], *((words[i], words[i + 1]) for i in range(1, len(words), 2))]
