import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExecutionEnvironment(_message.Message):
    __slots__ = ("environment_id", "platform", "cuda_version", "pytorch_version", "python_version", "rocm_version", "intel_xpu_version", "cudnn_version", "deterministic_algorithms_enabled", "cublas_workspace_config", "floating_point_mode", "approved_at_height", "approved_by", "is_active", "approved_at", "container_hash", "container_signature", "container_registry")
    ENVIRONMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    CUDA_VERSION_FIELD_NUMBER: _ClassVar[int]
    PYTORCH_VERSION_FIELD_NUMBER: _ClassVar[int]
    PYTHON_VERSION_FIELD_NUMBER: _ClassVar[int]
    ROCM_VERSION_FIELD_NUMBER: _ClassVar[int]
    INTEL_XPU_VERSION_FIELD_NUMBER: _ClassVar[int]
    CUDNN_VERSION_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_ALGORITHMS_ENABLED_FIELD_NUMBER: _ClassVar[int]
    CUBLAS_WORKSPACE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    FLOATING_POINT_MODE_FIELD_NUMBER: _ClassVar[int]
    APPROVED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    APPROVED_AT_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_HASH_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_REGISTRY_FIELD_NUMBER: _ClassVar[int]
    environment_id: str
    platform: str
    cuda_version: str
    pytorch_version: str
    python_version: str
    rocm_version: str
    intel_xpu_version: str
    cudnn_version: str
    deterministic_algorithms_enabled: bool
    cublas_workspace_config: str
    floating_point_mode: str
    approved_at_height: int
    approved_by: str
    is_active: bool
    approved_at: _timestamp_pb2.Timestamp
    container_hash: str
    container_signature: bytes
    container_registry: str
    def __init__(self, environment_id: _Optional[str] = ..., platform: _Optional[str] = ..., cuda_version: _Optional[str] = ..., pytorch_version: _Optional[str] = ..., python_version: _Optional[str] = ..., rocm_version: _Optional[str] = ..., intel_xpu_version: _Optional[str] = ..., cudnn_version: _Optional[str] = ..., deterministic_algorithms_enabled: _Optional[bool] = ..., cublas_workspace_config: _Optional[str] = ..., floating_point_mode: _Optional[str] = ..., approved_at_height: _Optional[int] = ..., approved_by: _Optional[str] = ..., is_active: _Optional[bool] = ..., approved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., container_hash: _Optional[str] = ..., container_signature: _Optional[bytes] = ..., container_registry: _Optional[str] = ...) -> None: ...

class ExecutionEnvironmentProposal(_message.Message):
    __slots__ = ("proposal_id", "proposer", "environment", "deposit", "voting_period_end", "status", "submit_time", "total_votes", "yes_votes", "no_votes", "abstain_votes")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    VOTING_PERIOD_END_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_TIME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_VOTES_FIELD_NUMBER: _ClassVar[int]
    YES_VOTES_FIELD_NUMBER: _ClassVar[int]
    NO_VOTES_FIELD_NUMBER: _ClassVar[int]
    ABSTAIN_VOTES_FIELD_NUMBER: _ClassVar[int]
    proposal_id: int
    proposer: str
    environment: ExecutionEnvironment
    deposit: str
    voting_period_end: _timestamp_pb2.Timestamp
    status: str
    submit_time: _timestamp_pb2.Timestamp
    total_votes: str
    yes_votes: str
    no_votes: str
    abstain_votes: str
    def __init__(self, proposal_id: _Optional[int] = ..., proposer: _Optional[str] = ..., environment: _Optional[_Union[ExecutionEnvironment, _Mapping]] = ..., deposit: _Optional[str] = ..., voting_period_end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[str] = ..., submit_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_votes: _Optional[str] = ..., yes_votes: _Optional[str] = ..., no_votes: _Optional[str] = ..., abstain_votes: _Optional[str] = ...) -> None: ...
