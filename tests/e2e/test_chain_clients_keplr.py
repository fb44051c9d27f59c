"""Modules of the Keplr wallet, and CosmJS's faucet client, from npm, unmodified, against a node that was started."""

import base64
import json
import subprocess
import urllib.request
from pathlib import Path

import npm
import pytest

from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import Coin
from r3mes_ray.chain.tx import Signer, Terms, coin_messages, sign_tx, unsigned_tx
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).with_name("keplr.mjs")
PACKAGES = {
    "@cosmjs/faucet-client": "0.34.1",
    "@keplr-wallet/chain-validator": "0.13.16",
    "@keplr-wallet/cosmos": "0.13.16",
    "@keplr-wallet/simple-fetch": "0.13.16",
    "ws": "8.18.0",
}
RICH = PrivateKey(b"\x31" * 32)
OWNER, STRANGER = RICH.address("remes"), PrivateKey(b"\x32" * 32).address("remes")
SEND = MsgSend(from_address=OWNER, to_address=OWNER, amount=coin_messages([Coin(1, "uremes")]))


def _signed(rest):
    """The first transaction of the account."""
    with urllib.request.urlopen(f"{rest}/cosmos/auth/v1beta1/accounts/{OWNER}", timeout=20) as answer:
        number = int(json.load(answer)["account"]["account_number"])
    return sign_tx(RICH, [SEND], Signer("remes-test", number, 0), Terms(200_000, (Coin(5_000, "uremes"),))).raw


@pytest.fixture(scope="module")
def said(tmp_path_factory, process, new_home):
    """What the wallet's script found out, in one run."""
    peers = npm.install("keplr", PACKAGES)
    home = new_home(tmp_path_factory.mktemp("keplr") / "home")
    flags = ("--block-time-ms", "200", "--rest-port", "0", "--faucet", "5000000uremes", "--faucet-port", "0")
    funds = ("--genesis-balance", f"{OWNER}=5000000000uremes")
    env = {"R3MES_KEYRING_PASSPHRASE": "words of the test"}
    node = process("chain", "start", "--home", home, "--json", *flags, *funds, env=env).wait_json()
    script = peers / "client.mjs"
    script.write_text(SCRIPT.read_text())
    servers = [f"http://{node[name]}" for name in ("rpc", "rest", "faucet")]
    bare = unsigned_tx(RICH.public_key, [SEND], 0)
    texts = [base64.b64encode(raw).decode() for raw in (bare, _signed(servers[1]))]
    done = subprocess.run(
        ["node", script, *servers, "remes-test", OWNER, STRANGER, *texts], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_keplr_takes_the_node_for_its_chain_and_for_no_other(said):
    assert said["before"] == [OWNER, "0"]
    assert "different chain id" in said["wrong_chain"]


def test_keplr_unknown_account_begins_at_sequence_0(said):
    assert said["unknown"] == [STRANGER, "0"]


def test_cosmjs_faucet_client_gets_coins_for_a_new_account(said):
    assert said["given"] == [{"denom": "uremes", "amount": "5000000"}]
    assert int(said["joined"]) > 0


def test_keplr_simulates_broadcasts_traces_and_lists_over_rest(said):
    assert 30_000 < said["gas"] < 60_000
    assert (said["sent"], said["traced"]) == (0, 0)
    assert said["found"] == [0, "/cosmos.bank.v1beta1.MsgSend"]
    assert (said["listed"], said["after"]) == ([True], "1")


def test_keplr_refusals_have_their_codes(said):
    assert said["again"] == 19
    assert (said["broken"]["code"], "tx parse error" in said["broken"]["message"]) == (3, True)
