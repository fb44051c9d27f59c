"""The tables of the chain's state: which record lies under which key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from google.protobuf.message import Message

from r3mes_ray.localnet.state import Overlay, State
from r3mes_ray.wire.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from r3mes_ray.wire.cosmos.gov.v1.gov_pb2 import Deposit, Proposal, Vote
from r3mes_ray.wire.r3mes.v1.types_pb2 import ContentEndpoint, Expert, Round, Slash, UpdateWeight
from r3mes_ray.wire.remes.remes.v1.dataset_pb2 import ApprovedDataset, DatasetProposal, DatasetVote
from r3mes_ray.wire.remes.remes.v1.model_pb2 import ModelRegistry
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NodeRegistration
from r3mes_ray.wire.remes.remes.v1.serving_pb2 import InferenceRequest, ServingNodeStatus
from r3mes_ray.wire.remes.remes.v1.slashing_pb2 import SlashingAppeal, ValidatorVerificationRecord
from r3mes_ray.wire.remes.remes.v1.state_pb2 import (
    AggregationCommitment,
    AggregationRecord,
    ChallengeRecord,
    GlobalModelState,
    MiningContribution,
)
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient
from r3mes_ray.wire.remes.remes.v1.task_pool_pb2 import TaskChunk, TaskPool

M = TypeVar("M", bound=Message)


def u64(value: int) -> bytes:
    """A number as a key part: eight bytes, big-endian, so that keys sort as numbers."""
    return value.to_bytes(8, "big")


class Table(Generic[M]):
    """Protobuf records under one prefix. Key parts have fixed lengths, save the last."""

    def __init__(self, name: str, kind: type[M]) -> None:
        self.prefix = name.encode() + b"/"
        self.kind = kind

    def get(self, state: State, *key: bytes) -> M | None:
        """The record at a key, as a copy."""
        value = state.get(self.prefix + b"".join(key))
        return None if value is None else self.kind.FromString(value)

    def put(self, state: Overlay, record: M, *key: bytes) -> None:
        """Write the record at a key."""
        state.put(self.prefix + b"".join(key), record.SerializeToString(deterministic=True))

    def delete(self, state: Overlay, *key: bytes) -> None:
        """Remove the record at a key."""
        state.delete(self.prefix + b"".join(key))

    def items(self, state: State, *key: bytes) -> Iterator[tuple[bytes, M]]:
        """Records whose key begins with these parts, by ascending key, with the rest of the key."""
        below = self.prefix + b"".join(key)
        for found, value in state.items(below):
            yield found[len(below) :], self.kind.FromString(value)


class Numbers:
    """Integers under one prefix, of any size; a key that is absent reads as `None`."""

    def __init__(self, name: str) -> None:
        self.prefix = name.encode() + b"/"

    def get(self, state: State, *key: bytes) -> int | None:
        """The number at a key."""
        value = state.get(self.prefix + b"".join(key))
        return None if value is None else int(value)

    def put(self, state: Overlay, number: int, *key: bytes) -> None:
        """Write the number at a key."""
        state.put(self.prefix + b"".join(key), b"%d" % number)

    def delete(self, state: Overlay, *key: bytes) -> None:
        """Remove a key."""
        state.delete(self.prefix + b"".join(key))

    def items(self, state: State, *key: bytes) -> Iterator[tuple[bytes, int]]:
        """Numbers whose key begins with these parts, with the rest of the key."""
        below = self.prefix + b"".join(key)
        for found, value in state.items(below):
            yield found[len(below) :], int(value)


ACCOUNTS = Table("account", BaseAccount)
"""address → account."""
BALANCES = Numbers("balance")
"""address ‖ denomination → amount; an empty balance has no entry."""
SUPPLY = Numbers("supply")
"""denomination → sum of all balances."""
COUNTERS = Numbers("counter")
"""name → the next id."""
NODES = Table("node", NodeRegistration)
"""address → registration."""
ENDPOINTS = Table("endpoint", ContentEndpoint)
"""address → where a node serves content."""
STAKES = Numbers("stake")
"""address → what a node has in escrow, in the base denomination."""
EXPERTS = Table("expert", Expert)
"""name → expert."""
ROUNDS = Table("round", Round)
"""round → round; its `phase` is set only when it is over."""
LIVE_ROUNDS = Numbers("live_round")
"""round → round, for those that are not over."""
EXPERT_ROUNDS = Numbers("expert_round")
"""u64 of the name's length ‖ name ‖ round → round."""
UPDATES = Table("update", StoredGradient)
"""update → update."""
ROUND_UPDATES = Numbers("round_update")
"""round ‖ update → update."""
ROUND_WEIGHTS = Table("round_weight", UpdateWeight)
"""round ‖ update → what weighs it, written at the end of the submit phase."""
MINER_UPDATES = Numbers("miner_update")
"""round ‖ miner → update."""
NONCES = Numbers("nonce")
"""miner ‖ nonce → update that used it."""
MINERS = Table("miner", MiningContribution)
"""address → counters."""
COMMITMENTS = Table("commitment", AggregationCommitment)
"""commitment → commitment."""
ROUND_COMMITMENTS = Numbers("round_commitment")
"""round ‖ commitment → commitment."""
PROPOSER_COMMITMENTS = Numbers("proposer_commitment")
"""round ‖ proposer → commitment."""
AGGREGATIONS = Table("aggregation", AggregationRecord)
"""aggregation → record."""
GLOBAL_MODEL = Table("global_model", GlobalModelState)
"""the aggregate that was finalised last, under the empty key."""

CHALLENGES = Table("challenge", ChallengeRecord)
"""challenge → challenge."""
CHALLENGE_DUE = Numbers("challenge_due")
"""height ‖ challenge → challenge, for those that are not settled."""
SLASHES = Table("slash", Slash)
"""slash → slash."""
SLASH_DUE = Numbers("slash_due")
"""height ‖ slash → slash, for those that are still held."""
UNBONDING_DUE = Numbers("unbonding_due")
"""height ‖ address → amount that leaves the escrow then."""
UNBONDING = Numbers("unbonding")
"""address → part of its stake that is on its way out."""
APPEALS = Table("appeal", SlashingAppeal)
"""challenge that decides it → appeal."""
APPEALED = Numbers("appealed")
"""challenge that decides an appeal → slash."""
VERIFIERS = Table("verifier", ValidatorVerificationRecord)
"""address → counters of a validator."""
RECENT_UPDATES = Numbers("recent_update")
"""miner ‖ height → updates in that block."""
NONCE_HEADS = Numbers("nonce_head")
"""miner → highest nonce used."""
MODELS = Table("model", ModelRegistry)
"""model → base model; ids start at 1, for 0 stands for none."""
PROPOSALS = Table("proposal", Proposal)
"""proposal → proposal."""
LIVE_PROPOSALS = Numbers("live_proposal")
"""proposal → proposal, for those that are not over."""
DEPOSITS = Table("deposit", Deposit)
"""proposal ‖ address → deposit."""
VOTES = Table("vote", Vote)
"""proposal ‖ address → vote."""
DATASET_PROPOSALS = Table("dataset_proposal", DatasetProposal)
"""proposal → proposed dataset."""
LIVE_DATASETS = Numbers("live_dataset")
"""proposal → proposal, for those that are voted on."""
DATASET_VOTES = Table("dataset_vote", DatasetVote)
"""proposal ‖ address → vote."""
DATASETS = Table("dataset", ApprovedDataset)
"""dataset → approved dataset."""
INFERENCES = Table("inference", InferenceRequest)
"""number → request; its id ends with the number."""
INFERENCE_DUE = Numbers("inference_due")
"""height ‖ number → number, for open requests."""
SERVING = Table("serving", ServingNodeStatus)
"""address → what a serving node says of itself."""
POOLS = Table("pool", TaskPool)
"""pool → task pool, without its chunks."""
CHUNKS = Table("chunk", TaskChunk)
"""pool ‖ chunk → a chunk that was claimed; the others are available."""
VERSION = Numbers("version")
"""version of the state's format, under the empty key; absent in the first one."""


def next_id(state: Overlay, name: str) -> int:
    """Take the next id of a sequence; the first is 0."""
    number = COUNTERS.get(state, name.encode()) or 0
    COUNTERS.put(state, number + 1, name.encode())
    return number


def count(state: State, name: str) -> int:
    """How many ids of a sequence were taken."""
    return COUNTERS.get(state, name.encode()) or 0


def expert_key(name: str) -> bytes:
    """Key part of an expert's name where another part follows."""
    text = name.encode()
    return u64(len(text)) + text
