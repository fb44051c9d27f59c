from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TaskPool(_message.Message):
    __slots__ = ("pool_id", "window_id", "total_chunks", "available_chunks", "completed_chunks", "status", "created_height", "expiry_height")
    POOL_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_ID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_CHUNKS_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_CHUNKS_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_CHUNKS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    pool_id: int
    window_id: int
    total_chunks: int
    available_chunks: _containers.RepeatedCompositeFieldContainer[TaskChunk]
    completed_chunks: _containers.RepeatedScalarFieldContainer[str]
    status: str
    created_height: int
    expiry_height: int
    def __init__(self, pool_id: _Optional[int] = ..., window_id: _Optional[int] = ..., total_chunks: _Optional[int] = ..., available_chunks: _Optional[_Iterable[_Union[TaskChunk, _Mapping]]] = ..., completed_chunks: _Optional[_Iterable[str]] = ..., status: _Optional[str] = ..., created_height: _Optional[int] = ..., expiry_height: _Optional[int] = ...) -> None: ...

class TaskChunk(_message.Message):
    __slots__ = ("chunk_id", "data_hash", "shard_id", "assigned_miner", "status", "claimed_at", "completed_at", "gradient_hash", "is_trap", "vault_entry_id")
    CHUNK_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_HASH_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_MINER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    IS_TRAP_FIELD_NUMBER: _ClassVar[int]
    VAULT_ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    chunk_id: int
    data_hash: str
    shard_id: int
    assigned_miner: str
    status: str
    claimed_at: int
    completed_at: int
    gradient_hash: str
    is_trap: bool
    vault_entry_id: int
    def __init__(self, chunk_id: _Optional[int] = ..., data_hash: _Optional[str] = ..., shard_id: _Optional[int] = ..., assigned_miner: _Optional[str] = ..., status: _Optional[str] = ..., claimed_at: _Optional[int] = ..., completed_at: _Optional[int] = ..., gradient_hash: _Optional[str] = ..., is_trap: _Optional[bool] = ..., vault_entry_id: _Optional[int] = ...) -> None: ...

class TaskChunkResponse(_message.Message):
    __slots__ = ("chunk_id", "data_hash", "shard_id")
    CHUNK_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_HASH_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    chunk_id: int
    data_hash: str
    shard_id: int
    def __init__(self, chunk_id: _Optional[int] = ..., data_hash: _Optional[str] = ..., shard_id: _Optional[int] = ...) -> None: ...
