from __future__ import annotations

import pickle

from google.protobuf.any_pb2 import Any

from r3mes_ray.chain.base import Event, TxResult
from r3mes_ray.chain.envelope import seal, seal_result, unseal, unseal_result
from r3mes_ray.types import TxHash
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryRoundRequest
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgOpenRoundResponse


def test_seal_message_comes_back_with_its_type() -> None:
    sealed = pickle.loads(pickle.dumps(seal(QueryRoundRequest(round_id=3))))
    assert (sealed.type_url, sealed.value) == ("/r3mes.v1.QueryRoundRequest", b"\x08\x03")
    assert unseal(sealed) == QueryRoundRequest(round_id=3)


def test_seal_unknown_type_stays_as_it_came() -> None:
    unknown = Any(type_url="/un.Known", value=b"\xff")
    assert unseal(seal(unknown)) == unknown


def test_seal_result_comes_back_whole() -> None:
    result = TxResult(
        TxHash("AB"), 7, 50, (MsgOpenRoundResponse(round_id=0, submit_end=9),), (Event("tx", (("fee", "1"),)),)
    )
    assert unseal_result(pickle.loads(pickle.dumps(seal_result(result)))) == result
