"""What the chain keeps, as values: one frozen record for each kind of answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from r3mes_ray.types import Address, Cid, RoundId, TxHash, UpdateId


@dataclass(frozen=True, slots=True)
class Coin:
    """An amount in one denomination."""

    amount: int
    denom: str

    def __str__(self) -> str:
        return f"{self.amount}{self.denom}"


@dataclass(frozen=True, slots=True)
class Account:
    """What a signature of the account must name; `public_key` is empty until it has signed once."""

    address: Address
    number: int
    sequence: int
    public_key: bytes


class RoundPhase(StrEnum):
    """Where a round stands: submit ≤ S < commit ≤ C < reveal ≤ R < challenge ≤ F < finalize."""

    SUBMIT = "submit"
    COMMIT = "commit"
    REVEAL = "reveal"
    CHALLENGE = "challenge"
    FINALIZE = "finalize"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ExpertVersionRecord:
    """One version of an expert, made by one finalised round."""

    version: int
    adapter: Cid
    round_id: RoundId
    aggregation_id: int
    finalized_height: int


@dataclass(frozen=True, slots=True)
class ExpertRecord:
    """An expert with its history.

    Attributes:
        base_hash: hex SHA-256 of the base's effective weights.
        description: CID of the router description as JSON, `None` where there is none.
        version: 0 is the base without an adapter.
        open_round: the round that is under way; `None` when there is none (0 is a round).
        retired_height: block in which its owner retired it; 0 while rounds can be opened for it.
    """

    name: str
    owner: Address
    base_model: str
    base_hash: str
    description: Cid | None
    bond: Coin
    version: int
    history: tuple[ExpertVersionRecord, ...]
    registered_height: int
    open_round: RoundId | None
    retired_height: int = 0

    @property
    def adapter(self) -> Cid | None:
        """The current version's package; `None` for version 0."""
        return next((entry.adapter for entry in self.history if entry.version == self.version), None)


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One training round of one expert.

    Attributes:
        start: the start version's adapter; `None` for version 0.
        rule_parameters: RFC 8785 JSON.
        weight_height: height whose trust and stakes weigh the updates.
        submit_end: S; with `commit_end` C, `reveal_end` R and `challenge_end` F the last heights of the phases.
        aggregation: id of the winning reveal, `None` before there is one (0 is an id).
    """

    round_id: RoundId
    expert: str
    base_model: str
    base_hash: str
    start_version: int
    start: Cid | None
    rule: str
    rule_parameters: str
    weight_height: int
    opened_height: int
    submit_end: int
    commit_end: int
    reveal_end: int
    challenge_end: int
    phase: RoundPhase
    opened_by: Address
    updates: int
    aggregation: int | None


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """One update of a miner, as the chain keeps it; `cid` is text that a reader must still parse."""

    update_id: UpdateId
    miner: Address
    cid: Cid
    model_version: str
    round_id: RoundId
    gradient_hash: str
    submitted_height: int
    status: str
    claimed_loss: str


@dataclass(frozen=True, slots=True)
class UpdateWeightRecord:
    """What weighs an update: its miner's trust in thousandths, and its working stake in the base denomination."""

    update_id: UpdateId
    miner: Address
    trust: int
    stake: int


@dataclass(frozen=True, slots=True)
class CommitmentRecord:
    """The one commitment of a proposer in a round; `aggregation` is `None` until it is revealed."""

    commitment_id: int
    proposer: Address
    commitment_hash: str
    round_id: RoundId
    participants: tuple[UpdateId, ...]
    committed_height: int
    reveal_deadline: int
    status: str
    aggregation: int | None


@dataclass(frozen=True, slots=True)
class AggregationRecord:
    """A revealed aggregate; `participants` are the accepted ids."""

    aggregation_id: int
    proposer: Address
    aggregate: Cid
    merkle_root: str
    participants: tuple[UpdateId, ...]
    round_id: RoundId
    model_version: str
    submitted_height: int
    status: str
    challenge_deadline: int


@dataclass(frozen=True, slots=True)
class ParamsRecord:
    """The chain's parameters: amounts as coins, shares in ten-thousandths; all but the first two can be changed."""

    rule_set: str
    denom: str
    submit_blocks: int
    commit_blocks: int
    reveal_blocks: int
    challenge_blocks: int
    grace_blocks: int
    min_phase_blocks: int
    max_phase_blocks: int
    expert_bond: str
    proposer_stake: str
    validator_stake: str
    max_validators: int
    unbonding_blocks: int
    challenge_bond: str
    verification_blocks: int
    appeal_blocks: int
    unrevealed_slash: int
    fraud_slash: int
    absent_slash: int
    miner_reward: str
    proposer_reward: str
    supply_cap: str
    min_gas_price: str
    proof_of_work_bits: int
    nonce_window: int
    rate_window_blocks: int
    max_updates_per_window: int
    inference_blocks: int
    dataset_deposit: str
    task_blocks: int
    claim_blocks: int
    proposal_deposit: str
    deposit_period_s: int
    voting_period_s: int
    quorum: int
    threshold: int
    veto_threshold: int
    max_tx_bytes: int
    max_block_bytes: int
    max_memo_chars: int
    max_signatures: int


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A registered node: `roles` are mining, serving, validator or proposer; `stake` is coins as text."""

    address: Address
    roles: tuple[str, ...]
    stake: str
    status: str
    registered_height: int


@dataclass(frozen=True, slots=True)
class StatisticsRecord:
    """Counts of the whole chain, as of `height`."""

    miners: int
    active_miners: int
    updates: int
    pending_updates: int
    aggregations: int
    pending_aggregations: int
    height: int


@dataclass(frozen=True, slots=True)
class TxRecord:
    """A transaction in a block, failed ones too; `messages` are the types that it carries, in order."""

    tx_hash: TxHash
    height: int
    code: int
    codespace: str
    log: str
    gas_wanted: int
    gas_used: int
    memo: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """One block; `app_hash` is the state after the block before it."""

    chain_id: str
    height: int
    time: str
    block_hash: str
    app_hash: str
    transactions: tuple[TxHash, ...]
