from r3mes_ray.wire.cosmos.base.query.v1beta1 import pagination_pb2 as _pagination_pb2
from google.api import annotations_pb2 as _annotations_pb2
from r3mes_ray.wire.remes.remes.v1 import dataset_pb2 as _dataset_pb2
from r3mes_ray.wire.remes.remes.v1 import node_pb2 as _node_pb2
from r3mes_ray.wire.remes.remes.v1 import params_pb2 as _params_pb2
from r3mes_ray.wire.remes.remes.v1 import serving_pb2 as _serving_pb2
from r3mes_ray.wire.remes.remes.v1 import state_pb2 as _state_pb2
from r3mes_ray.wire.remes.remes.v1 import stored_gradient_pb2 as _stored_gradient_pb2
from r3mes_ray.wire.remes.remes.v1 import task_pool_pb2 as _task_pool_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QueryParamsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class QueryParamsResponse(_message.Message):
    __slots__ = ("params",)
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    params: _params_pb2.Params
    def __init__(self, params: _Optional[_Union[_params_pb2.Params, _Mapping]] = ...) -> None: ...

class QueryGetGradientRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class QueryGetGradientResponse(_message.Message):
    __slots__ = ("gradient",)
    GRADIENT_FIELD_NUMBER: _ClassVar[int]
    gradient: _stored_gradient_pb2.StoredGradient
    def __init__(self, gradient: _Optional[_Union[_stored_gradient_pb2.StoredGradient, _Mapping]] = ...) -> None: ...

class QueryGetModelParamsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class QueryGetModelParamsResponse(_message.Message):
    __slots__ = ("model_ipfs_hash", "model_version", "last_updated_height")
    MODEL_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    model_ipfs_hash: str
    model_version: str
    last_updated_height: int
    def __init__(self, model_ipfs_hash: _Optional[str] = ..., model_version: _Optional[str] = ..., last_updated_height: _Optional[int] = ...) -> None: ...

class QueryGetAggregationRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class QueryGetAggregationResponse(_message.Message):
    __slots__ = ("aggregation_id", "proposer", "aggregated_gradient_ipfs_hash", "merkle_root", "participant_count", "training_round_id")
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    AGGREGATED_GRADIENT_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    aggregation_id: int
    proposer: str
    aggregated_gradient_ipfs_hash: str
    merkle_root: str
    participant_count: int
    training_round_id: int
    def __init__(self, aggregation_id: _Optional[int] = ..., proposer: _Optional[str] = ..., aggregated_gradient_ipfs_hash: _Optional[str] = ..., merkle_root: _Optional[str] = ..., participant_count: _Optional[int] = ..., training_round_id: _Optional[int] = ...) -> None: ...

class QueryGetMinerScoreRequest(_message.Message):
    __slots__ = ("miner",)
    MINER_FIELD_NUMBER: _ClassVar[int]
    miner: str
    def __init__(self, miner: _Optional[str] = ...) -> None: ...

class QueryGetMinerScoreResponse(_message.Message):
    __slots__ = ("miner", "trust_score", "reputation_tier", "total_submissions", "successful_submissions", "slashing_events")
    MINER_FIELD_NUMBER: _ClassVar[int]
    TRUST_SCORE_FIELD_NUMBER: _ClassVar[int]
    REPUTATION_TIER_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SUBMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SUCCESSFUL_SUBMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SLASHING_EVENTS_FIELD_NUMBER: _ClassVar[int]
    miner: str
    trust_score: str
    reputation_tier: str
    total_submissions: int
    successful_submissions: int
    slashing_events: int
    def __init__(self, miner: _Optional[str] = ..., trust_score: _Optional[str] = ..., reputation_tier: _Optional[str] = ..., total_submissions: _Optional[int] = ..., successful_submissions: _Optional[int] = ..., slashing_events: _Optional[int] = ...) -> None: ...

class QueryListStoredGradientRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryListStoredGradientResponse(_message.Message):
    __slots__ = ("stored_gradients", "pagination")
    STORED_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    stored_gradients: _containers.RepeatedCompositeFieldContainer[_stored_gradient_pb2.StoredGradient]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, stored_gradients: _Optional[_Iterable[_Union[_stored_gradient_pb2.StoredGradient, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryGetStoredGradientRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class QueryGetStoredGradientResponse(_message.Message):
    __slots__ = ("stored_gradient",)
    STORED_GRADIENT_FIELD_NUMBER: _ClassVar[int]
    stored_gradient: _stored_gradient_pb2.StoredGradient
    def __init__(self, stored_gradient: _Optional[_Union[_stored_gradient_pb2.StoredGradient, _Mapping]] = ...) -> None: ...

class QueryGetDatasetProposalRequest(_message.Message):
    __slots__ = ("proposal_id",)
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    proposal_id: int
    def __init__(self, proposal_id: _Optional[int] = ...) -> None: ...

class QueryGetDatasetProposalResponse(_message.Message):
    __slots__ = ("proposal",)
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    proposal: _dataset_pb2.DatasetProposal
    def __init__(self, proposal: _Optional[_Union[_dataset_pb2.DatasetProposal, _Mapping]] = ...) -> None: ...

class QueryListDatasetProposalsRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryListDatasetProposalsResponse(_message.Message):
    __slots__ = ("proposals", "pagination")
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    proposals: _containers.RepeatedCompositeFieldContainer[_dataset_pb2.DatasetProposal]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, proposals: _Optional[_Iterable[_Union[_dataset_pb2.DatasetProposal, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryGetApprovedDatasetRequest(_message.Message):
    __slots__ = ("dataset_id",)
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    dataset_id: int
    def __init__(self, dataset_id: _Optional[int] = ...) -> None: ...

class QueryGetApprovedDatasetResponse(_message.Message):
    __slots__ = ("dataset",)
    DATASET_FIELD_NUMBER: _ClassVar[int]
    dataset: _dataset_pb2.ApprovedDataset
    def __init__(self, dataset: _Optional[_Union[_dataset_pb2.ApprovedDataset, _Mapping]] = ...) -> None: ...

class QueryListApprovedDatasetsRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryListApprovedDatasetsResponse(_message.Message):
    __slots__ = ("datasets", "pagination")
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    datasets: _containers.RepeatedCompositeFieldContainer[_dataset_pb2.ApprovedDataset]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, datasets: _Optional[_Iterable[_Union[_dataset_pb2.ApprovedDataset, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryGetNodeRegistrationRequest(_message.Message):
    __slots__ = ("node_address",)
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    def __init__(self, node_address: _Optional[str] = ...) -> None: ...

class QueryGetNodeRegistrationResponse(_message.Message):
    __slots__ = ("registration",)
    REGISTRATION_FIELD_NUMBER: _ClassVar[int]
    registration: _node_pb2.NodeRegistration
    def __init__(self, registration: _Optional[_Union[_node_pb2.NodeRegistration, _Mapping]] = ...) -> None: ...

class QueryListNodeRegistrationsRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryListNodeRegistrationsResponse(_message.Message):
    __slots__ = ("registrations", "pagination")
    REGISTRATIONS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    registrations: _containers.RepeatedCompositeFieldContainer[_node_pb2.NodeRegistration]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, registrations: _Optional[_Iterable[_Union[_node_pb2.NodeRegistration, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryGetInferenceRequestRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class QueryGetInferenceRequestResponse(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: _serving_pb2.InferenceRequest
    def __init__(self, request: _Optional[_Union[_serving_pb2.InferenceRequest, _Mapping]] = ...) -> None: ...

class QueryGetServingNodeStatusRequest(_message.Message):
    __slots__ = ("node_address",)
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    def __init__(self, node_address: _Optional[str] = ...) -> None: ...

class QueryGetServingNodeStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _serving_pb2.ServingNodeStatus
    def __init__(self, status: _Optional[_Union[_serving_pb2.ServingNodeStatus, _Mapping]] = ...) -> None: ...

class QueryListServingNodesRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryListServingNodesResponse(_message.Message):
    __slots__ = ("serving_nodes", "pagination")
    SERVING_NODES_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    serving_nodes: _containers.RepeatedCompositeFieldContainer[_serving_pb2.ServingNodeStatus]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, serving_nodes: _Optional[_Iterable[_Union[_serving_pb2.ServingNodeStatus, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryGetRewardFormulaRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class QueryGetRewardFormulaResponse(_message.Message):
    __slots__ = ("formulas",)
    FORMULAS_FIELD_NUMBER: _ClassVar[int]
    formulas: str
    def __init__(self, formulas: _Optional[str] = ...) -> None: ...

class QueryGetParticipantSyncStateRequest(_message.Message):
    __slots__ = ("participant_address",)
    PARTICIPANT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    participant_address: str
    def __init__(self, participant_address: _Optional[str] = ...) -> None: ...

class QueryGetParticipantSyncStateResponse(_message.Message):
    __slots__ = ("sync_state",)
    SYNC_STATE_FIELD_NUMBER: _ClassVar[int]
    sync_state: _state_pb2.ParticipantSyncState
    def __init__(self, sync_state: _Optional[_Union[_state_pb2.ParticipantSyncState, _Mapping]] = ...) -> None: ...

class QueryListParticipantSyncStatesRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryListParticipantSyncStatesResponse(_message.Message):
    __slots__ = ("sync_states", "pagination")
    SYNC_STATES_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    sync_states: _containers.RepeatedCompositeFieldContainer[_state_pb2.ParticipantSyncState]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, sync_states: _Optional[_Iterable[_Union[_state_pb2.ParticipantSyncState, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryGetGlobalModelStateRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class QueryGetGlobalModelStateResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: _state_pb2.GlobalModelState
    def __init__(self, state: _Optional[_Union[_state_pb2.GlobalModelState, _Mapping]] = ...) -> None: ...

class QueryGetCatchUpInfoRequest(_message.Message):
    __slots__ = ("participant_address",)
    PARTICIPANT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    participant_address: str
    def __init__(self, participant_address: _Optional[str] = ...) -> None: ...

class QueryGetCatchUpInfoResponse(_message.Message):
    __slots__ = ("global_state", "catch_up_gradients", "sync_state")
    GLOBAL_STATE_FIELD_NUMBER: _ClassVar[int]
    CATCH_UP_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    SYNC_STATE_FIELD_NUMBER: _ClassVar[int]
    global_state: _state_pb2.GlobalModelState
    catch_up_gradients: _containers.RepeatedCompositeFieldContainer[_stored_gradient_pb2.StoredGradient]
    sync_state: _state_pb2.ParticipantSyncState
    def __init__(self, global_state: _Optional[_Union[_state_pb2.GlobalModelState, _Mapping]] = ..., catch_up_gradients: _Optional[_Iterable[_Union[_stored_gradient_pb2.StoredGradient, _Mapping]]] = ..., sync_state: _Optional[_Union[_state_pb2.ParticipantSyncState, _Mapping]] = ...) -> None: ...

class QueryGetGlobalSeedRequest(_message.Message):
    __slots__ = ("training_round_id",)
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    training_round_id: int
    def __init__(self, training_round_id: _Optional[int] = ...) -> None: ...

class QueryGetGlobalSeedResponse(_message.Message):
    __slots__ = ("global_seed", "block_hash", "training_round_id")
    GLOBAL_SEED_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    global_seed: int
    block_hash: str
    training_round_id: int
    def __init__(self, global_seed: _Optional[int] = ..., block_hash: _Optional[str] = ..., training_round_id: _Optional[int] = ...) -> None: ...

class QueryMinersRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryMinersResponse(_message.Message):
    __slots__ = ("miners", "total", "pagination")
    MINERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    miners: _containers.RepeatedCompositeFieldContainer[MinerInfo]
    total: int
    pagination: _pagination_pb2.PageResponse
    def __init__(self, miners: _Optional[_Iterable[_Union[MinerInfo, _Mapping]]] = ..., total: _Optional[int] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class MinerInfo(_message.Message):
    __slots__ = ("address", "status", "total_submissions", "successful_submissions", "trust_score", "reputation_tier", "slashing_events", "last_submission_height", "total_gradients")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SUBMISSIONS_FIELD_NUMBER: _ClassVar[int]
    SUCCESSFUL_SUBMISSIONS_FIELD_NUMBER: _ClassVar[int]
    TRUST_SCORE_FIELD_NUMBER: _ClassVar[int]
    REPUTATION_TIER_FIELD_NUMBER: _ClassVar[int]
    SLASHING_EVENTS_FIELD_NUMBER: _ClassVar[int]
    LAST_SUBMISSION_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    address: str
    status: str
    total_submissions: int
    successful_submissions: int
    trust_score: str
    reputation_tier: str
    slashing_events: int
    last_submission_height: int
    total_gradients: int
    def __init__(self, address: _Optional[str] = ..., status: _Optional[str] = ..., total_submissions: _Optional[int] = ..., successful_submissions: _Optional[int] = ..., trust_score: _Optional[str] = ..., reputation_tier: _Optional[str] = ..., slashing_events: _Optional[int] = ..., last_submission_height: _Optional[int] = ..., total_gradients: _Optional[int] = ...) -> None: ...

class QueryStatisticsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class QueryStatisticsResponse(_message.Message):
    __slots__ = ("total_miners", "active_miners", "total_gradients", "total_aggregations", "pending_gradients", "pending_aggregations", "average_gradient_size", "last_updated")
    TOTAL_MINERS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_MINERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_AGGREGATIONS_FIELD_NUMBER: _ClassVar[int]
    PENDING_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    PENDING_AGGREGATIONS_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_GRADIENT_SIZE_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_FIELD_NUMBER: _ClassVar[int]
    total_miners: int
    active_miners: int
    total_gradients: int
    total_aggregations: int
    pending_gradients: int
    pending_aggregations: int
    average_gradient_size: int
    last_updated: int
    def __init__(self, total_miners: _Optional[int] = ..., active_miners: _Optional[int] = ..., total_gradients: _Optional[int] = ..., total_aggregations: _Optional[int] = ..., pending_gradients: _Optional[int] = ..., pending_aggregations: _Optional[int] = ..., average_gradient_size: _Optional[int] = ..., last_updated: _Optional[int] = ...) -> None: ...

class QueryBlocksRequest(_message.Message):
    __slots__ = ("limit", "offset")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    limit: int
    offset: int
    def __init__(self, limit: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class QueryBlocksResponse(_message.Message):
    __slots__ = ("blocks", "total")
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    blocks: _containers.RepeatedCompositeFieldContainer[BlockInfo]
    total: int
    def __init__(self, blocks: _Optional[_Iterable[_Union[BlockInfo, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...

class BlockInfo(_message.Message):
    __slots__ = ("height", "hash", "timestamp", "tx_count")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    TX_COUNT_FIELD_NUMBER: _ClassVar[int]
    height: int
    hash: str
    timestamp: int
    tx_count: int
    def __init__(self, height: _Optional[int] = ..., hash: _Optional[str] = ..., timestamp: _Optional[int] = ..., tx_count: _Optional[int] = ...) -> None: ...

class QueryBlockRequest(_message.Message):
    __slots__ = ("height",)
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    height: int
    def __init__(self, height: _Optional[int] = ...) -> None: ...

class QueryBlockResponse(_message.Message):
    __slots__ = ("block",)
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    block: BlockInfo
    def __init__(self, block: _Optional[_Union[BlockInfo, _Mapping]] = ...) -> None: ...

class QueryVaultStatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class QueryVaultStatsResponse(_message.Message):
    __slots__ = ("total_entries", "total_usage_count", "average_usage_per_entry", "oldest_entry_height", "newest_entry_height")
    TOTAL_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_USAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_USAGE_PER_ENTRY_FIELD_NUMBER: _ClassVar[int]
    OLDEST_ENTRY_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    NEWEST_ENTRY_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    total_entries: int
    total_usage_count: int
    average_usage_per_entry: int
    oldest_entry_height: int
    newest_entry_height: int
    def __init__(self, total_entries: _Optional[int] = ..., total_usage_count: _Optional[int] = ..., average_usage_per_entry: _Optional[int] = ..., oldest_entry_height: _Optional[int] = ..., newest_entry_height: _Optional[int] = ...) -> None: ...

class QueryMinerFraudScoreRequest(_message.Message):
    __slots__ = ("miner",)
    MINER_FIELD_NUMBER: _ClassVar[int]
    miner: str
    def __init__(self, miner: _Optional[str] = ...) -> None: ...

class QueryMinerFraudScoreResponse(_message.Message):
    __slots__ = ("miner", "traps_caught", "traps_failed", "fraud_score")
    MINER_FIELD_NUMBER: _ClassVar[int]
    TRAPS_CAUGHT_FIELD_NUMBER: _ClassVar[int]
    TRAPS_FAILED_FIELD_NUMBER: _ClassVar[int]
    FRAUD_SCORE_FIELD_NUMBER: _ClassVar[int]
    miner: str
    traps_caught: int
    traps_failed: int
    fraud_score: str
    def __init__(self, miner: _Optional[str] = ..., traps_caught: _Optional[int] = ..., traps_failed: _Optional[int] = ..., fraud_score: _Optional[str] = ...) -> None: ...

class QueryActivePoolRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class QueryActivePoolResponse(_message.Message):
    __slots__ = ("pool_id", "has_active_pool")
    POOL_ID_FIELD_NUMBER: _ClassVar[int]
    HAS_ACTIVE_POOL_FIELD_NUMBER: _ClassVar[int]
    pool_id: int
    has_active_pool: bool
    def __init__(self, pool_id: _Optional[int] = ..., has_active_pool: _Optional[bool] = ...) -> None: ...

class QueryAvailableChunksRequest(_message.Message):
    __slots__ = ("pool_id", "limit")
    POOL_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    pool_id: int
    limit: int
    def __init__(self, pool_id: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class QueryAvailableChunksResponse(_message.Message):
    __slots__ = ("chunks", "total_available")
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    chunks: _containers.RepeatedCompositeFieldContainer[_task_pool_pb2.TaskChunkResponse]
    total_available: int
    def __init__(self, chunks: _Optional[_Iterable[_Union[_task_pool_pb2.TaskChunkResponse, _Mapping]]] = ..., total_available: _Optional[int] = ...) -> None: ...
