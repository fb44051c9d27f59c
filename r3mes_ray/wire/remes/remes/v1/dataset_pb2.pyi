import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DatasetProposal(_message.Message):
    __slots__ = ("proposal_id", "proposer", "dataset_ipfs_hash", "metadata", "deposit", "voting_period_end", "status", "submit_time", "total_votes", "yes_votes", "no_votes", "abstain_votes")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    DATASET_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
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
    dataset_ipfs_hash: str
    metadata: DatasetMetadata
    deposit: str
    voting_period_end: _timestamp_pb2.Timestamp
    status: str
    submit_time: _timestamp_pb2.Timestamp
    total_votes: str
    yes_votes: str
    no_votes: str
    abstain_votes: str
    def __init__(self, proposal_id: _Optional[int] = ..., proposer: _Optional[str] = ..., dataset_ipfs_hash: _Optional[str] = ..., metadata: _Optional[_Union[DatasetMetadata, _Mapping]] = ..., deposit: _Optional[str] = ..., voting_period_end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[str] = ..., submit_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., total_votes: _Optional[str] = ..., yes_votes: _Optional[str] = ..., no_votes: _Optional[str] = ..., abstain_votes: _Optional[str] = ...) -> None: ...

class DatasetVote(_message.Message):
    __slots__ = ("vote_id", "proposal_id", "voter", "option", "voting_power", "quality_score", "relevance_score", "voted_at_height", "voted_at_time")
    VOTE_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    VOTER_FIELD_NUMBER: _ClassVar[int]
    OPTION_FIELD_NUMBER: _ClassVar[int]
    VOTING_POWER_FIELD_NUMBER: _ClassVar[int]
    QUALITY_SCORE_FIELD_NUMBER: _ClassVar[int]
    RELEVANCE_SCORE_FIELD_NUMBER: _ClassVar[int]
    VOTED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    VOTED_AT_TIME_FIELD_NUMBER: _ClassVar[int]
    vote_id: int
    proposal_id: int
    voter: str
    option: str
    voting_power: str
    quality_score: int
    relevance_score: int
    voted_at_height: int
    voted_at_time: _timestamp_pb2.Timestamp
    def __init__(self, vote_id: _Optional[int] = ..., proposal_id: _Optional[int] = ..., voter: _Optional[str] = ..., option: _Optional[str] = ..., voting_power: _Optional[str] = ..., quality_score: _Optional[int] = ..., relevance_score: _Optional[int] = ..., voted_at_height: _Optional[int] = ..., voted_at_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DatasetMetadata(_message.Message):
    __slots__ = ("name", "description", "data_schema", "size_bytes", "num_samples", "license", "source", "checksum", "signature")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DATA_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    NUM_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    data_schema: str
    size_bytes: int
    num_samples: int
    license: str
    source: str
    checksum: str
    signature: bytes
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., data_schema: _Optional[str] = ..., size_bytes: _Optional[int] = ..., num_samples: _Optional[int] = ..., license: _Optional[str] = ..., source: _Optional[str] = ..., checksum: _Optional[str] = ..., signature: _Optional[bytes] = ...) -> None: ...

class ApprovedDataset(_message.Message):
    __slots__ = ("dataset_id", "dataset_ipfs_hash", "metadata", "approval_height", "approval_tx_hash", "proposer", "status", "is_official_training_data", "removal_height", "removal_tx_hash", "audit_trail")
    DATASET_ID_FIELD_NUMBER: _ClassVar[int]
    DATASET_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_TX_HASH_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    IS_OFFICIAL_TRAINING_DATA_FIELD_NUMBER: _ClassVar[int]
    REMOVAL_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    REMOVAL_TX_HASH_FIELD_NUMBER: _ClassVar[int]
    AUDIT_TRAIL_FIELD_NUMBER: _ClassVar[int]
    dataset_id: int
    dataset_ipfs_hash: str
    metadata: DatasetMetadata
    approval_height: int
    approval_tx_hash: str
    proposer: str
    status: str
    is_official_training_data: bool
    removal_height: int
    removal_tx_hash: str
    audit_trail: _containers.RepeatedCompositeFieldContainer[AuditTrailEntry]
    def __init__(self, dataset_id: _Optional[int] = ..., dataset_ipfs_hash: _Optional[str] = ..., metadata: _Optional[_Union[DatasetMetadata, _Mapping]] = ..., approval_height: _Optional[int] = ..., approval_tx_hash: _Optional[str] = ..., proposer: _Optional[str] = ..., status: _Optional[str] = ..., is_official_training_data: _Optional[bool] = ..., removal_height: _Optional[int] = ..., removal_tx_hash: _Optional[str] = ..., audit_trail: _Optional[_Iterable[_Union[AuditTrailEntry, _Mapping]]] = ...) -> None: ...

class AuditTrailEntry(_message.Message):
    __slots__ = ("entry_type", "block_height", "tx_hash", "actor", "description", "timestamp")
    ENTRY_TYPE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TX_HASH_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    entry_type: str
    block_height: int
    tx_hash: str
    actor: str
    description: str
    timestamp: _timestamp_pb2.Timestamp
    def __init__(self, entry_type: _Optional[str] = ..., block_height: _Optional[int] = ..., tx_hash: _Optional[str] = ..., actor: _Optional[str] = ..., description: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
