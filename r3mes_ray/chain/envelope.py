"""Messages as a type name and bytes: how they cross from one process to another without pickling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from r3mes_ray.chain.base import Event, TxResult
from r3mes_ray.chain.registry import unpack
from r3mes_ray.chain.tx import pack_any
from r3mes_ray.types import TxHash


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message."""

    type_url: str
    value: bytes


@dataclass(frozen=True, slots=True)
class SealedResult:
    """A TxResult whose responses are sealed."""

    tx_hash: TxHash
    height: int
    gas_used: int
    responses: tuple[Envelope, ...]
    events: tuple[Event, ...]


def seal(message: Message) -> Envelope:
    """A message as text and bytes; what could not be unpacked stays as it came."""
    packed = pack_any(message)
    return Envelope(packed.type_url, packed.value)


def unseal(envelope: Envelope) -> Message:
    """The message again."""
    return unpack(Any(type_url=envelope.type_url, value=envelope.value))


def seal_all(messages: Sequence[Message]) -> tuple[Envelope, ...]:
    """Several messages, in order."""
    return tuple(seal(message) for message in messages)


def seal_result(result: TxResult) -> SealedResult:
    """The result of a transaction, ready to cross."""
    return SealedResult(result.tx_hash, result.height, result.gas_used, seal_all(result.responses), result.events)


def unseal_result(sealed: SealedResult) -> TxResult:
    """The result of a transaction again."""
    responses = tuple(unseal(envelope) for envelope in sealed.responses)
    return TxResult(sealed.tx_hash, sealed.height, sealed.gas_used, responses, sealed.events)
