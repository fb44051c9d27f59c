"""The types that travel: which method answers a query, and which class is behind a type's name.

All files are named here, so that a process knows every type without having imported its module by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from google.protobuf.any_pb2 import Any
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from r3mes_ray.wire.cosmos.auth.v1beta1 import query_pb2 as auth
from r3mes_ray.wire.cosmos.bank.v1beta1 import query_pb2 as bank
from r3mes_ray.wire.cosmos.bank.v1beta1 import tx_pb2 as bank_tx
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from r3mes_ray.wire.cosmos.gov.v1 import query_pb2 as gov
from r3mes_ray.wire.cosmos.gov.v1 import tx_pb2 as gov_tx
from r3mes_ray.wire.cosmos.tx.v1beta1 import service_pb2 as tx
from r3mes_ray.wire.r3mes.v1 import query_pb2 as ours
from r3mes_ray.wire.r3mes.v1 import tx_pb2 as ours_tx
from r3mes_ray.wire.remes.remes.v1 import query_pb2 as remes
from r3mes_ray.wire.remes.remes.v1 import tx_pb2 as remes_tx

_QUERIES: tuple[FileDescriptor, ...] = (
    auth.DESCRIPTOR,
    bank.DESCRIPTOR,
    gov.DESCRIPTOR,
    tendermint.DESCRIPTOR,
    tx.DESCRIPTOR,
    ours.DESCRIPTOR,
    remes.DESCRIPTOR,
)
_TRANSACTIONS: tuple[FileDescriptor, ...] = (
    bank_tx.DESCRIPTOR,
    gov_tx.DESCRIPTOR,
    ours_tx.DESCRIPTOR,
    remes_tx.DESCRIPTOR,
)


@dataclass(frozen=True, slots=True)
class Method:
    """Where a request goes, and what comes back."""

    path: str
    answer: type[Message]


@cache
def methods() -> dict[str, Method]:
    """The method of every request type that a node answers, by the type's name."""
    return {
        method.input_type.full_name: Method(f"/{service.full_name}/{method.name}", GetMessageClass(method.output_type))
        for file in _QUERIES
        for service in file.services_by_name.values()
        for method in service.methods
    }


@cache
def classes() -> dict[str, type[Message]]:
    """Every message of the queries and transactions, by its type's name."""
    return {
        descriptor.full_name: GetMessageClass(descriptor)
        for file in (*_QUERIES, *_TRANSACTIONS)
        for descriptor in file.message_types_by_name.values()
    }


def unpack(packed: Any) -> Message:
    """The message inside; the wrapper itself when its type is not known here.

    Raises:
        DecodeError: the bytes are not of the type.
    """
    found = classes().get(packed.type_url.rpartition("/")[2])
    return packed if found is None else found.FromString(packed.value)
