from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class GenesisVaultEntry(_message.Message):
    __slots__ = ("entry_id", "data_hash", "expected_gradient_hash", "expected_gradient_ipfs_hash", "expected_fingerprint", "gpu_architecture", "created_height", "usage_count", "last_used_height", "encrypted")
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_HASH_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_GRADIENT_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    GPU_ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    CREATED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    USAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTED_FIELD_NUMBER: _ClassVar[int]
    entry_id: int
    data_hash: str
    expected_gradient_hash: str
    expected_gradient_ipfs_hash: str
    expected_fingerprint: str
    gpu_architecture: str
    created_height: int
    usage_count: int
    last_used_height: int
    encrypted: bool
    def __init__(self, entry_id: _Optional[int] = ..., data_hash: _Optional[str] = ..., expected_gradient_hash: _Optional[str] = ..., expected_gradient_ipfs_hash: _Optional[str] = ..., expected_fingerprint: _Optional[str] = ..., gpu_architecture: _Optional[str] = ..., created_height: _Optional[int] = ..., usage_count: _Optional[int] = ..., last_used_height: _Optional[int] = ..., encrypted: _Optional[bool] = ...) -> None: ...
