import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LayerRange(_message.Message):
    __slots__ = ("start_layer", "end_layer")
    START_LAYER_FIELD_NUMBER: _ClassVar[int]
    END_LAYER_FIELD_NUMBER: _ClassVar[int]
    start_layer: int
    end_layer: int
    def __init__(self, start_layer: _Optional[int] = ..., end_layer: _Optional[int] = ...) -> None: ...

class SubnetConfig(_message.Message):
    __slots__ = ("subnet_id", "layer_range", "assigned_miners", "activation_hash", "next_subnet_id", "status", "window_id", "created_at", "updated_at")
    SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    LAYER_RANGE_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_MINERS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_HASH_FIELD_NUMBER: _ClassVar[int]
    NEXT_SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    subnet_id: int
    layer_range: LayerRange
    assigned_miners: _containers.RepeatedScalarFieldContainer[str]
    activation_hash: str
    next_subnet_id: int
    status: str
    window_id: int
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, subnet_id: _Optional[int] = ..., layer_range: _Optional[_Union[LayerRange, _Mapping]] = ..., assigned_miners: _Optional[_Iterable[str]] = ..., activation_hash: _Optional[str] = ..., next_subnet_id: _Optional[int] = ..., status: _Optional[str] = ..., window_id: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ActivationTransmission(_message.Message):
    __slots__ = ("transmission_id", "from_subnet_id", "to_subnet_id", "activation_hash", "layer_output", "timestamp", "signature", "verified")
    TRANSMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    TO_SUBNET_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_HASH_FIELD_NUMBER: _ClassVar[int]
    LAYER_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    transmission_id: int
    from_subnet_id: int
    to_subnet_id: int
    activation_hash: str
    layer_output: str
    timestamp: _timestamp_pb2.Timestamp
    signature: bytes
    verified: bool
    def __init__(self, transmission_id: _Optional[int] = ..., from_subnet_id: _Optional[int] = ..., to_subnet_id: _Optional[int] = ..., activation_hash: _Optional[str] = ..., layer_output: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., signature: _Optional[bytes] = ..., verified: _Optional[bool] = ...) -> None: ...

class SubnetTrainingWorkflow(_message.Message):
    __slots__ = ("workflow_id", "window_id", "subnets", "activation_chain", "global_seed", "status", "created_at", "completed_at")
    WORKFLOW_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    SUBNETS_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_CHAIN_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SEED_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    workflow_id: int
    window_id: int
    subnets: _containers.RepeatedCompositeFieldContainer[SubnetConfig]
    activation_chain: _containers.RepeatedScalarFieldContainer[str]
    global_seed: bytes
    status: str
    created_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    def __init__(self, workflow_id: _Optional[int] = ..., window_id: _Optional[int] = ..., subnets: _Optional[_Iterable[_Union[SubnetConfig, _Mapping]]] = ..., activation_chain: _Optional[_Iterable[str]] = ..., global_seed: _Optional[bytes] = ..., status: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
