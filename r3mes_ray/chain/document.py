"""Transactions as files: the SDK's JSON of an unsigned one, and the bytes of a signed one."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from r3mes_ray.chain.base import SignedTx
from r3mes_ray.chain.records import Coin
from r3mes_ray.chain.registry import classes
from r3mes_ray.chain.tx import Terms, coin_messages, hash_of, pack_any
from r3mes_ray.errors import InvalidInput
from r3mes_ray.wire.cosmos.tx.v1beta1 import tx_pb2

MAX_CHARS = 4 * 2**20
_DEPTH = 40


def unsigned_document(messages: Sequence[Message], terms: Terms) -> dict[str, Any]:
    """An unsigned transaction in the SDK's JSON, as `tx sign` and other wallets read it."""
    body = tx_pb2.TxBody(
        messages=[pack_any(message) for message in messages], memo=terms.memo, timeout_height=terms.timeout_height
    )
    fee = tx_pb2.Fee(amount=coin_messages(terms.fee), gas_limit=terms.gas)
    document = tx_pb2.Tx(body=body, auth_info=tx_pb2.AuthInfo(fee=fee))
    return json_format.MessageToDict(
        document, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def read_document(text: str) -> tuple[list[Message], Terms]:
    """Messages and terms of an unsigned transaction.

    Raises:
        InvalidInput: not such a document, or a message of a type that is not known here.
    """
    classes()
    try:
        document = json_format.ParseDict(_object(text), tx_pb2.Tx(), max_recursion_depth=_DEPTH)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput("transaction", f"not the JSON of an unsigned one: {str(error)[:200]}") from error
    fee, body = document.auth_info.fee, document.body
    if not body.messages or body.extension_options or body.non_critical_extension_options:
        raise InvalidInput("transaction", "it has no message, or extension options, which are not supported")
    if fee.payer or fee.granter:
        raise InvalidInput("transaction", "fees are paid by the signer; payer and granter are not supported")
    coins = tuple(Coin(_amount(coin.amount), coin.denom) for coin in fee.amount)
    return list(body.messages), Terms(fee.gas_limit, coins, body.memo, body.timeout_height)


def signed_document(tx: SignedTx) -> dict[str, str]:
    """A signed transaction: its bytes in base64, and its hash."""
    return {"tx_bytes": base64.b64encode(tx.raw).decode(), "txhash": tx.tx_hash}


def read_signed(text: str) -> SignedTx:
    """A signed transaction from its document, or from base64 or hex digits alone.

    Raises:
        InvalidInput: no such text, or bytes that are no transaction of one signer.
    """
    encoded = text.strip()
    if encoded.startswith("{"):
        encoded = _object(encoded).get("tx_bytes", "")
    raw = _bytes(encoded)
    try:
        outer = tx_pb2.TxRaw.FromString(raw)
        body = tx_pb2.TxBody.FromString(outer.body_bytes)
        infos = tx_pb2.AuthInfo.FromString(outer.auth_info_bytes).signer_infos
    except DecodeError as error:
        raise InvalidInput("transaction", f"its bytes are no transaction: {error}") from error
    if len(infos) != 1 or len(outer.signatures) != 1:
        raise InvalidInput("transaction", f"it has {len(outer.signatures)} signatures; one is expected")
    return SignedTx(raw, hash_of(raw), infos[0].sequence, body.timeout_height)


def signed_content(tx: SignedTx) -> dict[str, Any]:
    """What a signed transaction says, in the SDK's JSON.

    Raises:
        InvalidInput: it carries a message of a type that is not known here.
    """
    classes()
    try:
        return json_format.MessageToDict(
            tx_pb2.Tx.FromString(tx.raw), preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    except (TypeError, KeyError, DecodeError, json_format.SerializeToJsonError) as error:
        raise InvalidInput("transaction", f"it cannot be written as JSON: {error}") from error


def _object(text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARS:
        raise InvalidInput("transaction", f"the file has more than {MAX_CHARS} characters")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("transaction", "the file is not JSON") from error
    if not isinstance(value, dict):
        raise InvalidInput("transaction", "expected a JSON object")
    return value


def _bytes(encoded: object) -> bytes:
    if not isinstance(encoded, str) or not encoded or len(encoded) > MAX_CHARS:
        raise InvalidInput("transaction", "it has no tx_bytes")
    try:
        return bytes.fromhex(encoded)
    except ValueError:
        pass
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise InvalidInput("transaction", "its bytes are neither base64 nor hex digits") from error


def _amount(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 78):
        raise InvalidInput("fee", f"{text[:40]!r} is not a number")
    return int(text)
