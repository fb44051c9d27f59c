import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from r3mes_ray.wire.remes.remes.v1 import stored_gradient_pb2 as _stored_gradient_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GlobalModelState(_message.Message):
    __slots__ = ("model_ipfs_hash", "model_version", "last_updated_height", "last_updated_time", "training_round_id", "last_aggregation_id")
    MODEL_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_TIME_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    model_ipfs_hash: str
    model_version: str
    last_updated_height: int
    last_updated_time: _timestamp_pb2.Timestamp
    training_round_id: int
    last_aggregation_id: int
    def __init__(self, model_ipfs_hash: _Optional[str] = ..., model_version: _Optional[str] = ..., last_updated_height: _Optional[int] = ..., last_updated_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., training_round_id: _Optional[int] = ..., last_aggregation_id: _Optional[int] = ...) -> None: ...

class AggregationRecord(_message.Message):
    __slots__ = ("aggregation_id", "proposer", "aggregated_gradient_ipfs_hash", "merkle_root", "participant_gradient_ids", "training_round_id", "model_version", "submitted_at_height", "status", "challenge_deadline_height")
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    AGGREGATED_GRADIENT_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_GRADIENT_IDS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_DEADLINE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    aggregation_id: int
    proposer: str
    aggregated_gradient_ipfs_hash: str
    merkle_root: str
    participant_gradient_ids: _containers.RepeatedScalarFieldContainer[int]
    training_round_id: int
    model_version: str
    submitted_at_height: int
    status: str
    challenge_deadline_height: int
    def __init__(self, aggregation_id: _Optional[int] = ..., proposer: _Optional[str] = ..., aggregated_gradient_ipfs_hash: _Optional[str] = ..., merkle_root: _Optional[str] = ..., participant_gradient_ids: _Optional[_Iterable[int]] = ..., training_round_id: _Optional[int] = ..., model_version: _Optional[str] = ..., submitted_at_height: _Optional[int] = ..., status: _Optional[str] = ..., challenge_deadline_height: _Optional[int] = ...) -> None: ...

class AggregationCommitment(_message.Message):
    __slots__ = ("commitment_id", "proposer", "commitment_hash", "training_round_id", "participant_gradient_ids", "committed_at_height", "reveal_deadline_height", "status", "revealed_aggregation_id")
    COMMITMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_HASH_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_GRADIENT_IDS_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    REVEAL_DEADLINE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REVEALED_AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    commitment_id: int
    proposer: str
    commitment_hash: str
    training_round_id: int
    participant_gradient_ids: _containers.RepeatedScalarFieldContainer[int]
    committed_at_height: int
    reveal_deadline_height: int
    status: str
    revealed_aggregation_id: int
    def __init__(self, commitment_id: _Optional[int] = ..., proposer: _Optional[str] = ..., commitment_hash: _Optional[str] = ..., training_round_id: _Optional[int] = ..., participant_gradient_ids: _Optional[_Iterable[int]] = ..., committed_at_height: _Optional[int] = ..., reveal_deadline_height: _Optional[int] = ..., status: _Optional[str] = ..., revealed_aggregation_id: _Optional[int] = ...) -> None: ...

class MiningContribution(_message.Message):
    __slots__ = ("miner_address", "total_submissions", "successful_submissions", "trust_score", "reputation_tier", "slashing_events", "last_submission_height", "traps_caught", "traps_failed", "fraud_score")
    MINER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SUBMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SUCCESSFUL_SUBMISSIONS_FIELD_NUMBER: _ClassVar[int]
    TRUST_SCORE_FIELD_NUMBER: _ClassVar[int]
    REPUTATION_TIER_FIELD_NUMBER: _ClassVar[int]
    SLASHING_EVENTS_FIELD_NUMBER: _ClassVar[int]
    LAST_SUBMISSION_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TRAPS_CAUGHT_FIELD_NUMBER: _ClassVar[int]
    TRAPS_FAILED_FIELD_NUMBER: _ClassVar[int]
    FRAUD_SCORE_FIELD_NUMBER: _ClassVar[int]
    miner_address: str
    total_submissions: int
    successful_submissions: int
    trust_score: str
    reputation_tier: str
    slashing_events: int
    last_submission_height: int
    traps_caught: int
    traps_failed: int
    fraud_score: str
    def __init__(self, miner_address: _Optional[str] = ..., total_submissions: _Optional[int] = ..., successful_submissions: _Optional[int] = ..., trust_score: _Optional[str] = ..., reputation_tier: _Optional[str] = ..., slashing_events: _Optional[int] = ..., last_submission_height: _Optional[int] = ..., traps_caught: _Optional[int] = ..., traps_failed: _Optional[int] = ..., fraud_score: _Optional[str] = ...) -> None: ...

class ChallengeRecord(_message.Message):
    __slots__ = ("challenge_id", "challenger", "aggregation_id", "reason", "evidence_ipfs_hash", "status", "created_at_height", "cpu_verification_panel", "cpu_verification_results", "resolution_height", "fraud_detected", "layer", "bond_amount", "random_verifier", "random_verifier_result", "miner_weights_ipfs", "data_batch_seed", "verifier_loss", "loss_match", "loss_tolerance")
    CHALLENGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHALLENGER_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CPU_VERIFICATION_PANEL_FIELD_NUMBER: _ClassVar[int]
    CPU_VERIFICATION_RESULTS_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FRAUD_DETECTED_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    BOND_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    RANDOM_VERIFIER_FIELD_NUMBER: _ClassVar[int]
    RANDOM_VERIFIER_RESULT_FIELD_NUMBER: _ClassVar[int]
    MINER_WEIGHTS_IPFS_FIELD_NUMBER: _ClassVar[int]
    DATA_BATCH_SEED_FIELD_NUMBER: _ClassVar[int]
    VERIFIER_LOSS_FIELD_NUMBER: _ClassVar[int]
    LOSS_MATCH_FIELD_NUMBER: _ClassVar[int]
    LOSS_TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    challenge_id: int
    challenger: str
    aggregation_id: int
    reason: str
    evidence_ipfs_hash: str
    status: str
    created_at_height: int
    cpu_verification_panel: _containers.RepeatedScalarFieldContainer[str]
    cpu_verification_results: _containers.RepeatedCompositeFieldContainer[CPUVerificationResult]
    resolution_height: int
    fraud_detected: bool
    layer: int
    bond_amount: str
    random_verifier: str
    random_verifier_result: str
    miner_weights_ipfs: str
    data_batch_seed: int
    verifier_loss: str
    loss_match: bool
    loss_tolerance: str
    def __init__(self, challenge_id: _Optional[int] = ..., challenger: _Optional[str] = ..., aggregation_id: _Optional[int] = ..., reason: _Optional[str] = ..., evidence_ipfs_hash: _Optional[str] = ..., status: _Optional[str] = ..., created_at_height: _Optional[int] = ..., cpu_verification_panel: _Optional[_Iterable[str]] = ..., cpu_verification_results: _Optional[_Iterable[_Union[CPUVerificationResult, _Mapping]]] = ..., resolution_height: _Optional[int] = ..., fraud_detected: _Optional[bool] = ..., layer: _Optional[int] = ..., bond_amount: _Optional[str] = ..., random_verifier: _Optional[str] = ..., random_verifier_result: _Optional[str] = ..., miner_weights_ipfs: _Optional[str] = ..., data_batch_seed: _Optional[int] = ..., verifier_loss: _Optional[str] = ..., loss_match: _Optional[bool] = ..., loss_tolerance: _Optional[str] = ...) -> None: ...

class CPUVerificationResult(_message.Message):
    __slots__ = ("validator_address", "is_valid", "computed_hash", "expected_hash", "verification_time")
    VALIDATOR_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    IS_VALID_FIELD_NUMBER: _ClassVar[int]
    COMPUTED_HASH_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_HASH_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_TIME_FIELD_NUMBER: _ClassVar[int]
    validator_address: str
    is_valid: bool
    computed_hash: str
    expected_hash: str
    verification_time: _timestamp_pb2.Timestamp
    def __init__(self, validator_address: _Optional[str] = ..., is_valid: _Optional[bool] = ..., computed_hash: _Optional[str] = ..., expected_hash: _Optional[str] = ..., verification_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ParticipantSyncState(_message.Message):
    __slots__ = ("participant_address", "current_model_version", "last_sync_height", "last_sync_time", "is_synced", "sync_lag_blocks", "participant_type", "is_partitioned", "partition_detected_at", "partition_detected_time", "partition_recovered_at", "partition_recovered_time")
    PARTICIPANT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    LAST_SYNC_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    LAST_SYNC_TIME_FIELD_NUMBER: _ClassVar[int]
    IS_SYNCED_FIELD_NUMBER: _ClassVar[int]
    SYNC_LAG_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_PARTITIONED_FIELD_NUMBER: _ClassVar[int]
    PARTITION_DETECTED_AT_FIELD_NUMBER: _ClassVar[int]
    PARTITION_DETECTED_TIME_FIELD_NUMBER: _ClassVar[int]
    PARTITION_RECOVERED_AT_FIELD_NUMBER: _ClassVar[int]
    PARTITION_RECOVERED_TIME_FIELD_NUMBER: _ClassVar[int]
    participant_address: str
    current_model_version: str
    last_sync_height: int
    last_sync_time: _timestamp_pb2.Timestamp
    is_synced: bool
    sync_lag_blocks: int
    participant_type: str
    is_partitioned: bool
    partition_detected_at: int
    partition_detected_time: _timestamp_pb2.Timestamp
    partition_recovered_at: int
    partition_recovered_time: _timestamp_pb2.Timestamp
    def __init__(self, participant_address: _Optional[str] = ..., current_model_version: _Optional[str] = ..., last_sync_height: _Optional[int] = ..., last_sync_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., is_synced: _Optional[bool] = ..., sync_lag_blocks: _Optional[int] = ..., participant_type: _Optional[str] = ..., is_partitioned: _Optional[bool] = ..., partition_detected_at: _Optional[int] = ..., partition_detected_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., partition_recovered_at: _Optional[int] = ..., partition_recovered_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PartitionRecoveryInfo(_message.Message):
    __slots__ = ("participant_address", "was_partitioned", "partition_duration", "recovery_type", "requires_full_sync", "sync_lag_blocks", "global_state", "catch_up_gradients")
    PARTICIPANT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    WAS_PARTITIONED_FIELD_NUMBER: _ClassVar[int]
    PARTITION_DURATION_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUIRES_FULL_SYNC_FIELD_NUMBER: _ClassVar[int]
    SYNC_LAG_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_STATE_FIELD_NUMBER: _ClassVar[int]
    CATCH_UP_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    participant_address: str
    was_partitioned: bool
    partition_duration: int
    recovery_type: str
    requires_full_sync: bool
    sync_lag_blocks: int
    global_state: GlobalModelState
    catch_up_gradients: _containers.RepeatedCompositeFieldContainer[_stored_gradient_pb2.StoredGradient]
    def __init__(self, participant_address: _Optional[str] = ..., was_partitioned: _Optional[bool] = ..., partition_duration: _Optional[int] = ..., recovery_type: _Optional[str] = ..., requires_full_sync: _Optional[bool] = ..., sync_lag_blocks: _Optional[int] = ..., global_state: _Optional[_Union[GlobalModelState, _Mapping]] = ..., catch_up_gradients: _Optional[_Iterable[_Union[_stored_gradient_pb2.StoredGradient, _Mapping]]] = ...) -> None: ...

class ProofOfReplication(_message.Message):
    __slots__ = ("data_hash", "replica_hash", "merkle_proof", "storage_proof", "replication_id", "miner_address", "timestamp")
    DATA_HASH_FIELD_NUMBER: _ClassVar[int]
    REPLICA_HASH_FIELD_NUMBER: _ClassVar[int]
    MERKLE_PROOF_FIELD_NUMBER: _ClassVar[int]
    STORAGE_PROOF_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    MINER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    data_hash: str
    replica_hash: str
    merkle_proof: bytes
    storage_proof: bytes
    replication_id: str
    miner_address: str
    timestamp: int
    def __init__(self, data_hash: _Optional[str] = ..., replica_hash: _Optional[str] = ..., merkle_proof: _Optional[bytes] = ..., storage_proof: _Optional[bytes] = ..., replication_id: _Optional[str] = ..., miner_address: _Optional[str] = ..., timestamp: _Optional[int] = ...) -> None: ...

class PartitionStatus(_message.Message):
    __slots__ = ("is_partitioned", "sync_lag_blocks", "time_since_last_sync", "last_sync_height", "last_sync_time", "partition_detected_at", "partition_recovered_at", "partition_duration")
    IS_PARTITIONED_FIELD_NUMBER: _ClassVar[int]
    SYNC_LAG_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    TIME_SINCE_LAST_SYNC_FIELD_NUMBER: _ClassVar[int]
    LAST_SYNC_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    LAST_SYNC_TIME_FIELD_NUMBER: _ClassVar[int]
    PARTITION_DETECTED_AT_FIELD_NUMBER: _ClassVar[int]
    PARTITION_RECOVERED_AT_FIELD_NUMBER: _ClassVar[int]
    PARTITION_DURATION_FIELD_NUMBER: _ClassVar[int]
    is_partitioned: bool
    sync_lag_blocks: int
    time_since_last_sync: str
    last_sync_height: int
    last_sync_time: _timestamp_pb2.Timestamp
    partition_detected_at: int
    partition_recovered_at: int
    partition_duration: int
    def __init__(self, is_partitioned: _Optional[bool] = ..., sync_lag_blocks: _Optional[int] = ..., time_since_last_sync: _Optional[str] = ..., last_sync_height: _Optional[int] = ..., last_sync_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., partition_detected_at: _Optional[int] = ..., partition_recovered_at: _Optional[int] = ..., partition_duration: _Optional[int] = ...) -> None: ...

class ConvergenceMetrics(_message.Message):
    __slots__ = ("training_round_id", "average_loss", "loss_history", "convergence_rate", "is_converged", "convergence_threshold", "last_updated_height")
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_LOSS_FIELD_NUMBER: _ClassVar[int]
    LOSS_HISTORY_FIELD_NUMBER: _ClassVar[int]
    CONVERGENCE_RATE_FIELD_NUMBER: _ClassVar[int]
    IS_CONVERGED_FIELD_NUMBER: _ClassVar[int]
    CONVERGENCE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    training_round_id: int
    average_loss: str
    loss_history: _containers.RepeatedScalarFieldContainer[str]
    convergence_rate: str
    is_converged: bool
    convergence_threshold: str
    last_updated_height: int
    def __init__(self, training_round_id: _Optional[int] = ..., average_loss: _Optional[str] = ..., loss_history: _Optional[_Iterable[str]] = ..., convergence_rate: _Optional[str] = ..., is_converged: _Optional[bool] = ..., convergence_threshold: _Optional[str] = ..., last_updated_height: _Optional[int] = ...) -> None: ...

class PinInfo(_message.Message):
    __slots__ = ("pinner", "cid", "size_bytes", "pinned_at", "unpinned_at")
    PINNER_FIELD_NUMBER: _ClassVar[int]
    CID_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    PINNED_AT_FIELD_NUMBER: _ClassVar[int]
    UNPINNED_AT_FIELD_NUMBER: _ClassVar[int]
    pinner: str
    cid: str
    size_bytes: int
    pinned_at: int
    unpinned_at: int
    def __init__(self, pinner: _Optional[str] = ..., cid: _Optional[str] = ..., size_bytes: _Optional[int] = ..., pinned_at: _Optional[int] = ..., unpinned_at: _Optional[int] = ...) -> None: ...

class AggregationIDList(_message.Message):
    __slots__ = ("aggregation_ids",)
    AGGREGATION_IDS_FIELD_NUMBER: _ClassVar[int]
    aggregation_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, aggregation_ids: _Optional[_Iterable[int]] = ...) -> None: ...
