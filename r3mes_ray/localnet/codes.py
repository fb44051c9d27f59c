"""Why a transaction is refused: `(codespace, code)` pairs, as clients of Cosmos chains match them.

Sources: Cosmos SDK, types/errors; the predecessor's list for codespace `remes`. Codespace `r3mes` is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from r3mes_ray.errors import ChainError


@dataclass(frozen=True, slots=True)
class Code:
    """One reason; `text` ends every log of it, as in the SDK."""

    codespace: str
    number: int
    text: str


class Refused(ChainError):
    """A transition that a rule forbids. It becomes the transaction's code and log and never leaves the chain."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail

    def __str__(self) -> str:
        return f"{self.detail}: {self.code.text}"


TX_PARSE = Code("sdk", 2, "tx parse error")
UNAUTHORIZED = Code("sdk", 4, "unauthorized")
INSUFFICIENT_FUNDS = Code("sdk", 5, "insufficient funds")
UNKNOWN_REQUEST = Code("sdk", 6, "unknown request")
INVALID_ADDRESS = Code("sdk", 7, "invalid address")
INVALID_PUBKEY = Code("sdk", 8, "invalid pubkey")
UNKNOWN_ADDRESS = Code("sdk", 9, "unknown address")
INVALID_COINS = Code("sdk", 10, "invalid coins")
OUT_OF_GAS = Code("sdk", 11, "out of gas")
MEMO_TOO_LARGE = Code("sdk", 12, "memo too large")
INSUFFICIENT_FEE = Code("sdk", 13, "insufficient fee")
TOO_MANY_SIGNATURES = Code("sdk", 14, "maximum number of signatures exceeded")
NO_SIGNATURES = Code("sdk", 15, "no signatures supplied")
INVALID_REQUEST = Code("sdk", 18, "invalid request")
TX_IN_MEMPOOL = Code("sdk", 19, "tx already in mempool")
MEMPOOL_FULL = Code("sdk", 20, "mempool is full")
TX_TOO_LARGE = Code("sdk", 21, "tx too large")
TIMEOUT_HEIGHT = Code("sdk", 30, "tx timeout height")
WRONG_SEQUENCE = Code("sdk", 32, "incorrect account sequence")
NOT_SUPPORTED = Code("sdk", 37, "feature not supported")

INVALID_MODEL = Code("remes", 1004, "invalid model")
INVALID_MODEL_VERSION = Code("remes", 1005, "invalid model version")
INVALID_GPU = Code("remes", 1009, "invalid GPU architecture")
NOT_IMPLEMENTED = Code("remes", 1010, "not implemented")
INVALID_GRADIENT_HASH = Code("remes", 1012, "invalid gradient hash")
INVALID_IPFS_HASH = Code("remes", 1013, "invalid IPFS hash")
INVALID_SIGNATURE = Code("remes", 1015, "invalid signature")
INVALID_NONCE = Code("remes", 1016, "invalid nonce")
NOT_AUTHORIZED = Code("remes", 1017, "unauthorized")
INVALID_PARAMETER = Code("remes", 1019, "invalid parameter")
INSUFFICIENT_STAKE = Code("remes", 1021, "insufficient stake")
INVALID_GRADIENT_ID = Code("remes", 1022, "invalid gradient ID")
AGGREGATION_NOT_FOUND = Code("remes", 1203, "aggregation not found")
INVALID_AGGREGATION = Code("remes", 1204, "invalid aggregation")
DUPLICATE_GRADIENT = Code("remes", 1206, "duplicate gradient")
PROPOSER_NOT_FOUND = Code("remes", 1406, "proposer not found")

EXPERT_NOT_FOUND = Code("r3mes", 1, "expert not found")
EXPERT_EXISTS = Code("r3mes", 2, "expert already registered")
ROUND_NOT_FOUND = Code("r3mes", 3, "round not found")
WRONG_PHASE = Code("r3mes", 4, "wrong phase of the round")
ROUND_OPEN = Code("r3mes", 5, "expert has an open round")
COMMITMENT_NOT_FOUND = Code("r3mes", 6, "commitment not found")
COMMITMENT_EXISTS = Code("r3mes", 7, "commitment already made")
COMMITMENT_MISMATCH = Code("r3mes", 8, "commitment does not match")
ROOT_MISMATCH = Code("r3mes", 9, "Merkle root does not match")
NODE_EXISTS = Code("r3mes", 10, "node already registered")
STALE_VERSION = Code("r3mes", 11, "not the expert's current version")
INVALID_PROOF_OF_WORK = Code("r3mes", 12, "invalid proof of work")
