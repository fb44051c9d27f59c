from r3mes_ray.wire.cosmos.base.v1beta1 import coin_pb2 as _coin_pb2
from r3mes_ray.wire.cosmos.msg.v1 import msg_pb2 as _msg_pb2
from r3mes_ray.wire.remes.remes.v1 import dataset_pb2 as _dataset_pb2
from r3mes_ray.wire.remes.remes.v1 import execution_environment_pb2 as _execution_environment_pb2
from r3mes_ray.wire.remes.remes.v1 import model_pb2 as _model_pb2
from r3mes_ray.wire.remes.remes.v1 import node_pb2 as _node_pb2
from r3mes_ray.wire.remes.remes.v1 import params_pb2 as _params_pb2
from r3mes_ray.wire.remes.remes.v1 import subnet_pb2 as _subnet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MsgUpdateParams(_message.Message):
    __slots__ = ("authority", "params")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    authority: str
    params: _params_pb2.Params
    def __init__(self, authority: _Optional[str] = ..., params: _Optional[_Union[_params_pb2.Params, _Mapping]] = ...) -> None: ...

class MsgUpdateParamsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgRegisterModel(_message.Message):
    __slots__ = ("authority", "config", "proposal_id")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    authority: str
    config: _model_pb2.ModelConfig
    proposal_id: int
    def __init__(self, authority: _Optional[str] = ..., config: _Optional[_Union[_model_pb2.ModelConfig, _Mapping]] = ..., proposal_id: _Optional[int] = ...) -> None: ...

class MsgRegisterModelResponse(_message.Message):
    __slots__ = ("model_id",)
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    model_id: int
    def __init__(self, model_id: _Optional[int] = ...) -> None: ...

class MsgActivateModel(_message.Message):
    __slots__ = ("authority", "model_id")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    authority: str
    model_id: int
    def __init__(self, authority: _Optional[str] = ..., model_id: _Optional[int] = ...) -> None: ...

class MsgActivateModelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgSubmitGradient(_message.Message):
    __slots__ = ("miner", "ipfs_hash", "model_version", "training_round_id", "shard_id", "gradient_hash", "gpu_architecture", "nonce", "signature", "proof_of_work_nonce", "model_config_id", "container_hash", "container_signature", "global_seed", "claimed_loss", "porep_proof_ipfs_hash", "token_count")
    MINER_FIELD_NUMBER: _ClassVar[int]
    IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    GPU_ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    PROOF_OF_WORK_NONCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_HASH_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SEED_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_LOSS_FIELD_NUMBER: _ClassVar[int]
    POREP_PROOF_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    miner: str
    ipfs_hash: str
    model_version: str
    training_round_id: int
    shard_id: int
    gradient_hash: str
    gpu_architecture: str
    nonce: int
    signature: bytes
    proof_of_work_nonce: int
    model_config_id: int
    container_hash: str
    container_signature: bytes
    global_seed: int
    claimed_loss: str
    porep_proof_ipfs_hash: str
    token_count: int
    def __init__(self, miner: _Optional[str] = ..., ipfs_hash: _Optional[str] = ..., model_version: _Optional[str] = ..., training_round_id: _Optional[int] = ..., shard_id: _Optional[int] = ..., gradient_hash: _Optional[str] = ..., gpu_architecture: _Optional[str] = ..., nonce: _Optional[int] = ..., signature: _Optional[bytes] = ..., proof_of_work_nonce: _Optional[int] = ..., model_config_id: _Optional[int] = ..., container_hash: _Optional[str] = ..., container_signature: _Optional[bytes] = ..., global_seed: _Optional[int] = ..., claimed_loss: _Optional[str] = ..., porep_proof_ipfs_hash: _Optional[str] = ..., token_count: _Optional[int] = ...) -> None: ...

class MsgSubmitGradientResponse(_message.Message):
    __slots__ = ("stored_gradient_id", "tx_hash")
    STORED_GRADIENT_ID_FIELD_NUMBER: _ClassVar[int]
    TX_HASH_FIELD_NUMBER: _ClassVar[int]
    stored_gradient_id: int
    tx_hash: str
    def __init__(self, stored_gradient_id: _Optional[int] = ..., tx_hash: _Optional[str] = ...) -> None: ...

class MsgSubmitAggregation(_message.Message):
    __slots__ = ("proposer", "aggregated_gradient_ipfs_hash", "merkle_root", "participant_gradient_ids", "training_round_id", "model_version")
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    AGGREGATED_GRADIENT_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_GRADIENT_IDS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    proposer: str
    aggregated_gradient_ipfs_hash: str
    merkle_root: str
    participant_gradient_ids: _containers.RepeatedScalarFieldContainer[int]
    training_round_id: int
    model_version: str
    def __init__(self, proposer: _Optional[str] = ..., aggregated_gradient_ipfs_hash: _Optional[str] = ..., merkle_root: _Optional[str] = ..., participant_gradient_ids: _Optional[_Iterable[int]] = ..., training_round_id: _Optional[int] = ..., model_version: _Optional[str] = ...) -> None: ...

class MsgSubmitAggregationResponse(_message.Message):
    __slots__ = ("aggregation_id",)
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    aggregation_id: int
    def __init__(self, aggregation_id: _Optional[int] = ...) -> None: ...

class MsgCommitAggregation(_message.Message):
    __slots__ = ("proposer", "commitment_hash", "training_round_id", "participant_gradient_ids")
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_HASH_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_GRADIENT_IDS_FIELD_NUMBER: _ClassVar[int]
    proposer: str
    commitment_hash: str
    training_round_id: int
    participant_gradient_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, proposer: _Optional[str] = ..., commitment_hash: _Optional[str] = ..., training_round_id: _Optional[int] = ..., participant_gradient_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class MsgCommitAggregationResponse(_message.Message):
    __slots__ = ("commitment_id", "reveal_deadline_height")
    COMMITMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REVEAL_DEADLINE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    commitment_id: int
    reveal_deadline_height: int
    def __init__(self, commitment_id: _Optional[int] = ..., reveal_deadline_height: _Optional[int] = ...) -> None: ...

class MsgRevealAggregation(_message.Message):
    __slots__ = ("proposer", "commitment_id", "aggregated_gradient_ipfs_hash", "merkle_root", "participant_gradient_ids", "training_round_id", "model_version", "salt")
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_ID_FIELD_NUMBER: _ClassVar[int]
    AGGREGATED_GRADIENT_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_GRADIENT_IDS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    SALT_FIELD_NUMBER: _ClassVar[int]
    proposer: str
    commitment_id: int
    aggregated_gradient_ipfs_hash: str
    merkle_root: str
    participant_gradient_ids: _containers.RepeatedScalarFieldContainer[int]
    training_round_id: int
    model_version: str
    salt: str
    def __init__(self, proposer: _Optional[str] = ..., commitment_id: _Optional[int] = ..., aggregated_gradient_ipfs_hash: _Optional[str] = ..., merkle_root: _Optional[str] = ..., participant_gradient_ids: _Optional[_Iterable[int]] = ..., training_round_id: _Optional[int] = ..., model_version: _Optional[str] = ..., salt: _Optional[str] = ...) -> None: ...

class MsgRevealAggregationResponse(_message.Message):
    __slots__ = ("aggregation_id", "commitment_verified")
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    aggregation_id: int
    commitment_verified: bool
    def __init__(self, aggregation_id: _Optional[int] = ..., commitment_verified: _Optional[bool] = ...) -> None: ...

class MsgChallengeAggregation(_message.Message):
    __slots__ = ("challenger", "aggregation_id", "reason", "evidence_ipfs_hash", "bond_amount")
    CHALLENGER_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    BOND_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    challenger: str
    aggregation_id: int
    reason: str
    evidence_ipfs_hash: str
    bond_amount: _containers.RepeatedCompositeFieldContainer[_coin_pb2.Coin]
    def __init__(self, challenger: _Optional[str] = ..., aggregation_id: _Optional[int] = ..., reason: _Optional[str] = ..., evidence_ipfs_hash: _Optional[str] = ..., bond_amount: _Optional[_Iterable[_Union[_coin_pb2.Coin, _Mapping]]] = ...) -> None: ...

class MsgChallengeAggregationResponse(_message.Message):
    __slots__ = ("challenge_id",)
    CHALLENGE_ID_FIELD_NUMBER: _ClassVar[int]
    challenge_id: int
    def __init__(self, challenge_id: _Optional[int] = ...) -> None: ...

class MsgProposeDataset(_message.Message):
    __slots__ = ("proposer", "dataset_ipfs_hash", "metadata", "deposit")
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    DATASET_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    proposer: str
    dataset_ipfs_hash: str
    metadata: _dataset_pb2.DatasetMetadata
    deposit: str
    def __init__(self, proposer: _Optional[str] = ..., dataset_ipfs_hash: _Optional[str] = ..., metadata: _Optional[_Union[_dataset_pb2.DatasetMetadata, _Mapping]] = ..., deposit: _Optional[str] = ...) -> None: ...

class MsgProposeDatasetResponse(_message.Message):
    __slots__ = ("proposal_id",)
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    proposal_id: int
    def __init__(self, proposal_id: _Optional[int] = ...) -> None: ...

class MsgVoteDataset(_message.Message):
    __slots__ = ("voter", "proposal_id", "option", "quality_score", "relevance_score")
    VOTER_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    OPTION_FIELD_NUMBER: _ClassVar[int]
    QUALITY_SCORE_FIELD_NUMBER: _ClassVar[int]
    RELEVANCE_SCORE_FIELD_NUMBER: _ClassVar[int]
    voter: str
    proposal_id: int
    option: str
    quality_score: int
    relevance_score: int
    def __init__(self, voter: _Optional[str] = ..., proposal_id: _Optional[int] = ..., option: _Optional[str] = ..., quality_score: _Optional[int] = ..., relevance_score: _Optional[int] = ...) -> None: ...

class MsgVoteDatasetResponse(_message.Message):
    __slots__ = ("vote_id",)
    VOTE_ID_FIELD_NUMBER: _ClassVar[int]
    vote_id: int
    def __init__(self, vote_id: _Optional[int] = ...) -> None: ...

class MsgMarkDatasetAsOfficial(_message.Message):
    __slots__ = ("authority", "dataset_id")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    authority: str
    dataset_id: int
    def __init__(self, authority: _Optional[str] = ..., dataset_id: _Optional[int] = ...) -> None: ...

class MsgMarkDatasetAsOfficialResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgRemoveDataset(_message.Message):
    __slots__ = ("authority", "dataset_id", "reason")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    authority: str
    dataset_id: int
    reason: str
    def __init__(self, authority: _Optional[str] = ..., dataset_id: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class MsgRemoveDatasetResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgRegisterNode(_message.Message):
    __slots__ = ("node_address", "node_type", "resources", "stake", "roles", "role_allocations", "resource_proof_ipfs_hash")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    NODE_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    ROLE_ALLOCATIONS_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_PROOF_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    node_type: _node_pb2.NodeType
    resources: _node_pb2.ResourceSpec
    stake: str
    roles: _containers.RepeatedScalarFieldContainer[_node_pb2.NodeType]
    role_allocations: _containers.RepeatedCompositeFieldContainer[_node_pb2.RoleAllocation]
    resource_proof_ipfs_hash: str
    def __init__(self, node_address: _Optional[str] = ..., node_type: _Optional[_Union[_node_pb2.NodeType, str]] = ..., resources: _Optional[_Union[_node_pb2.ResourceSpec, _Mapping]] = ..., stake: _Optional[str] = ..., roles: _Optional[_Iterable[_Union[_node_pb2.NodeType, str]]] = ..., role_allocations: _Optional[_Iterable[_Union[_node_pb2.RoleAllocation, _Mapping]]] = ..., resource_proof_ipfs_hash: _Optional[str] = ...) -> None: ...

class MsgRegisterNodeResponse(_message.Message):
    __slots__ = ("registration_id",)
    REGISTRATION_ID_FIELD_NUMBER: _ClassVar[int]
    registration_id: int
    def __init__(self, registration_id: _Optional[int] = ...) -> None: ...

class MsgUpdateNodeRegistration(_message.Message):
    __slots__ = ("node_address", "resources", "roles", "role_allocations", "resource_proof_ipfs_hash")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    ROLE_ALLOCATIONS_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_PROOF_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    resources: _node_pb2.ResourceSpec
    roles: _containers.RepeatedScalarFieldContainer[_node_pb2.NodeType]
    role_allocations: _containers.RepeatedCompositeFieldContainer[_node_pb2.RoleAllocation]
    resource_proof_ipfs_hash: str
    def __init__(self, node_address: _Optional[str] = ..., resources: _Optional[_Union[_node_pb2.ResourceSpec, _Mapping]] = ..., roles: _Optional[_Iterable[_Union[_node_pb2.NodeType, str]]] = ..., role_allocations: _Optional[_Iterable[_Union[_node_pb2.RoleAllocation, _Mapping]]] = ..., resource_proof_ipfs_hash: _Optional[str] = ...) -> None: ...

class MsgUpdateNodeRegistrationResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgSubmitResourceUsage(_message.Message):
    __slots__ = ("node_address", "role", "resource_usage", "proof_ipfs_hash")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_USAGE_FIELD_NUMBER: _ClassVar[int]
    PROOF_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    role: _node_pb2.NodeType
    resource_usage: _node_pb2.ResourceSpec
    proof_ipfs_hash: str
    def __init__(self, node_address: _Optional[str] = ..., role: _Optional[_Union[_node_pb2.NodeType, str]] = ..., resource_usage: _Optional[_Union[_node_pb2.ResourceSpec, _Mapping]] = ..., proof_ipfs_hash: _Optional[str] = ...) -> None: ...

class MsgSubmitResourceUsageResponse(_message.Message):
    __slots__ = ("is_valid", "violation_detected")
    IS_VALID_FIELD_NUMBER: _ClassVar[int]
    VIOLATION_DETECTED_FIELD_NUMBER: _ClassVar[int]
    is_valid: bool
    violation_detected: bool
    def __init__(self, is_valid: _Optional[bool] = ..., violation_detected: _Optional[bool] = ...) -> None: ...

class MsgCommitPinning(_message.Message):
    __slots__ = ("node_address", "ipfs_hash", "stake", "commitment_duration_blocks")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_DURATION_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    ipfs_hash: str
    stake: str
    commitment_duration_blocks: int
    def __init__(self, node_address: _Optional[str] = ..., ipfs_hash: _Optional[str] = ..., stake: _Optional[str] = ..., commitment_duration_blocks: _Optional[int] = ...) -> None: ...

class MsgCommitPinningResponse(_message.Message):
    __slots__ = ("pinning_id",)
    PINNING_ID_FIELD_NUMBER: _ClassVar[int]
    pinning_id: str
    def __init__(self, pinning_id: _Optional[str] = ...) -> None: ...

class MsgChallengePinning(_message.Message):
    __slots__ = ("challenger", "node_address", "ipfs_hash")
    CHALLENGER_FIELD_NUMBER: _ClassVar[int]
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    challenger: str
    node_address: str
    ipfs_hash: str
    def __init__(self, challenger: _Optional[str] = ..., node_address: _Optional[str] = ..., ipfs_hash: _Optional[str] = ...) -> None: ...

class MsgChallengePinningResponse(_message.Message):
    __slots__ = ("challenge_id",)
    CHALLENGE_ID_FIELD_NUMBER: _ClassVar[int]
    challenge_id: int
    def __init__(self, challenge_id: _Optional[int] = ...) -> None: ...

class MsgRespondToChallenge(_message.Message):
    __slots__ = ("node_address", "challenge_id", "proof_ipfs_hash")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_ID_FIELD_NUMBER: _ClassVar[int]
    PROOF_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    challenge_id: int
    proof_ipfs_hash: str
    def __init__(self, node_address: _Optional[str] = ..., challenge_id: _Optional[int] = ..., proof_ipfs_hash: _Optional[str] = ...) -> None: ...

class MsgRespondToChallengeResponse(_message.Message):
    __slots__ = ("is_valid",)
    IS_VALID_FIELD_NUMBER: _ClassVar[int]
    is_valid: bool
    def __init__(self, is_valid: _Optional[bool] = ...) -> None: ...

class MsgResolveChallenge(_message.Message):
    __slots__ = ("resolver", "challenge_id", "fraud_detected", "resolution_reason")
    RESOLVER_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_ID_FIELD_NUMBER: _ClassVar[int]
    FRAUD_DETECTED_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_REASON_FIELD_NUMBER: _ClassVar[int]
    resolver: str
    challenge_id: int
    fraud_detected: bool
    resolution_reason: str
    def __init__(self, resolver: _Optional[str] = ..., challenge_id: _Optional[int] = ..., fraud_detected: _Optional[bool] = ..., resolution_reason: _Optional[str] = ...) -> None: ...

class MsgResolveChallengeResponse(_message.Message):
    __slots__ = ("resolved",)
    RESOLVED_FIELD_NUMBER: _ClassVar[int]
    resolved: bool
    def __init__(self, resolved: _Optional[bool] = ...) -> None: ...

class MsgSubmitCPUVerification(_message.Message):
    __slots__ = ("validator", "challenge_id", "is_valid", "computed_hash", "expected_hash")
    VALIDATOR_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_ID_FIELD_NUMBER: _ClassVar[int]
    IS_VALID_FIELD_NUMBER: _ClassVar[int]
    COMPUTED_HASH_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_HASH_FIELD_NUMBER: _ClassVar[int]
    validator: str
    challenge_id: int
    is_valid: bool
    computed_hash: str
    expected_hash: str
    def __init__(self, validator: _Optional[str] = ..., challenge_id: _Optional[int] = ..., is_valid: _Optional[bool] = ..., computed_hash: _Optional[str] = ..., expected_hash: _Optional[str] = ...) -> None: ...

class MsgSubmitCPUVerificationResponse(_message.Message):
    __slots__ = ("accepted",)
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    def __init__(self, accepted: _Optional[bool] = ...) -> None: ...

class MsgSubmitRandomVerifierResult(_message.Message):
    __slots__ = ("verifier", "challenge_id", "result", "gradient_hash", "evidence_ipfs_hash", "verifier_loss", "loss_match", "data_batch_seed")
    VERIFIER_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    VERIFIER_LOSS_FIELD_NUMBER: _ClassVar[int]
    LOSS_MATCH_FIELD_NUMBER: _ClassVar[int]
    DATA_BATCH_SEED_FIELD_NUMBER: _ClassVar[int]
    verifier: str
    challenge_id: int
    result: str
    gradient_hash: str
    evidence_ipfs_hash: str
    verifier_loss: str
    loss_match: bool
    data_batch_seed: int
    def __init__(self, verifier: _Optional[str] = ..., challenge_id: _Optional[int] = ..., result: _Optional[str] = ..., gradient_hash: _Optional[str] = ..., evidence_ipfs_hash: _Optional[str] = ..., verifier_loss: _Optional[str] = ..., loss_match: _Optional[bool] = ..., data_batch_seed: _Optional[int] = ...) -> None: ...

class MsgSubmitRandomVerifierResultResponse(_message.Message):
    __slots__ = ("accepted", "layer_3_triggered")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    LAYER_3_TRIGGERED_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    layer_3_triggered: bool
    def __init__(self, accepted: _Optional[bool] = ..., layer_3_triggered: _Optional[bool] = ...) -> None: ...

class MsgRequestInference(_message.Message):
    __slots__ = ("requester", "serving_node", "model_version", "input_data_ipfs_hash", "fee")
    REQUESTER_FIELD_NUMBER: _ClassVar[int]
    SERVING_NODE_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_DATA_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    requester: str
    serving_node: str
    model_version: str
    input_data_ipfs_hash: str
    fee: str
    def __init__(self, requester: _Optional[str] = ..., serving_node: _Optional[str] = ..., model_version: _Optional[str] = ..., input_data_ipfs_hash: _Optional[str] = ..., fee: _Optional[str] = ...) -> None: ...

class MsgRequestInferenceResponse(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class MsgSubmitInferenceResult(_message.Message):
    __slots__ = ("serving_node", "request_id", "result_ipfs_hash", "latency_ms")
    SERVING_NODE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    serving_node: str
    request_id: str
    result_ipfs_hash: str
    latency_ms: int
    def __init__(self, serving_node: _Optional[str] = ..., request_id: _Optional[str] = ..., result_ipfs_hash: _Optional[str] = ..., latency_ms: _Optional[int] = ...) -> None: ...

class MsgSubmitInferenceResultResponse(_message.Message):
    __slots__ = ("accepted",)
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    def __init__(self, accepted: _Optional[bool] = ...) -> None: ...

class MsgUpdateServingNodeStatus(_message.Message):
    __slots__ = ("serving_node", "model_version", "model_ipfs_hash", "is_available")
    SERVING_NODE_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    IS_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    serving_node: str
    model_version: str
    model_ipfs_hash: str
    is_available: bool
    def __init__(self, serving_node: _Optional[str] = ..., model_version: _Optional[str] = ..., model_ipfs_hash: _Optional[str] = ..., is_available: _Optional[bool] = ...) -> None: ...

class MsgUpdateServingNodeStatusResponse(_message.Message):
    __slots__ = ("updated",)
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    updated: bool
    def __init__(self, updated: _Optional[bool] = ...) -> None: ...

class MsgCreateTrapJob(_message.Message):
    __slots__ = ("creator", "target_miner", "dataset_ipfs_hash", "expected_gradient_hash", "deadline_blocks", "obfuscate_with_dummy_data", "federated_signatures")
    CREATOR_FIELD_NUMBER: _ClassVar[int]
    TARGET_MINER_FIELD_NUMBER: _ClassVar[int]
    DATASET_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    OBFUSCATE_WITH_DUMMY_DATA_FIELD_NUMBER: _ClassVar[int]
    FEDERATED_SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    creator: str
    target_miner: str
    dataset_ipfs_hash: str
    expected_gradient_hash: str
    deadline_blocks: int
    obfuscate_with_dummy_data: bool
    federated_signatures: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, creator: _Optional[str] = ..., target_miner: _Optional[str] = ..., dataset_ipfs_hash: _Optional[str] = ..., expected_gradient_hash: _Optional[str] = ..., deadline_blocks: _Optional[int] = ..., obfuscate_with_dummy_data: _Optional[bool] = ..., federated_signatures: _Optional[_Iterable[bytes]] = ...) -> None: ...

class MsgCreateTrapJobResponse(_message.Message):
    __slots__ = ("trap_job_id",)
    TRAP_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    trap_job_id: str
    def __init__(self, trap_job_id: _Optional[str] = ...) -> None: ...

class MsgSubmitTrapJobResult(_message.Message):
    __slots__ = ("miner", "trap_job_id", "gradient_ipfs_hash", "gradient_hash")
    MINER_FIELD_NUMBER: _ClassVar[int]
    TRAP_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    miner: str
    trap_job_id: str
    gradient_ipfs_hash: str
    gradient_hash: str
    def __init__(self, miner: _Optional[str] = ..., trap_job_id: _Optional[str] = ..., gradient_ipfs_hash: _Optional[str] = ..., gradient_hash: _Optional[str] = ...) -> None: ...

class MsgSubmitTrapJobResultResponse(_message.Message):
    __slots__ = ("verified",)
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    verified: bool
    def __init__(self, verified: _Optional[bool] = ...) -> None: ...

class MsgAppealTrapJobSlashing(_message.Message):
    __slots__ = ("appellant", "trap_job_id", "reason", "evidence_ipfs_hash")
    APPELLANT_FIELD_NUMBER: _ClassVar[int]
    TRAP_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    appellant: str
    trap_job_id: str
    reason: str
    evidence_ipfs_hash: str
    def __init__(self, appellant: _Optional[str] = ..., trap_job_id: _Optional[str] = ..., reason: _Optional[str] = ..., evidence_ipfs_hash: _Optional[str] = ...) -> None: ...

class MsgAppealTrapJobSlashingResponse(_message.Message):
    __slots__ = ("appeal_id",)
    APPEAL_ID_FIELD_NUMBER: _ClassVar[int]
    appeal_id: str
    def __init__(self, appeal_id: _Optional[str] = ...) -> None: ...

class MsgReportLazyValidation(_message.Message):
    __slots__ = ("reporter", "validator_address", "evidence_ipfs_hash")
    REPORTER_FIELD_NUMBER: _ClassVar[int]
    VALIDATOR_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    reporter: str
    validator_address: str
    evidence_ipfs_hash: str
    def __init__(self, reporter: _Optional[str] = ..., validator_address: _Optional[str] = ..., evidence_ipfs_hash: _Optional[str] = ...) -> None: ...

class MsgReportLazyValidationResponse(_message.Message):
    __slots__ = ("reported",)
    REPORTED_FIELD_NUMBER: _ClassVar[int]
    reported: bool
    def __init__(self, reported: _Optional[bool] = ...) -> None: ...

class MsgReportFalseVerdict(_message.Message):
    __slots__ = ("reporter", "validator_address", "challenge_id", "evidence_ipfs_hash")
    REPORTER_FIELD_NUMBER: _ClassVar[int]
    VALIDATOR_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_ID_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    reporter: str
    validator_address: str
    challenge_id: int
    evidence_ipfs_hash: str
    def __init__(self, reporter: _Optional[str] = ..., validator_address: _Optional[str] = ..., challenge_id: _Optional[int] = ..., evidence_ipfs_hash: _Optional[str] = ...) -> None: ...

class MsgReportFalseVerdictResponse(_message.Message):
    __slots__ = ("reported",)
    REPORTED_FIELD_NUMBER: _ClassVar[int]
    reported: bool
    def __init__(self, reported: _Optional[bool] = ...) -> None: ...

class MsgReportProposerCensorship(_message.Message):
    __slots__ = ("reporter", "proposer_address", "aggregation_id", "excluded_gradient_ids", "evidence_ipfs_hash")
    REPORTER_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_GRADIENT_IDS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    reporter: str
    proposer_address: str
    aggregation_id: int
    excluded_gradient_ids: _containers.RepeatedScalarFieldContainer[int]
    evidence_ipfs_hash: str
    def __init__(self, reporter: _Optional[str] = ..., proposer_address: _Optional[str] = ..., aggregation_id: _Optional[int] = ..., excluded_gradient_ids: _Optional[_Iterable[int]] = ..., evidence_ipfs_hash: _Optional[str] = ...) -> None: ...

class MsgReportProposerCensorshipResponse(_message.Message):
    __slots__ = ("reported",)
    REPORTED_FIELD_NUMBER: _ClassVar[int]
    reported: bool
    def __init__(self, reported: _Optional[bool] = ...) -> None: ...

class MsgAppealSlashing(_message.Message):
    __slots__ = ("appellant", "slashing_reason", "appeal_reason", "evidence_ipfs_hash")
    APPELLANT_FIELD_NUMBER: _ClassVar[int]
    SLASHING_REASON_FIELD_NUMBER: _ClassVar[int]
    APPEAL_REASON_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    appellant: str
    slashing_reason: str
    appeal_reason: str
    evidence_ipfs_hash: str
    def __init__(self, appellant: _Optional[str] = ..., slashing_reason: _Optional[str] = ..., appeal_reason: _Optional[str] = ..., evidence_ipfs_hash: _Optional[str] = ...) -> None: ...

class MsgAppealSlashingResponse(_message.Message):
    __slots__ = ("appeal_id",)
    APPEAL_ID_FIELD_NUMBER: _ClassVar[int]
    appeal_id: str
    def __init__(self, appeal_id: _Optional[str] = ...) -> None: ...

class MsgRegisterMentorRelationship(_message.Message):
    __slots__ = ("mentor", "mentee", "reduced_stake_percentage")
    MENTOR_FIELD_NUMBER: _ClassVar[int]
    MENTEE_FIELD_NUMBER: _ClassVar[int]
    REDUCED_STAKE_PERCENTAGE_FIELD_NUMBER: _ClassVar[int]
    mentor: str
    mentee: str
    reduced_stake_percentage: str
    def __init__(self, mentor: _Optional[str] = ..., mentee: _Optional[str] = ..., reduced_stake_percentage: _Optional[str] = ...) -> None: ...

class MsgRegisterMentorRelationshipResponse(_message.Message):
    __slots__ = ("registered",)
    REGISTERED_FIELD_NUMBER: _ClassVar[int]
    registered: bool
    def __init__(self, registered: _Optional[bool] = ...) -> None: ...

class MsgProposeExecutionEnvironment(_message.Message):
    __slots__ = ("proposer", "environment", "deposit")
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    proposer: str
    environment: _execution_environment_pb2.ExecutionEnvironment
    deposit: str
    def __init__(self, proposer: _Optional[str] = ..., environment: _Optional[_Union[_execution_environment_pb2.ExecutionEnvironment, _Mapping]] = ..., deposit: _Optional[str] = ...) -> None: ...

class MsgProposeExecutionEnvironmentResponse(_message.Message):
    __slots__ = ("proposal_id",)
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    proposal_id: int
    def __init__(self, proposal_id: _Optional[int] = ...) -> None: ...

class MsgVoteExecutionEnvironment(_message.Message):
    __slots__ = ("voter", "proposal_id", "vote_option")
    VOTER_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    VOTE_OPTION_FIELD_NUMBER: _ClassVar[int]
    voter: str
    proposal_id: int
    vote_option: str
    def __init__(self, voter: _Optional[str] = ..., proposal_id: _Optional[int] = ..., vote_option: _Optional[str] = ...) -> None: ...

class MsgVoteExecutionEnvironmentResponse(_message.Message):
    __slots__ = ("vote_id",)
    VOTE_ID_FIELD_NUMBER: _ClassVar[int]
    vote_id: int
    def __init__(self, vote_id: _Optional[int] = ...) -> None: ...

class MsgActivateExecutionEnvironment(_message.Message):
    __slots__ = ("authority", "environment_id")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_ID_FIELD_NUMBER: _ClassVar[int]
    authority: str
    environment_id: str
    def __init__(self, authority: _Optional[str] = ..., environment_id: _Optional[str] = ...) -> None: ...

class MsgActivateExecutionEnvironmentResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgProposeModelUpgrade(_message.Message):
    __slots__ = ("proposer", "new_model_version", "new_model_hash", "new_model_id", "ipfs_path", "architecture", "compatibility_info", "migration_window", "deposit")
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    NEW_MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    NEW_MODEL_HASH_FIELD_NUMBER: _ClassVar[int]
    NEW_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    IPFS_PATH_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    COMPATIBILITY_INFO_FIELD_NUMBER: _ClassVar[int]
    MIGRATION_WINDOW_FIELD_NUMBER: _ClassVar[int]
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    proposer: str
    new_model_version: int
    new_model_hash: str
    new_model_id: int
    ipfs_path: str
    architecture: str
    compatibility_info: str
    migration_window: int
    deposit: _containers.RepeatedCompositeFieldContainer[_coin_pb2.Coin]
    def __init__(self, proposer: _Optional[str] = ..., new_model_version: _Optional[int] = ..., new_model_hash: _Optional[str] = ..., new_model_id: _Optional[int] = ..., ipfs_path: _Optional[str] = ..., architecture: _Optional[str] = ..., compatibility_info: _Optional[str] = ..., migration_window: _Optional[int] = ..., deposit: _Optional[_Iterable[_Union[_coin_pb2.Coin, _Mapping]]] = ...) -> None: ...

class MsgProposeModelUpgradeResponse(_message.Message):
    __slots__ = ("proposal_id",)
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    proposal_id: int
    def __init__(self, proposal_id: _Optional[int] = ...) -> None: ...

class MsgVoteModelUpgrade(_message.Message):
    __slots__ = ("voter", "proposal_id", "vote")
    VOTER_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    VOTE_FIELD_NUMBER: _ClassVar[int]
    voter: str
    proposal_id: int
    vote: str
    def __init__(self, voter: _Optional[str] = ..., proposal_id: _Optional[int] = ..., vote: _Optional[str] = ...) -> None: ...

class MsgVoteModelUpgradeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgActivateModelUpgrade(_message.Message):
    __slots__ = ("authority", "proposal_id")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    authority: str
    proposal_id: int
    def __init__(self, authority: _Optional[str] = ..., proposal_id: _Optional[int] = ...) -> None: ...

class MsgActivateModelUpgradeResponse(_message.Message):
    __slots__ = ("version_number",)
    VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    version_number: int
    def __init__(self, version_number: _Optional[int] = ...) -> None: ...

class MsgRollbackModelUpgrade(_message.Message):
    __slots__ = ("authority", "version_number", "reason")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    authority: str
    version_number: int
    reason: str
    def __init__(self, authority: _Optional[str] = ..., version_number: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class MsgRollbackModelUpgradeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgCreateSubnet(_message.Message):
    __slots__ = ("authority", "subnet_id", "layer_range", "next_subnet_id", "window_id")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    LAYER_RANGE_FIELD_NUMBER: _ClassVar[int]
    NEXT_SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    authority: str
    subnet_id: int
    layer_range: _subnet_pb2.LayerRange
    next_subnet_id: int
    window_id: int
    def __init__(self, authority: _Optional[str] = ..., subnet_id: _Optional[int] = ..., layer_range: _Optional[_Union[_subnet_pb2.LayerRange, _Mapping]] = ..., next_subnet_id: _Optional[int] = ..., window_id: _Optional[int] = ...) -> None: ...

class MsgCreateSubnetResponse(_message.Message):
    __slots__ = ("subnet_id",)
    SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    subnet_id: int
    def __init__(self, subnet_id: _Optional[int] = ...) -> None: ...

class MsgSubmitSubnetActivation(_message.Message):
    __slots__ = ("proposer", "subnet_id", "activation_hash", "next_subnet_id", "signature")
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_HASH_FIELD_NUMBER: _ClassVar[int]
    NEXT_SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    proposer: str
    subnet_id: int
    activation_hash: str
    next_subnet_id: int
    signature: bytes
    def __init__(self, proposer: _Optional[str] = ..., subnet_id: _Optional[int] = ..., activation_hash: _Optional[str] = ..., next_subnet_id: _Optional[int] = ..., signature: _Optional[bytes] = ...) -> None: ...

class MsgSubmitSubnetActivationResponse(_message.Message):
    __slots__ = ("transmission_id",)
    TRANSMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    transmission_id: int
    def __init__(self, transmission_id: _Optional[int] = ...) -> None: ...

class MsgAssignMinerToSubnet(_message.Message):
    __slots__ = ("miner", "subnet_id", "window_id")
    MINER_FIELD_NUMBER: _ClassVar[int]
    SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    miner: str
    subnet_id: int
    window_id: int
    def __init__(self, miner: _Optional[str] = ..., subnet_id: _Optional[int] = ..., window_id: _Optional[int] = ...) -> None: ...

class MsgAssignMinerToSubnetResponse(_message.Message):
    __slots__ = ("subnet_id", "layer_range")
    SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    LAYER_RANGE_FIELD_NUMBER: _ClassVar[int]
    subnet_id: int
    layer_range: _subnet_pb2.LayerRange
    def __init__(self, subnet_id: _Optional[int] = ..., layer_range: _Optional[_Union[_subnet_pb2.LayerRange, _Mapping]] = ...) -> None: ...

class MsgCreateTrainingWindow(_message.Message):
    __slots__ = ("authority", "window_id", "start_height", "aggregator_node")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    START_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    AGGREGATOR_NODE_FIELD_NUMBER: _ClassVar[int]
    authority: str
    window_id: int
    start_height: int
    aggregator_node: str
    def __init__(self, authority: _Optional[str] = ..., window_id: _Optional[int] = ..., start_height: _Optional[int] = ..., aggregator_node: _Optional[str] = ...) -> None: ...

class MsgCreateTrainingWindowResponse(_message.Message):
    __slots__ = ("window_id",)
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    window_id: int
    def __init__(self, window_id: _Optional[int] = ...) -> None: ...

class MsgSubmitAsyncGradient(_message.Message):
    __slots__ = ("miner", "window_id", "gradient_hash", "subnet_id", "layer_range")
    MINER_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    LAYER_RANGE_FIELD_NUMBER: _ClassVar[int]
    miner: str
    window_id: int
    gradient_hash: str
    subnet_id: int
    layer_range: _subnet_pb2.LayerRange
    def __init__(self, miner: _Optional[str] = ..., window_id: _Optional[int] = ..., gradient_hash: _Optional[str] = ..., subnet_id: _Optional[int] = ..., layer_range: _Optional[_Union[_subnet_pb2.LayerRange, _Mapping]] = ...) -> None: ...

class MsgSubmitAsyncGradientResponse(_message.Message):
    __slots__ = ("submission_id",)
    SUBMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    submission_id: int
    def __init__(self, submission_id: _Optional[int] = ...) -> None: ...

class MsgSubmitLazyAggregation(_message.Message):
    __slots__ = ("aggregator", "window_id", "collected_gradients", "aggregation_method", "result_hash", "merkle_root")
    AGGREGATOR_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    COLLECTED_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_METHOD_FIELD_NUMBER: _ClassVar[int]
    RESULT_HASH_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    aggregator: str
    window_id: int
    collected_gradients: _containers.RepeatedScalarFieldContainer[str]
    aggregation_method: str
    result_hash: str
    merkle_root: bytes
    def __init__(self, aggregator: _Optional[str] = ..., window_id: _Optional[int] = ..., collected_gradients: _Optional[_Iterable[str]] = ..., aggregation_method: _Optional[str] = ..., result_hash: _Optional[str] = ..., merkle_root: _Optional[bytes] = ...) -> None: ...

class MsgSubmitLazyAggregationResponse(_message.Message):
    __slots__ = ("aggregation_id",)
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    aggregation_id: int
    def __init__(self, aggregation_id: _Optional[int] = ...) -> None: ...

class MsgClaimTask(_message.Message):
    __slots__ = ("miner", "pool_id", "chunk_id")
    MINER_FIELD_NUMBER: _ClassVar[int]
    POOL_ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_ID_FIELD_NUMBER: _ClassVar[int]
    miner: str
    pool_id: int
    chunk_id: int
    def __init__(self, miner: _Optional[str] = ..., pool_id: _Optional[int] = ..., chunk_id: _Optional[int] = ...) -> None: ...

class MsgClaimTaskResponse(_message.Message):
    __slots__ = ("success", "tx_hash")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    TX_HASH_FIELD_NUMBER: _ClassVar[int]
    success: bool
    tx_hash: str
    def __init__(self, success: _Optional[bool] = ..., tx_hash: _Optional[str] = ...) -> None: ...

class MsgCompleteTask(_message.Message):
    __slots__ = ("miner", "pool_id", "chunk_id", "gradient_hash", "gradient_ipfs_hash", "miner_gpu")
    MINER_FIELD_NUMBER: _ClassVar[int]
    POOL_ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_ID_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    MINER_GPU_FIELD_NUMBER: _ClassVar[int]
    miner: str
    pool_id: int
    chunk_id: int
    gradient_hash: str
    gradient_ipfs_hash: str
    miner_gpu: str
    def __init__(self, miner: _Optional[str] = ..., pool_id: _Optional[int] = ..., chunk_id: _Optional[int] = ..., gradient_hash: _Optional[str] = ..., gradient_ipfs_hash: _Optional[str] = ..., miner_gpu: _Optional[str] = ...) -> None: ...

class MsgCompleteTaskResponse(_message.Message):
    __slots__ = ("success", "tx_hash")
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    TX_HASH_FIELD_NUMBER: _ClassVar[int]
    success: bool
    tx_hash: str
    def __init__(self, success: _Optional[bool] = ..., tx_hash: _Optional[str] = ...) -> None: ...
