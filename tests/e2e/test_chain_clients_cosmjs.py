"""CosmJS from npm, unmodified, against a node that was started by its command."""

import json
import re
import subprocess
from pathlib import Path

import npm
import pytest

from r3mes_ray.chain.keys import PrivateKey, mnemonic_key, new_mnemonic

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).with_name("cosmjs.mjs")
PACKAGES = {"@cosmjs/stargate": "0.39.0", "@cosmjs/proto-signing": "0.39.0", "@cosmjs/tendermint-rpc": "0.39.0"}
WORDS = new_mnemonic()
RICH = mnemonic_key(WORDS).address("remes")
POOR, STRANGER = PrivateKey(b"\x21" * 32), PrivateKey(b"\x22" * 32)
RECIPIENT = PrivateKey(b"\x23" * 32).address("remes")


@pytest.fixture(scope="module")
def said(tmp_path_factory, process, new_home):
    """What the client's script found out, in one run."""
    peers = npm.install("cosmjs", PACKAGES)
    home = new_home(tmp_path_factory.mktemp("cosmjs") / "home")
    balances = (f"{RICH}=5000000000uremes", f"{POOR.address('remes')}=9000uremes")
    flags = [flag for balance in balances for flag in ("--genesis-balance", balance)]
    rpc = process("chain", "start", "--home", home, "--json", "--block-time-ms", "200", *flags).wait_json()["rpc"]
    script = peers / "client.mjs"
    script.write_text(SCRIPT.read_text())
    secrets = (POOR.secret().hex(), STRANGER.secret().hex())
    done = subprocess.run(
        ["node", script, f"http://{rpc}", WORDS, *secrets, RECIPIENT], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_cosmjs_sends_with_automatic_gas_and_reads_the_transaction_back(said):
    assert said["address"] == RICH
    assert said["before"] == "5000000000"
    assert said["sent"]["code"] == 0
    assert said["found"] == {"code": 0, "height": said["sent"]["height"], "messages": 1, "sender": True}
    assert said["received"] == "1000006"


def test_cosmjs_finds_the_transaction_by_sender_and_in_its_block(said):
    assert said["searched"] == [said["sent"]["hash"]]
    assert said["block"] == 1


def test_cosmjs_too_little_funds_is_insufficient_funds(said):
    assert re.fullmatch(r"5 .*: insufficient funds in a block", said["too_little"])
    assert "insufficient funds" in said["too_little_simulated"]


def test_cosmjs_wrong_sequence_names_the_one_that_is_expected(said):
    assert re.match(r"32 .*account sequence mismatch, expected 1, got 8", said["wrong_sequence"])


def test_cosmjs_unknown_account_is_none_and_cannot_send(said):
    assert said["unknown_account"] is None
    assert "does not exist on chain" in said["unknown_sender"]


def test_cosmjs_subscriptions_tell_of_transaction_and_block(said):
    assert said["told"] == {"same": True, "height": True}
    assert said["told_block"] == said["chainId"] == said["genesis"] == "remes-test"


def test_cosmjs_commits_in_one_call_and_reads_history(said):
    assert said["committed"] == {"code": 0, "height": True}
    assert (said["blocks"], said["results"], said["info"]) == (3, 1, "r3mes-ray")


def test_cosmjs_reads_a_block_s_own_events_and_searches_blocks(said):
    assert (said["block_events"], said["block_search"]) == (True, True)
