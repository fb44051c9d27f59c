import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InferenceRequest(_message.Message):
    __slots__ = ("request_id", "requester", "serving_node", "model_version", "input_data_ipfs_hash", "fee", "request_time", "response_time", "result_ipfs_hash", "status", "latency_ms")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REQUESTER_FIELD_NUMBER: _ClassVar[int]
    SERVING_NODE_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUT_DATA_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIME_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_TIME_FIELD_NUMBER: _ClassVar[int]
    RESULT_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    requester: str
    serving_node: str
    model_version: str
    input_data_ipfs_hash: str
    fee: str
    request_time: _timestamp_pb2.Timestamp
    response_time: _timestamp_pb2.Timestamp
    result_ipfs_hash: str
    status: str
    latency_ms: int
    def __init__(self, request_id: _Optional[str] = ..., requester: _Optional[str] = ..., serving_node: _Optional[str] = ..., model_version: _Optional[str] = ..., input_data_ipfs_hash: _Optional[str] = ..., fee: _Optional[str] = ..., request_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., response_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., result_ipfs_hash: _Optional[str] = ..., status: _Optional[str] = ..., latency_ms: _Optional[int] = ...) -> None: ...

class ServingNodeStatus(_message.Message):
    __slots__ = ("node_address", "model_version", "model_ipfs_hash", "is_available", "total_requests", "successful_requests", "average_latency_ms", "last_heartbeat")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    IS_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    SUCCESSFUL_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    model_version: str
    model_ipfs_hash: str
    is_available: bool
    total_requests: int
    successful_requests: int
    average_latency_ms: int
    last_heartbeat: _timestamp_pb2.Timestamp
    def __init__(self, node_address: _Optional[str] = ..., model_version: _Optional[str] = ..., model_ipfs_hash: _Optional[str] = ..., is_available: _Optional[bool] = ..., total_requests: _Optional[int] = ..., successful_requests: _Optional[int] = ..., average_latency_ms: _Optional[int] = ..., last_heartbeat: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
