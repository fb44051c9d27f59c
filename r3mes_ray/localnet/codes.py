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

PROPOSAL_NOT_FOUND = Code("gov", 2, "unknown proposal")
INACTIVE_PROPOSAL = Code("gov", 3, "inactive proposal")
INVALID_VOTE = Code("gov", 7, "invalid vote option")
UNROUTABLE_PROPOSAL = Code("gov", 10, "proposal message not recognized by router")
NO_PROPOSAL_MESSAGES = Code("gov", 11, "no messages proposed")
INVALID_PROPOSAL_MESSAGE = Code("gov", 12, "invalid proposal message")
INVALID_PROPOSAL_SIGNER = Code("gov", 13, "expected gov account as only signer for proposal message")
METADATA_TOO_LONG = Code("gov", 15, "metadata too long")
DEPOSIT_TOO_SMALL = Code("gov", 16, "minimum deposit is too small")

INVALID_MODEL = Code("remes", 1004, "invalid model")
INVALID_MODEL_VERSION = Code("remes", 1005, "invalid model version")
INVALID_VOTE_OPTION = Code("remes", 1006, "invalid vote option")
DATASET_PROPOSAL_NOT_FOUND = Code("remes", 1008, "proposal not found")
INVALID_GPU = Code("remes", 1009, "invalid GPU architecture")
NOT_IMPLEMENTED = Code("remes", 1010, "not implemented")
INVALID_GRADIENT_HASH = Code("remes", 1012, "invalid gradient hash")
INVALID_IPFS_HASH = Code("remes", 1013, "invalid IPFS hash")
INVALID_CHALLENGE = Code("remes", 1014, "invalid challenge")
INVALID_SIGNATURE = Code("remes", 1015, "invalid signature")
INVALID_NONCE = Code("remes", 1016, "invalid nonce")
NOT_AUTHORIZED = Code("remes", 1017, "unauthorized")
DATASET_NOT_FOUND = Code("remes", 1018, "dataset not found")
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
RATE_LIMITED = Code("r3mes", 13, "too many updates")
CHALLENGE_OPEN = Code("r3mes", 14, "aggregation is already challenged")
CHALLENGE_NOT_FOUND = Code("r3mes", 15, "challenge not found")
CHALLENGE_CLOSED = Code("r3mes", 16, "challenge does not wait for this")
NOT_DRAWN = Code("r3mes", 17, "not drawn for this challenge")
VERDICT_GIVEN = Code("r3mes", 18, "verdict already given")
NO_VERDICT = Code("r3mes", 19, "the panel has not decided so")
SLASH_NOT_FOUND = Code("r3mes", 20, "no slash that can be appealed")
APPEAL_EXISTS = Code("r3mes", 21, "already appealed")
NODE_NOT_FOUND = Code("r3mes", 22, "node not registered")
VALIDATORS_FULL = Code("r3mes", 23, "no room for another validator")
REQUEST_NOT_FOUND = Code("r3mes", 24, "inference request not found")
REQUEST_CLOSED = Code("r3mes", 25, "inference request is not open")
NODE_UNAVAILABLE = Code("r3mes", 26, "serving node does not serve this")
MODEL_NOT_FOUND = Code("r3mes", 27, "model not found")
POOL_NOT_FOUND = Code("r3mes", 28, "task pool or chunk not found")
CHUNK_UNAVAILABLE = Code("r3mes", 29, "chunk is not available")
CHUNK_NOT_CLAIMED = Code("r3mes", 30, "chunk is not claimed by the signer")
UPDATE_NOT_FOUND = Code("r3mes", 31, "update not found")
VOTING_OVER = Code("r3mes", 32, "the vote is over")
EXPERT_RETIRED = Code("r3mes", 33, "expert is retired")
