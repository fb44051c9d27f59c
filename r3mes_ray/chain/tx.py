"""Transactions: from messages to the signed bytes of SIGN_MODE_DIRECT, equal to CosmJS's byte for byte.

Pure functions: what the chain must be asked (account number, sequence, gas, height) is an argument.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from r3mes_ray.chain.base import SignedTx
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import Coin
from r3mes_ray.protocol.framing import u64
from r3mes_ray.types import TxHash
from r3mes_ray.wire.cosmos.base.v1beta1 import coin_pb2
from r3mes_ray.wire.cosmos.crypto.secp256k1 import keys_pb2
from r3mes_ray.wire.cosmos.tx.signing.v1beta1 import signing_pb2
from r3mes_ray.wire.cosmos.tx.v1beta1 import tx_pb2


@dataclass(frozen=True, slots=True)
class Signer:
    """What a signature covers beside the transaction, so that it cannot be replayed."""

    chain_id: str
    account_number: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a transaction pays and until when it counts; `timeout_height` 0 means for ever."""

    gas: int
    fee: tuple[Coin, ...] = ()
    memo: str = ""
    timeout_height: int = 0


def pack_any(message: Message) -> Any:
    """A message with its type, as transactions carry it: `/package.Name` and its bytes; what is packed stays so."""
    if isinstance(message, Any):
        return message
    packed = Any()
    packed.Pack(message, type_url_prefix="/", deterministic=True)
    return packed


def coin_messages(coins: Sequence[Coin]) -> list[coin_pb2.Coin]:
    """Coins for a message, in their order."""
    return [coin_pb2.Coin(denom=coin.denom, amount=str(coin.amount)) for coin in coins]


def body_bytes(messages: Sequence[Message], terms: Terms) -> bytes:
    """The serialised TxBody."""
    body = tx_pb2.TxBody(
        messages=[pack_any(message) for message in messages],
        memo=terms.memo,
        timeout_height=_height(terms.timeout_height),
    )
    return body.SerializeToString(deterministic=True)


def auth_info_bytes(public_key: bytes, sequence: int, terms: Terms) -> bytes:
    """The serialised AuthInfo of one signer in SIGN_MODE_DIRECT."""
    mode = tx_pb2.ModeInfo(single=tx_pb2.ModeInfo.Single(mode=signing_pb2.SIGN_MODE_DIRECT))
    signer = tx_pb2.SignerInfo(public_key=pack_any(keys_pb2.PubKey(key=public_key)), mode_info=mode, sequence=sequence)
    fee = tx_pb2.Fee(amount=coin_messages(terms.fee), gas_limit=terms.gas)
    return tx_pb2.AuthInfo(signer_infos=[signer], fee=fee).SerializeToString(deterministic=True)


def sign_bytes(body: bytes, auth_info: bytes, signer: Signer) -> bytes:
    """The serialised SignDoc, whose SHA-256 is signed."""
    document = tx_pb2.SignDoc(
        body_bytes=body, auth_info_bytes=auth_info, chain_id=signer.chain_id, account_number=signer.account_number
    )
    return document.SerializeToString(deterministic=True)


def sign_tx(key: PrivateKey, messages: Sequence[Message], signer: Signer, terms: Terms) -> SignedTx:
    """Sign messages as one transaction.

    Raises:
        InvalidInput: a sequence or height that is no unsigned 64-bit number.
    """
    u64(signer.sequence, "sequence")
    u64(signer.account_number, "account number")
    body = body_bytes(messages, terms)
    auth_info = auth_info_bytes(key.public_key, signer.sequence, terms)
    raw = _raw(body, auth_info, key.sign(sign_bytes(body, auth_info, signer)))
    return SignedTx(raw, hash_of(raw), signer.sequence, terms.timeout_height)


def unsigned_tx(public_key: bytes, messages: Sequence[Message], sequence: int, memo: str = "") -> bytes:
    """Bytes for a simulation: no gas limit, an empty signature."""
    terms = Terms(gas=0, memo=memo)
    return _raw(body_bytes(messages, terms), auth_info_bytes(public_key, sequence, terms), b"")


def hash_of(raw: bytes) -> TxHash:
    """A transaction's hash, known before it is sent."""
    return TxHash(hashlib.sha256(raw).hexdigest().upper())


def _raw(body: bytes, auth_info: bytes, signature: bytes) -> bytes:
    raw = tx_pb2.TxRaw(body_bytes=body, auth_info_bytes=auth_info, signatures=[signature])
    return raw.SerializeToString(deterministic=True)


def _height(height: int) -> int:
    u64(height, "timeout height")
    return height
