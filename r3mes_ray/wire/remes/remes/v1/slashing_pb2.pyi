from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class SlashingAppeal(_message.Message):
    __slots__ = ("appeal_id", "slashed_node", "slashing_reason", "appeal_reason", "evidence_ipfs_hash", "created_at_height", "status", "cpu_verification_result", "resolution_height")
    APPEAL_ID_FIELD_NUMBER: _ClassVar[int]
    SLASHED_NODE_FIELD_NUMBER: _ClassVar[int]
    SLASHING_REASON_FIELD_NUMBER: _ClassVar[int]
    APPEAL_REASON_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CPU_VERIFICATION_RESULT_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    appeal_id: str
    slashed_node: str
    slashing_reason: str
    appeal_reason: str
    evidence_ipfs_hash: str
    created_at_height: int
    status: str
    cpu_verification_result: bool
    resolution_height: int
    def __init__(self, appeal_id: _Optional[str] = ..., slashed_node: _Optional[str] = ..., slashing_reason: _Optional[str] = ..., appeal_reason: _Optional[str] = ..., evidence_ipfs_hash: _Optional[str] = ..., created_at_height: _Optional[int] = ..., status: _Optional[str] = ..., cpu_verification_result: _Optional[bool] = ..., resolution_height: _Optional[int] = ...) -> None: ...

class ValidatorVerificationRecord(_message.Message):
    __slots__ = ("validator_address", "total_verifications", "successful_verifications", "false_verdicts", "lazy_validation_count", "last_verification_height")
    VALIDATOR_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_VERIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    SUCCESSFUL_VERIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    FALSE_VERDICTS_FIELD_NUMBER: _ClassVar[int]
    LAZY_VALIDATION_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_VERIFICATION_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    validator_address: str
    total_verifications: int
    successful_verifications: int
    false_verdicts: int
    lazy_validation_count: int
    last_verification_height: int
    def __init__(self, validator_address: _Optional[str] = ..., total_verifications: _Optional[int] = ..., successful_verifications: _Optional[int] = ..., false_verdicts: _Optional[int] = ..., lazy_validation_count: _Optional[int] = ..., last_verification_height: _Optional[int] = ...) -> None: ...

class ProposerCensorshipRecord(_message.Message):
    __slots__ = ("proposer_address", "total_aggregations", "censored_gradients", "last_aggregation_height")
    PROPOSER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_AGGREGATIONS_FIELD_NUMBER: _ClassVar[int]
    CENSORED_GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    LAST_AGGREGATION_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    proposer_address: str
    total_aggregations: int
    censored_gradients: int
    last_aggregation_height: int
    def __init__(self, proposer_address: _Optional[str] = ..., total_aggregations: _Optional[int] = ..., censored_gradients: _Optional[int] = ..., last_aggregation_height: _Optional[int] = ...) -> None: ...

class MentorRelationship(_message.Message):
    __slots__ = ("mentor_address", "mentee_address", "reduced_stake_percentage", "created_at_height", "status")
    MENTOR_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    MENTEE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REDUCED_STAKE_PERCENTAGE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    mentor_address: str
    mentee_address: str
    reduced_stake_percentage: str
    created_at_height: int
    status: str
    def __init__(self, mentor_address: _Optional[str] = ..., mentee_address: _Optional[str] = ..., reduced_stake_percentage: _Optional[str] = ..., created_at_height: _Optional[int] = ..., status: _Optional[str] = ...) -> None: ...
