"""What a transaction costs: known from its bytes and messages alone, before anything runs.

Bytes and signatures cost what the SDK's defaults ask; each message has a fixed price in `handlers.RULES`, with a
part for each update id that it names.
"""

from __future__ import annotations

from r3mes_ray.localnet.decode import DecodedTx
from r3mes_ray.localnet.handlers import RULES
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.localnet.signature import SIGNATURE_BYTES

TX_BYTE = 10
SIGNATURE = 1_000
UPDATE_ID = 200
TX_BASE = 10_000


def gas_of(tx: DecodedTx) -> int:
    """Gas that a transaction uses; a signature that is still missing counts as if it were there."""
    missing = sum(max(0, SIGNATURE_BYTES - len(signature)) for signature in tx.signatures)
    total = TX_BASE + TX_BYTE * (len(tx.raw) + missing) + SIGNATURE * len(tx.signers)
    for message in tx.messages:
        total += RULES[type_url(message)].gas + UPDATE_ID * len(getattr(message, "participant_gradient_ids", ()))
    return total
