"""secp256k1 signatures as Cosmos chains take them: 64 bytes R‖S with low S, over the SHA-256 of the message."""

from __future__ import annotations

import coincurve
from coincurve.ecdsa import cdata_to_der, deserialize_compact

from r3mes_ray.localnet.codes import INVALID_PUBKEY, Refused

SIGNATURE_BYTES = 64


def check_pubkey(pubkey: bytes) -> None:
    """Refuse what is not a compressed point of the curve.

    Raises:
        Refused: INVALID_PUBKEY.
    """
    if len(pubkey) != 33:
        raise Refused(INVALID_PUBKEY, f"a compressed key has 33 bytes, this one {len(pubkey)}")
    try:
        coincurve.PublicKey(pubkey)
    except ValueError as error:
        raise Refused(INVALID_PUBKEY, "not a point of secp256k1") from error


def is_signed(pubkey: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the key's over SHA-256(`message`); a high S, or another length, is none."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        der = cdata_to_der(deserialize_compact(signature))
        return bool(coincurve.PublicKey(pubkey).verify(der, message))
    except ValueError:
        return False
