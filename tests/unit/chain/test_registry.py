from __future__ import annotations

import subprocess
import sys

import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError

from r3mes_ray.chain.registry import methods, unpack
from r3mes_ray.wire.cosmos.tx.v1beta1.service_pb2 import BroadcastTxResponse
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryRoundResponse


def test_methods_are_found_by_request_type() -> None:
    table = methods()
    assert table["r3mes.v1.QueryRoundRequest"].path == "/r3mes.v1.Query/Round"
    assert table["r3mes.v1.QueryRoundRequest"].answer is QueryRoundResponse
    assert table["cosmos.tx.v1beta1.BroadcastTxRequest"].path == "/cosmos.tx.v1beta1.Service/BroadcastTx"
    assert table["cosmos.tx.v1beta1.BroadcastTxRequest"].answer is BroadcastTxResponse
    assert table["cosmos.base.tendermint.v1beta1.GetLatestBlockRequest"].path.endswith("Service/GetLatestBlock")


def test_methods_no_message_of_a_transaction_is_a_query() -> None:
    assert not [name for name in methods() if name.rpartition(".")[2].startswith("Msg")]


def test_unpack_knows_types_that_the_process_never_imported() -> None:
    program = """
from google.protobuf.any_pb2 import Any
from r3mes_ray.chain.registry import unpack
for name in ("r3mes.v1.MsgOpenRoundResponse", "remes.remes.v1.MsgRevealAggregation", "cosmos.bank.v1beta1.MsgSend"):
    print(type(unpack(Any(type_url="/" + name))).DESCRIPTOR.full_name)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == [
        "r3mes.v1.MsgOpenRoundResponse",
        "remes.remes.v1.MsgRevealAggregation",
        "cosmos.bank.v1beta1.MsgSend",
    ]


def test_unpack_unknown_type_stays_packed() -> None:
    assert unpack(Any(type_url="/un.Known", value=b"x")) == Any(type_url="/un.Known", value=b"x")


def test_unpack_bytes_of_another_type_are_refused() -> None:
    with pytest.raises(DecodeError):
        unpack(Any(type_url="/r3mes.v1.MsgOpenRoundResponse", value=b"\xff"))
