"""secp256k1 public keys, as transactions bring them; `chain.keys.verify_signature` checks what they signed."""

from __future__ import annotations

import coincurve

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
