"""Every message that a transaction can carry, and the cost of those that are handled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from r3mes_ray.wire.cosmos.bank.v1beta1 import tx_pb2 as bank
from r3mes_ray.wire.cosmos.gov.v1 import tx_pb2 as gov
from r3mes_ray.wire.cosmos.msg.v1 import msg_pb2
from r3mes_ray.wire.r3mes.v1 import tx_pb2 as r3mes
from r3mes_ray.wire.remes.remes.v1 import tx_pb2 as remes

# The stubs of protobuf do not know extensions of options.
_SIGNER: Any = msg_pb2.signer


def type_url(message: Message | type[Message]) -> str:
    """How a transaction names a message's type."""
    return f"/{message.DESCRIPTOR.full_name}"


def signer_fields(message: Message | type[Message]) -> list[str]:
    """Names of the fields that hold a message's signers, by its `cosmos.msg.v1.signer` option."""
    return list(message.DESCRIPTOR.GetOptions().Extensions[_SIGNER])


def _kinds() -> Iterator[type[Message]]:
    files: tuple[FileDescriptor, ...] = (bank.DESCRIPTOR, gov.DESCRIPTOR, r3mes.DESCRIPTOR, remes.DESCRIPTOR)
    for file in files:
        for method in file.services_by_name["Msg"].methods:
            kind = GetMessageClass(method.input_type)
            if signer_fields(kind):
                yield kind


MESSAGE_KINDS = {type_url(kind): kind for kind in _kinds() if kind is not bank.MsgMultiSend}
"""Type url → class. MsgMultiSend has many signers inside its inputs; it is not offered."""
