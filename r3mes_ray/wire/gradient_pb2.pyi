from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GradientTensor(_message.Message):
    __slots__ = ("data", "shape", "dtype", "name")
    DATA_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedScalarFieldContainer[float]
    shape: _containers.RepeatedScalarFieldContainer[int]
    dtype: str
    name: str
    def __init__(self, data: _Optional[_Iterable[float]] = ..., shape: _Optional[_Iterable[int]] = ..., dtype: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GradientPackage(_message.Message):
    __slots__ = ("gradients", "metadata", "training_round_id", "miner_address", "gradient_hash", "timestamp")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    MINER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    gradients: _containers.RepeatedCompositeFieldContainer[GradientTensor]
    metadata: _containers.ScalarMap[str, str]
    training_round_id: int
    miner_address: str
    gradient_hash: str
    timestamp: int
    def __init__(self, gradients: _Optional[_Iterable[_Union[GradientTensor, _Mapping]]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., training_round_id: _Optional[int] = ..., miner_address: _Optional[str] = ..., gradient_hash: _Optional[str] = ..., timestamp: _Optional[int] = ...) -> None: ...
