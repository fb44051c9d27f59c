from r3mes_ray.wire.cosmos.base.v1beta1 import coin_pb2 as _coin_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RoundPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUND_PHASE_UNSPECIFIED: _ClassVar[RoundPhase]
    ROUND_PHASE_SUBMIT: _ClassVar[RoundPhase]
    ROUND_PHASE_COMMIT: _ClassVar[RoundPhase]
    ROUND_PHASE_REVEAL: _ClassVar[RoundPhase]
    ROUND_PHASE_CHALLENGE: _ClassVar[RoundPhase]
    ROUND_PHASE_FINALIZE: _ClassVar[RoundPhase]
    ROUND_PHASE_DONE: _ClassVar[RoundPhase]
    ROUND_PHASE_FAILED: _ClassVar[RoundPhase]
ROUND_PHASE_UNSPECIFIED: RoundPhase
ROUND_PHASE_SUBMIT: RoundPhase
ROUND_PHASE_COMMIT: RoundPhase
ROUND_PHASE_REVEAL: RoundPhase
ROUND_PHASE_CHALLENGE: RoundPhase
ROUND_PHASE_FINALIZE: RoundPhase
ROUND_PHASE_DONE: RoundPhase
ROUND_PHASE_FAILED: RoundPhase

class ExpertVersion(_message.Message):
    __slots__ = ("version", "adapter_cid", "round_id", "aggregation_id", "finalized_height")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_CID_FIELD_NUMBER: _ClassVar[int]
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    FINALIZED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    version: int
    adapter_cid: str
    round_id: int
    aggregation_id: int
    finalized_height: int
    def __init__(self, version: _Optional[int] = ..., adapter_cid: _Optional[str] = ..., round_id: _Optional[int] = ..., aggregation_id: _Optional[int] = ..., finalized_height: _Optional[int] = ...) -> None: ...

class Expert(_message.Message):
    __slots__ = ("name", "owner", "base_model", "base_hash", "description_cid", "bond", "version", "history", "registered_height", "has_open_round", "open_round_id", "retired_height")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    BASE_HASH_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_CID_FIELD_NUMBER: _ClassVar[int]
    BOND_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    HAS_OPEN_ROUND_FIELD_NUMBER: _ClassVar[int]
    OPEN_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    RETIRED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    name: str
    owner: str
    base_model: str
    base_hash: str
    description_cid: str
    bond: _coin_pb2.Coin
    version: int
    history: _containers.RepeatedCompositeFieldContainer[ExpertVersion]
    registered_height: int
    has_open_round: bool
    open_round_id: int
    retired_height: int
    def __init__(self, name: _Optional[str] = ..., owner: _Optional[str] = ..., base_model: _Optional[str] = ..., base_hash: _Optional[str] = ..., description_cid: _Optional[str] = ..., bond: _Optional[_Union[_coin_pb2.Coin, _Mapping]] = ..., version: _Optional[int] = ..., history: _Optional[_Iterable[_Union[ExpertVersion, _Mapping]]] = ..., registered_height: _Optional[int] = ..., has_open_round: _Optional[bool] = ..., open_round_id: _Optional[int] = ..., retired_height: _Optional[int] = ...) -> None: ...

class Round(_message.Message):
    __slots__ = ("round_id", "expert", "base_model", "base_hash", "start_version", "start_cid", "rule", "rule_parameters", "weight_height", "opened_height", "submit_end", "commit_end", "reveal_end", "challenge_end", "phase", "opened_by", "gradient_count", "has_aggregation", "aggregation_id")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    EXPERT_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    BASE_HASH_FIELD_NUMBER: _ClassVar[int]
    START_VERSION_FIELD_NUMBER: _ClassVar[int]
    START_CID_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    RULE_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    OPENED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_END_FIELD_NUMBER: _ClassVar[int]
    COMMIT_END_FIELD_NUMBER: _ClassVar[int]
    REVEAL_END_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_END_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    OPENED_BY_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    HAS_AGGREGATION_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    expert: str
    base_model: str
    base_hash: str
    start_version: int
    start_cid: str
    rule: str
    rule_parameters: str
    weight_height: int
    opened_height: int
    submit_end: int
    commit_end: int
    reveal_end: int
    challenge_end: int
    phase: RoundPhase
    opened_by: str
    gradient_count: int
    has_aggregation: bool
    aggregation_id: int
    def __init__(self, round_id: _Optional[int] = ..., expert: _Optional[str] = ..., base_model: _Optional[str] = ..., base_hash: _Optional[str] = ..., start_version: _Optional[int] = ..., start_cid: _Optional[str] = ..., rule: _Optional[str] = ..., rule_parameters: _Optional[str] = ..., weight_height: _Optional[int] = ..., opened_height: _Optional[int] = ..., submit_end: _Optional[int] = ..., commit_end: _Optional[int] = ..., reveal_end: _Optional[int] = ..., challenge_end: _Optional[int] = ..., phase: _Optional[_Union[RoundPhase, str]] = ..., opened_by: _Optional[str] = ..., gradient_count: _Optional[int] = ..., has_aggregation: _Optional[bool] = ..., aggregation_id: _Optional[int] = ...) -> None: ...

class UpdateWeight(_message.Message):
    __slots__ = ("gradient_id", "miner", "trust", "stake")
    GRADIENT_ID_FIELD_NUMBER: _ClassVar[int]
    MINER_FIELD_NUMBER: _ClassVar[int]
    TRUST_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    gradient_id: int
    miner: str
    trust: int
    stake: _coin_pb2.Coin
    def __init__(self, gradient_id: _Optional[int] = ..., miner: _Optional[str] = ..., trust: _Optional[int] = ..., stake: _Optional[_Union[_coin_pb2.Coin, _Mapping]] = ...) -> None: ...

class Proof(_message.Message):
    __slots__ = ("gradient_id", "index", "path")
    GRADIENT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    gradient_id: int
    index: int
    path: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, gradient_id: _Optional[int] = ..., index: _Optional[int] = ..., path: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Slash(_message.Message):
    __slots__ = ("slash_id", "node_address", "amount", "reason", "beneficiary", "slashed_height", "release_height", "status")
    SLASH_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BENEFICIARY_FIELD_NUMBER: _ClassVar[int]
    SLASHED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    RELEASE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    slash_id: int
    node_address: str
    amount: _coin_pb2.Coin
    reason: str
    beneficiary: str
    slashed_height: int
    release_height: int
    status: str
    def __init__(self, slash_id: _Optional[int] = ..., node_address: _Optional[str] = ..., amount: _Optional[_Union[_coin_pb2.Coin, _Mapping]] = ..., reason: _Optional[str] = ..., beneficiary: _Optional[str] = ..., slashed_height: _Optional[int] = ..., release_height: _Optional[int] = ..., status: _Optional[str] = ...) -> None: ...

class ContentEndpoint(_message.Message):
    __slots__ = ("node_address", "content_url", "announced_height")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_URL_FIELD_NUMBER: _ClassVar[int]
    ANNOUNCED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    content_url: str
    announced_height: int
    def __init__(self, node_address: _Optional[str] = ..., content_url: _Optional[str] = ..., announced_height: _Optional[int] = ...) -> None: ...

class Params(_message.Message):
    __slots__ = ("submit_blocks", "commit_blocks", "reveal_blocks", "challenge_blocks", "grace_blocks", "min_phase_blocks", "max_phase_blocks", "expert_bond", "proposer_stake", "validator_stake", "max_validators", "unbonding_blocks", "challenge_bond", "verification_blocks", "appeal_blocks", "unrevealed_slash", "fraud_slash", "absent_slash", "miner_reward", "proposer_reward", "supply_cap", "min_gas_price", "proof_of_work_bits", "nonce_window", "rate_window_blocks", "max_updates_per_window", "inference_blocks", "dataset_deposit", "task_blocks", "claim_blocks", "proposal_deposit", "deposit_period_s", "voting_period_s", "quorum", "threshold", "veto_threshold", "max_tx_bytes", "max_block_bytes", "max_memo_chars", "max_signatures")
    SUBMIT_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    COMMIT_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    REVEAL_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    GRACE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    MIN_PHASE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    MAX_PHASE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    EXPERT_BOND_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_STAKE_FIELD_NUMBER: _ClassVar[int]
    VALIDATOR_STAKE_FIELD_NUMBER: _ClassVar[int]
    MAX_VALIDATORS_FIELD_NUMBER: _ClassVar[int]
    UNBONDING_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_BOND_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    APPEAL_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    UNREVEALED_SLASH_FIELD_NUMBER: _ClassVar[int]
    FRAUD_SLASH_FIELD_NUMBER: _ClassVar[int]
    ABSENT_SLASH_FIELD_NUMBER: _ClassVar[int]
    MINER_REWARD_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_REWARD_FIELD_NUMBER: _ClassVar[int]
    SUPPLY_CAP_FIELD_NUMBER: _ClassVar[int]
    MIN_GAS_PRICE_FIELD_NUMBER: _ClassVar[int]
    PROOF_OF_WORK_BITS_FIELD_NUMBER: _ClassVar[int]
    NONCE_WINDOW_FIELD_NUMBER: _ClassVar[int]
    RATE_WINDOW_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    MAX_UPDATES_PER_WINDOW_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    DATASET_DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    TASK_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    CLAIM_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    DEPOSIT_PERIOD_S_FIELD_NUMBER: _ClassVar[int]
    VOTING_PERIOD_S_FIELD_NUMBER: _ClassVar[int]
    QUORUM_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    VETO_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MAX_TX_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BLOCK_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_MEMO_CHARS_FIELD_NUMBER: _ClassVar[int]
    MAX_SIGNATURES_FIELD_NUMBER: _ClassVar[int]
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
    def __init__(self, submit_blocks: _Optional[int] = ..., commit_blocks: _Optional[int] = ..., reveal_blocks: _Optional[int] = ..., challenge_blocks: _Optional[int] = ..., grace_blocks: _Optional[int] = ..., min_phase_blocks: _Optional[int] = ..., max_phase_blocks: _Optional[int] = ..., expert_bond: _Optional[str] = ..., proposer_stake: _Optional[str] = ..., validator_stake: _Optional[str] = ..., max_validators: _Optional[int] = ..., unbonding_blocks: _Optional[int] = ..., challenge_bond: _Optional[str] = ..., verification_blocks: _Optional[int] = ..., appeal_blocks: _Optional[int] = ..., unrevealed_slash: _Optional[int] = ..., fraud_slash: _Optional[int] = ..., absent_slash: _Optional[int] = ..., miner_reward: _Optional[str] = ..., proposer_reward: _Optional[str] = ..., supply_cap: _Optional[str] = ..., min_gas_price: _Optional[str] = ..., proof_of_work_bits: _Optional[int] = ..., nonce_window: _Optional[int] = ..., rate_window_blocks: _Optional[int] = ..., max_updates_per_window: _Optional[int] = ..., inference_blocks: _Optional[int] = ..., dataset_deposit: _Optional[str] = ..., task_blocks: _Optional[int] = ..., claim_blocks: _Optional[int] = ..., proposal_deposit: _Optional[str] = ..., deposit_period_s: _Optional[int] = ..., voting_period_s: _Optional[int] = ..., quorum: _Optional[int] = ..., threshold: _Optional[int] = ..., veto_threshold: _Optional[int] = ..., max_tx_bytes: _Optional[int] = ..., max_block_bytes: _Optional[int] = ..., max_memo_chars: _Optional[int] = ..., max_signatures: _Optional[int] = ...) -> None: ...
