import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PinningIncentive(_message.Message):
    __slots__ = ("node_address", "ipfs_hash", "stake", "reward_rate", "commitment_start", "commitment_end", "status", "last_verification", "challenge_count", "total_rewards")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    REWARD_RATE_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_START_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_END_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LAST_VERIFICATION_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_REWARDS_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    ipfs_hash: str
    stake: str
    reward_rate: str
    commitment_start: _timestamp_pb2.Timestamp
    commitment_end: _timestamp_pb2.Timestamp
    status: str
    last_verification: _timestamp_pb2.Timestamp
    challenge_count: int
    total_rewards: str
    def __init__(self, node_address: _Optional[str] = ..., ipfs_hash: _Optional[str] = ..., stake: _Optional[str] = ..., reward_rate: _Optional[str] = ..., commitment_start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., commitment_end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[str] = ..., last_verification: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., challenge_count: _Optional[int] = ..., total_rewards: _Optional[str] = ...) -> None: ...

class DataAvailabilityChallenge(_message.Message):
    __slots__ = ("challenge_id", "challenger", "node_address", "ipfs_hash", "challenge_time", "response_deadline", "status", "response_proof", "resolution_time")
    CHALLENGE_ID_FIELD_NUMBER: _ClassVar[int]
    CHALLENGER_FIELD_NUMBER: _ClassVar[int]
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_TIME_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_PROOF_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_TIME_FIELD_NUMBER: _ClassVar[int]
    challenge_id: int
    challenger: str
    node_address: str
    ipfs_hash: str
    challenge_time: _timestamp_pb2.Timestamp
    response_deadline: _timestamp_pb2.Timestamp
    status: str
    response_proof: str
    resolution_time: _timestamp_pb2.Timestamp
    def __init__(self, challenge_id: _Optional[int] = ..., challenger: _Optional[str] = ..., node_address: _Optional[str] = ..., ipfs_hash: _Optional[str] = ..., challenge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., response_deadline: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[str] = ..., response_proof: _Optional[str] = ..., resolution_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
