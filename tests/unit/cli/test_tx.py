"""`r3mes tx` without a node: what the commands sign."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from r3mes_ray.cli.main import execute
from r3mes_ray.wire.cosmos.tx.v1beta1.tx_pb2 import TxBody, TxRaw
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgRetireExpert

OFFLINE = ("--offline", "--account-number", "3", "--sequence", "7", "--gas", "100000", "--chain-id", "remes-test")


@pytest.fixture
def r3mes(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run a command with --json in a home with the key `alice`."""
    monkeypatch.setenv("R3MES_KEYRING_PASSPHRASE", "words of the test")

    def run(*arguments: str):
        code = execute([*arguments, "--home", str(tmp_path), "--json"])
        return code, json.loads(capsys.readouterr().out)

    run("keys", "add", "alice")
    return run


def test_tx_retire_expert_signs_the_owner_s_message(r3mes) -> None:
    code, signed = r3mes("tx", "retire-expert", "python", "--from", "alice", *OFFLINE)
    body = TxBody.FromString(TxRaw.FromString(base64.b64decode(signed["tx_bytes"])).body_bytes)
    assert (code, [message.type_url for message in body.messages]) == (0, ["/r3mes.v1.MsgRetireExpert"])
    owner = r3mes("keys", "show", "alice")[1]["address"]
    assert MsgRetireExpert.FromString(body.messages[0].value) == MsgRetireExpert(owner=owner, name="python")
