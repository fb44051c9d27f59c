"""From bytes to a transaction: strict, so that one transaction has one encoding and nothing in it is ignored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from r3mes_ray.errors import InvalidAddress
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import INVALID_ADDRESS, INVALID_REQUEST, TX_PARSE, Refused
from r3mes_ray.localnet.routes import MESSAGE_KINDS, signer_fields
from r3mes_ray.wire.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, TxBody, TxRaw

M = TypeVar("M", bound=Message)

MAX_MESSAGES = 64


@dataclass(frozen=True, slots=True)
class DecodedTx:
    """A transaction whose form is right; nothing is said about its signatures.

    Attributes:
        tx_hash: SHA-256 of the bytes.
        messages: what it asks for, with the type url of each in the body.
        signers: accounts that must sign, by first appearance.
    """

    raw: bytes
    tx_hash: bytes
    body_bytes: bytes
    auth_bytes: bytes
    body: TxBody
    auth: AuthInfo
    signatures: tuple[bytes, ...]
    messages: tuple[Message, ...]
    signers: tuple[bytes, ...]


def decode_tx(raw: bytes, prefix: str) -> DecodedTx:
    """Decode a transaction.

    Raises:
        Refused: TX_PARSE for bytes that are no transaction, INVALID_REQUEST for none or too many messages,
            INVALID_ADDRESS for a signer that is none.
    """
    outer = _parse(TxRaw, raw, "TxRaw")
    if outer.SerializeToString(deterministic=True) != raw:
        raise Refused(TX_PARSE, "TxRaw is not in canonical encoding")
    body = _parse(TxBody, outer.body_bytes, "TxBody")
    auth = _parse(AuthInfo, outer.auth_info_bytes, "AuthInfo")
    if not 0 < len(body.messages) <= MAX_MESSAGES:
        raise Refused(INVALID_REQUEST, f"a transaction has 1 to {MAX_MESSAGES} messages, this one {len(body.messages)}")
    messages = tuple(unpack(packed) for packed in body.messages)
    signers = dict.fromkeys(signer_of(message, prefix) for message in messages)
    return DecodedTx(
        raw=raw,
        tx_hash=hashlib.sha256(raw).digest(),
        body_bytes=outer.body_bytes,
        auth_bytes=outer.auth_info_bytes,
        body=body,
        auth=auth,
        signatures=tuple(outer.signatures),
        messages=messages,
        signers=tuple(signers),
    )


def signer_of(message: Message, prefix: str) -> bytes:
    """The account that must sign a message, by its `cosmos.msg.v1.signer` option.

    Raises:
        Refused: INVALID_ADDRESS.
    """
    field = signer_fields(message)[0]
    try:
        return parse_address(getattr(message, field), prefix)
    except InvalidAddress as error:
        raise Refused(INVALID_ADDRESS, f"{message.DESCRIPTOR.name}.{field}: {error}") from error


def unpack(packed: AnyMessage) -> Message:
    """The message inside an envelope.

    Raises:
        Refused: TX_PARSE.
    """
    kind = MESSAGE_KINDS.get(packed.type_url)
    if kind is None:
        raise Refused(TX_PARSE, f"unable to resolve type URL {packed.type_url[:100]!r}")
    return _parse(kind, packed.value, kind.DESCRIPTOR.name)


def _parse(kind: type[M], data: bytes, what: str) -> M:
    try:
        message = kind.FromString(data)
    except DecodeError as error:
        raise Refused(TX_PARSE, f"{what}: {error}") from error
    _refuse_unknown_fields(message, what)
    return message


def _refuse_unknown_fields(message: Message, path: str) -> None:
    if len(UnknownFieldSet(message)):
        raise Refused(TX_PARSE, f"{path} has unknown field {UnknownFieldSet(message)[0].field_number}")
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for child in value if field.is_repeated else (value,):
                _refuse_unknown_fields(child, f"{path}.{field.name}")
