from r3mes_ray.wire.remes.remes.v1 import model_pb2 as _model_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoredGradient(_message.Message):
    __slots__ = ("id", "miner", "ipfs_hash", "model_version", "training_round_id", "shard_id", "gradient_hash", "gpu_architecture", "submitted_at_height", "status", "model_config_id", "encryption_type", "encrypted_gradient_ipfs_hash", "container_hash", "container_signature", "global_seed", "claimed_loss", "porep_proof_ipfs_hash")
    ID_FIELD_NUMBER: _ClassVar[int]
    MINER_FIELD_NUMBER: _ClassVar[int]
    IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    TRAINING_ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    GPU_ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MODEL_CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTED_GRADIENT_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_HASH_FIELD_NUMBER: _ClassVar[int]
    CONTAINER_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SEED_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_LOSS_FIELD_NUMBER: _ClassVar[int]
    POREP_PROOF_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    id: int
    miner: str
    ipfs_hash: str
    model_version: str
    training_round_id: int
    shard_id: int
    gradient_hash: str
    gpu_architecture: str
    submitted_at_height: int
    status: str
    model_config_id: int
    encryption_type: _model_pb2.EncryptionType
    encrypted_gradient_ipfs_hash: str
    container_hash: str
    container_signature: bytes
    global_seed: int
    claimed_loss: str
    porep_proof_ipfs_hash: str
    def __init__(self, id: _Optional[int] = ..., miner: _Optional[str] = ..., ipfs_hash: _Optional[str] = ..., model_version: _Optional[str] = ..., training_round_id: _Optional[int] = ..., shard_id: _Optional[int] = ..., gradient_hash: _Optional[str] = ..., gpu_architecture: _Optional[str] = ..., submitted_at_height: _Optional[int] = ..., status: _Optional[str] = ..., model_config_id: _Optional[int] = ..., encryption_type: _Optional[_Union[_model_pb2.EncryptionType, str]] = ..., encrypted_gradient_ipfs_hash: _Optional[str] = ..., container_hash: _Optional[str] = ..., container_signature: _Optional[bytes] = ..., global_seed: _Optional[int] = ..., claimed_loss: _Optional[str] = ..., porep_proof_ipfs_hash: _Optional[str] = ...) -> None: ...
