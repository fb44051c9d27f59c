"""From a node's answer about a transaction to a result or an error."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from r3mes_ray.chain.base import Event, TxResult
from r3mes_ray.chain.registry import unpack
from r3mes_ray.errors import InvalidInput, TxRejected
from r3mes_ray.types import TxHash
from r3mes_ray.wire.cosmos.base.abci.v1beta1.abci_pb2 import TxMsgData, TxResponse


def result_of(response: TxResponse, tx_hash: TxHash) -> TxResult:
    """The result of an included transaction.

    Raises:
        TxRejected: it was included and failed.
        InvalidInput: the node's answer cannot be read.
    """
    if response.code:
        raise TxRejected(response.codespace, response.code, response.raw_log, tx_hash, response.height)
    try:
        data = TxMsgData.FromString(bytes.fromhex(response.data))
        responses = tuple(unpack(packed) for packed in data.msg_responses)
    except (ValueError, DecodeError) as error:
        raise InvalidInput(f"result of transaction {tx_hash}", f"its data cannot be read: {error}") from error
    return TxResult(tx_hash, response.height, response.gas_used, responses, events_of(response))


def events_of(response: TxResponse) -> tuple[Event, ...]:
    """The events of a transaction, in order."""
    return tuple(
        Event(event.type, tuple((entry.key, entry.value) for entry in event.attributes)) for event in response.events
    )
