"""How an outcome is kept and told: as the SDK's TxResponse."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from r3mes_ray.chain.base import Event
from r3mes_ray.localnet.machine import TxOutcome
from r3mes_ray.wire.cosmos.base.abci.v1beta1.abci_pb2 import TxResponse
from r3mes_ray.wire.tendermint.abci.types_pb2 import Event as AbciEvent
from r3mes_ray.wire.tendermint.abci.types_pb2 import EventAttribute


def tx_response(tx_hash: bytes, height: int, time_ns: int, outcome: TxOutcome) -> TxResponse:
    """The SDK's answer about an included transaction, without the transaction itself."""
    return TxResponse(
        height=height,
        txhash=tx_hash.hex().upper(),
        codespace=outcome.code.codespace,
        code=outcome.code.number,
        data=outcome.data.hex().upper(),
        raw_log=outcome.log,
        gas_wanted=outcome.gas_wanted,
        gas_used=outcome.gas_used,
        timestamp=rfc3339(time_ns),
        events=abci_events(outcome.events),
    )


def abci_events(events: Iterable[Event]) -> list[AbciEvent]:
    """Events as ABCI has them; every attribute is indexed."""
    return [
        AbciEvent(
            type=event.type,
            attributes=[EventAttribute(key=k, value=v, index=True) for k, v in event.attributes],
        )
        for event in events
    ]


def rfc3339(time_ns: int) -> str:
    """Unix nanoseconds as text, to the second."""
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
