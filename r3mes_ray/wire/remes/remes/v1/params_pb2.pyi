from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Params(_message.Message):
    __slots__ = ("nonce_window_size", "min_stake", "stake_denom", "mining_difficulty", "reward_per_gradient", "max_validators", "slashing_penalty", "challenge_period_blocks", "scalability_params")
    NONCE_WINDOW_SIZE_FIELD_NUMBER: _ClassVar[int]
    MIN_STAKE_FIELD_NUMBER: _ClassVar[int]
    STAKE_DENOM_FIELD_NUMBER: _ClassVar[int]
    MINING_DIFFICULTY_FIELD_NUMBER: _ClassVar[int]
    REWARD_PER_GRADIENT_FIELD_NUMBER: _ClassVar[int]
    MAX_VALIDATORS_FIELD_NUMBER: _ClassVar[int]
    SLASHING_PENALTY_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_PERIOD_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    SCALABILITY_PARAMS_FIELD_NUMBER: _ClassVar[int]
    nonce_window_size: int
    min_stake: str
    stake_denom: str
    mining_difficulty: str
    reward_per_gradient: str
    max_validators: int
    slashing_penalty: str
    challenge_period_blocks: int
    scalability_params: ScalabilityParams
    def __init__(self, nonce_window_size: _Optional[int] = ..., min_stake: _Optional[str] = ..., stake_denom: _Optional[str] = ..., mining_difficulty: _Optional[str] = ..., reward_per_gradient: _Optional[str] = ..., max_validators: _Optional[int] = ..., slashing_penalty: _Optional[str] = ..., challenge_period_blocks: _Optional[int] = ..., scalability_params: _Optional[_Union[ScalabilityParams, _Mapping]] = ...) -> None: ...

class ScalabilityParams(_message.Message):
    __slots__ = ("max_participants_per_shard", "max_gradients_per_block", "max_aggregations_per_block", "max_pending_gradients", "max_pending_aggregations", "compression_ratio_threshold", "network_load_threshold", "resource_utilization_threshold", "enable_load_balancing", "load_balancing_strategy", "shard_reassignment_interval", "enable_adaptive_compression", "enable_adaptive_sharding", "enable_resource_optimization")
    MAX_PARTICIPANTS_PER_SHARD_FIELD_NUMBER: _ClassVar[int]
    MAX_GRADIENTS_PER_BLOCK_FIELD_NUMBER: _ClassVar[int]
    MAX_AGGREGATIONS_PER_BLOCK_FIELD_NUMBER: _ClassVar[int]
    MAX_PENDING_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_PENDING_AGGREGATIONS_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_RATIO_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    NETWORK_LOAD_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_UTILIZATION_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    ENABLE_LOAD_BALANCING_FIELD_NUMBER: _ClassVar[int]
    LOAD_BALANCING_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    SHARD_REASSIGNMENT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    ENABLE_ADAPTIVE_COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    ENABLE_ADAPTIVE_SHARDING_FIELD_NUMBER: _ClassVar[int]
    ENABLE_RESOURCE_OPTIMIZATION_FIELD_NUMBER: _ClassVar[int]
    max_participants_per_shard: int
    max_gradients_per_block: int
    max_aggregations_per_block: int
    max_pending_gradients: int
    max_pending_aggregations: int
    compression_ratio_threshold: str
    network_load_threshold: str
    resource_utilization_threshold: str
    enable_load_balancing: bool
    load_balancing_strategy: str
    shard_reassignment_interval: int
    enable_adaptive_compression: bool
    enable_adaptive_sharding: bool
    enable_resource_optimization: bool
    def __init__(self, max_participants_per_shard: _Optional[int] = ..., max_gradients_per_block: _Optional[int] = ..., max_aggregations_per_block: _Optional[int] = ..., max_pending_gradients: _Optional[int] = ..., max_pending_aggregations: _Optional[int] = ..., compression_ratio_threshold: _Optional[str] = ..., network_load_threshold: _Optional[str] = ..., resource_utilization_threshold: _Optional[str] = ..., enable_load_balancing: _Optional[bool] = ..., load_balancing_strategy: _Optional[str] = ..., shard_reassignment_interval: _Optional[int] = ..., enable_adaptive_compression: _Optional[bool] = ..., enable_adaptive_sharding: _Optional[bool] = ..., enable_resource_optimization: _Optional[bool] = ...) -> None: ...
