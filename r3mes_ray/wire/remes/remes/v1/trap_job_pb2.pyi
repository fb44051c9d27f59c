from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class TrapJob(_message.Message):
    __slots__ = ("trap_job_id", "target_miner", "dataset_ipfs_hash", "expected_gradient_hash", "created_at_height", "deadline_height", "status", "submitted_gradient_hash", "verification_result", "is_obfuscated", "obfuscation_seed", "federated_signers", "federated_signatures", "created_by", "blinding_factor", "is_blinded")
    TRAP_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_MINER_FIELD_NUMBER: _ClassVar[int]
    DATASET_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_GRADIENT_HASH_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_RESULT_FIELD_NUMBER: _ClassVar[int]
    IS_OBFUSCATED_FIELD_NUMBER: _ClassVar[int]
    OBFUSCATION_SEED_FIELD_NUMBER: _ClassVar[int]
    FEDERATED_SIGNERS_FIELD_NUMBER: _ClassVar[int]
    FEDERATED_SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    BLINDING_FACTOR_FIELD_NUMBER: _ClassVar[int]
    IS_BLINDED_FIELD_NUMBER: _ClassVar[int]
    trap_job_id: str
    target_miner: str
    dataset_ipfs_hash: str
    expected_gradient_hash: str
    created_at_height: int
    deadline_height: int
    status: str
    submitted_gradient_hash: str
    verification_result: bool
    is_obfuscated: bool
    obfuscation_seed: int
    federated_signers: _containers.RepeatedScalarFieldContainer[str]
    federated_signatures: _containers.RepeatedScalarFieldContainer[bytes]
    created_by: str
    blinding_factor: str
    is_blinded: bool
    def __init__(self, trap_job_id: _Optional[str] = ..., target_miner: _Optional[str] = ..., dataset_ipfs_hash: _Optional[str] = ..., expected_gradient_hash: _Optional[str] = ..., created_at_height: _Optional[int] = ..., deadline_height: _Optional[int] = ..., status: _Optional[str] = ..., submitted_gradient_hash: _Optional[str] = ..., verification_result: _Optional[bool] = ..., is_obfuscated: _Optional[bool] = ..., obfuscation_seed: _Optional[int] = ..., federated_signers: _Optional[_Iterable[str]] = ..., federated_signatures: _Optional[_Iterable[bytes]] = ..., created_by: _Optional[str] = ..., blinding_factor: _Optional[str] = ..., is_blinded: _Optional[bool] = ...) -> None: ...

class TrapJobAppeal(_message.Message):
    __slots__ = ("appeal_id", "trap_job_id", "appellant", "reason", "evidence_ipfs_hash", "created_at_height", "status", "cpu_verification_result")
    APPEAL_ID_FIELD_NUMBER: _ClassVar[int]
    TRAP_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    APPELLANT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CPU_VERIFICATION_RESULT_FIELD_NUMBER: _ClassVar[int]
    appeal_id: str
    trap_job_id: str
    appellant: str
    reason: str
    evidence_ipfs_hash: str
    created_at_height: int
    status: str
    cpu_verification_result: bool
    def __init__(self, appeal_id: _Optional[str] = ..., trap_job_id: _Optional[str] = ..., appellant: _Optional[str] = ..., reason: _Optional[str] = ..., evidence_ipfs_hash: _Optional[str] = ..., created_at_height: _Optional[int] = ..., status: _Optional[str] = ..., cpu_verification_result: _Optional[bool] = ...) -> None: ...
