import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelVersion(_message.Message):
    __slots__ = ("version_number", "model_id", "model_hash", "ipfs_path", "architecture", "compatibility_info", "status", "activation_height", "migration_window_start", "migration_window_end", "governance_proposal_id", "created_at")
    VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_HASH_FIELD_NUMBER: _ClassVar[int]
    IPFS_PATH_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    COMPATIBILITY_INFO_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MIGRATION_WINDOW_START_FIELD_NUMBER: _ClassVar[int]
    MIGRATION_WINDOW_END_FIELD_NUMBER: _ClassVar[int]
    GOVERNANCE_PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    version_number: int
    model_id: int
    model_hash: str
    ipfs_path: str
    architecture: str
    compatibility_info: str
    status: str
    activation_height: int
    migration_window_start: int
    migration_window_end: int
    governance_proposal_id: int
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, version_number: _Optional[int] = ..., model_id: _Optional[int] = ..., model_hash: _Optional[str] = ..., ipfs_path: _Optional[str] = ..., architecture: _Optional[str] = ..., compatibility_info: _Optional[str] = ..., status: _Optional[str] = ..., activation_height: _Optional[int] = ..., migration_window_start: _Optional[int] = ..., migration_window_end: _Optional[int] = ..., governance_proposal_id: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ModelUpgradeProposal(_message.Message):
    __slots__ = ("proposal_id", "proposer", "new_model_version", "new_model_hash", "new_model_id", "ipfs_path", "architecture", "compatibility_info", "migration_window", "status", "voting_period", "deposit", "created_at")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    NEW_MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    NEW_MODEL_HASH_FIELD_NUMBER: _ClassVar[int]
    NEW_MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    IPFS_PATH_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    COMPATIBILITY_INFO_FIELD_NUMBER: _ClassVar[int]
    MIGRATION_WINDOW_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VOTING_PERIOD_FIELD_NUMBER: _ClassVar[int]
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    proposal_id: int
    proposer: str
    new_model_version: int
    new_model_hash: str
    new_model_id: int
    ipfs_path: str
    architecture: str
    compatibility_info: str
    migration_window: int
    status: str
    voting_period: VotingPeriod
    deposit: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, proposal_id: _Optional[int] = ..., proposer: _Optional[str] = ..., new_model_version: _Optional[int] = ..., new_model_hash: _Optional[str] = ..., new_model_id: _Optional[int] = ..., ipfs_path: _Optional[str] = ..., architecture: _Optional[str] = ..., compatibility_info: _Optional[str] = ..., migration_window: _Optional[int] = ..., status: _Optional[str] = ..., voting_period: _Optional[_Union[VotingPeriod, _Mapping]] = ..., deposit: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ModelUpgradeVote(_message.Message):
    __slots__ = ("vote_id", "proposal_id", "voter", "vote", "voting_power", "voted_at_height", "voted_at_time")
    VOTE_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    VOTER_FIELD_NUMBER: _ClassVar[int]
    VOTE_FIELD_NUMBER: _ClassVar[int]
    VOTING_POWER_FIELD_NUMBER: _ClassVar[int]
    VOTED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    VOTED_AT_TIME_FIELD_NUMBER: _ClassVar[int]
    vote_id: int
    proposal_id: int
    voter: str
    vote: str
    voting_power: str
    voted_at_height: int
    voted_at_time: _timestamp_pb2.Timestamp
    def __init__(self, vote_id: _Optional[int] = ..., proposal_id: _Optional[int] = ..., voter: _Optional[str] = ..., vote: _Optional[str] = ..., voting_power: _Optional[str] = ..., voted_at_height: _Optional[int] = ..., voted_at_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class VotingPeriod(_message.Message):
    __slots__ = ("start_height", "end_height")
    START_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    END_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    start_height: int
    end_height: int
    def __init__(self, start_height: _Optional[int] = ..., end_height: _Optional[int] = ...) -> None: ...

class ActiveModelVersions(_message.Message):
    __slots__ = ("version_numbers", "migration_window_active", "primary_version")
    VERSION_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    MIGRATION_WINDOW_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_VERSION_FIELD_NUMBER: _ClassVar[int]
    version_numbers: _containers.RepeatedScalarFieldContainer[int]
    migration_window_active: bool
    primary_version: int
    def __init__(self, version_numbers: _Optional[_Iterable[int]] = ..., migration_window_active: _Optional[bool] = ..., primary_version: _Optional[int] = ...) -> None: ...
