import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from r3mes_ray.wire.remes.remes.v1 import subnet_pb2 as _subnet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrainingWindow(_message.Message):
    __slots__ = ("window_id", "start_height", "end_height", "status", "gradient_hashes", "aggregator_node", "aggregation_hash", "model_update_hash", "global_seed", "created_at", "finalized_at")
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    START_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    END_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_HASHES_FIELD_NUMBER: _ClassVar[int]
    AGGREGATOR_NODE_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_HASH_FIELD_NUMBER: _ClassVar[int]
    MODEL_UPDATE_HASH_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SEED_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    FINALIZED_AT_FIELD_NUMBER: _ClassVar[int]
    window_id: int
    start_height: int
    end_height: int
    status: str
    gradient_hashes: _containers.RepeatedScalarFieldContainer[str]
    aggregator_node: str
    aggregation_hash: str
    model_update_hash: str
    global_seed: bytes
    created_at: _timestamp_pb2.Timestamp
    finalized_at: _timestamp_pb2.Timestamp
    def __init__(self, window_id: _Optional[int] = ..., start_height: _Optional[int] = ..., end_height: _Optional[int] = ..., status: _Optional[str] = ..., gradient_hashes: _Optional[_Iterable[str]] = ..., aggregator_node: _Optional[str] = ..., aggregation_hash: _Optional[str] = ..., model_update_hash: _Optional[str] = ..., global_seed: _Optional[bytes] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finalized_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AsyncGradientSubmission(_message.Message):
    __slots__ = ("submission_id", "window_id", "miner_address", "gradient_hash", "subnet_id", "layer_range", "timestamp", "credit_record")
    SUBMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    MINER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    LAYER_RANGE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CREDIT_RECORD_FIELD_NUMBER: _ClassVar[int]
    submission_id: int
    window_id: int
    miner_address: str
    gradient_hash: str
    subnet_id: int
    layer_range: _subnet_pb2.LayerRange
    timestamp: _timestamp_pb2.Timestamp
    credit_record: bool
    def __init__(self, submission_id: _Optional[int] = ..., window_id: _Optional[int] = ..., miner_address: _Optional[str] = ..., gradient_hash: _Optional[str] = ..., subnet_id: _Optional[int] = ..., layer_range: _Optional[_Union[_subnet_pb2.LayerRange, _Mapping]] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., credit_record: _Optional[bool] = ...) -> None: ...

class LazyAggregation(_message.Message):
    __slots__ = ("aggregation_id", "window_id", "aggregator_node", "collected_gradients", "aggregation_method", "result_hash", "merkle_root", "submission_height", "created_at")
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    AGGREGATOR_NODE_FIELD_NUMBER: _ClassVar[int]
    COLLECTED_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    AGGREGATION_METHOD_FIELD_NUMBER: _ClassVar[int]
    RESULT_HASH_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    aggregation_id: int
    window_id: int
    aggregator_node: str
    collected_gradients: _containers.RepeatedScalarFieldContainer[str]
    aggregation_method: str
    result_hash: str
    merkle_root: bytes
    submission_height: int
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, aggregation_id: _Optional[int] = ..., window_id: _Optional[int] = ..., aggregator_node: _Optional[str] = ..., collected_gradients: _Optional[_Iterable[str]] = ..., aggregation_method: _Optional[str] = ..., result_hash: _Optional[str] = ..., merkle_root: _Optional[bytes] = ..., submission_height: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
