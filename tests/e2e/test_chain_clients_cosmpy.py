"""cosmpy from PyPI, unmodified and in its own environment, against a node that was started by its command."""

import json
import subprocess
from pathlib import Path

import pip_peer
import pytest

from r3mes_ray.chain.keys import PrivateKey

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).with_name("cosmpy_client.py")
RICH, POOR, STRANGER = (PrivateKey(bytes([number]) * 32) for number in (0x31, 0x32, 0x33))
RECIPIENT = PrivateKey(b"\x34" * 32).address("remes")


@pytest.fixture(scope="module", params=["grpc", "rest"])
def said(request, tmp_path_factory, process, new_home):
    """What the client's script found out, in one run over each way to reach a node."""
    python = pip_peer.install("cosmpy", "cosmpy==0.12.2")
    home = new_home(tmp_path_factory.mktemp("cosmpy") / "home")
    balances = (f"{RICH.address('remes')}=5000000000uremes", f"{POOR.address('remes')}=9000uremes")
    flags = [flag for balance in balances for flag in ("--genesis-balance", balance)]
    node = process("chain", "start", "--home", home, "--json", "--block-time-ms", "200", "--rest-port", "0", *flags)
    node = node.wait_json()
    url = f"{request.param}+http://{node[request.param]}"
    secrets = [key.secret().hex() for key in (RICH, POOR, STRANGER)]
    done = subprocess.run(
        [python, SCRIPT, url, "remes-test", *secrets, RECIPIENT], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_cosmpy_sends_with_automatic_gas_and_reads_the_transaction_back(said):
    assert said["address"] == RICH.address("remes")
    assert said["before"] == 5_000_000_000
    assert said["sent"]["code"] == 0
    assert said["found"] == {"code": 0, "height": said["sent"]["height"], "recipient": RECIPIENT}
    assert (said["received"], said["all"]) == (1_000_000, ["1000000uremes"])
    assert (said["height"], said["chain_id"]) == (True, "remes-test")


def test_cosmpy_finds_the_transaction_by_sender(said):
    assert said["searched"]
    assert all(found == [said["sent"]["hash"]] for found in said["searched"])


def test_cosmpy_too_little_funds_is_insufficient_funds(said):
    assert said["too_little"].startswith("refused ")
    assert said["too_little"].endswith("insufficient funds")
    assert "insufficient funds" in said["too_little_simulated"]


def test_cosmpy_wrong_sequence_names_the_one_that_is_expected(said):
    assert said["wrong_sequence"].startswith("refused account sequence mismatch, expected 1, got 8")


def test_cosmpy_unknown_account_is_not_found(said):
    assert said["unknown_account"].startswith("error ")
    assert "not found" in said["unknown_account"]
