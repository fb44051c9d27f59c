from r3mes_ray.wire.cosmos.base.query.v1beta1 import pagination_pb2 as _pagination_pb2
from r3mes_ray.wire.r3mes.v1 import types_pb2 as _types_pb2
from r3mes_ray.wire.remes.remes.v1 import model_pb2 as _model_pb2
from r3mes_ray.wire.remes.remes.v1 import serving_pb2 as _serving_pb2
from r3mes_ray.wire.remes.remes.v1 import slashing_pb2 as _slashing_pb2
from r3mes_ray.wire.remes.remes.v1 import state_pb2 as _state_pb2
from r3mes_ray.wire.remes.remes.v1 import stored_gradient_pb2 as _stored_gradient_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QueryParamsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class QueryParamsResponse(_message.Message):
    __slots__ = ("rule_set", "denom", "submit_blocks", "commit_blocks", "reveal_blocks", "challenge_blocks", "grace_blocks", "min_phase_blocks", "max_phase_blocks", "expert_bond", "proposer_stake", "min_gas_price", "proof_of_work_bits", "challenge_bond", "verification_blocks", "appeal_blocks", "unbonding_blocks", "validator_stake", "nonce_window", "parameters")
    RULE_SET_FIELD_NUMBER: _ClassVar[int]
    DENOM_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    COMMIT_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    REVEAL_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    GRACE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    MIN_PHASE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    MAX_PHASE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    EXPERT_BOND_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_STAKE_FIELD_NUMBER: _ClassVar[int]
    MIN_GAS_PRICE_FIELD_NUMBER: _ClassVar[int]
    PROOF_OF_WORK_BITS_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_BOND_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    APPEAL_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    UNBONDING_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    VALIDATOR_STAKE_FIELD_NUMBER: _ClassVar[int]
    NONCE_WINDOW_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    rule_set: str
    denom: str
    submit_blocks: int
    commit_blocks: int
    reveal_blocks: int
    challenge_blocks: int
    grace_blocks: int
    min_phase_blocks: int
    max_phase_blocks: int
    expert_bond: str
    proposer_stake: str
    min_gas_price: str
    proof_of_work_bits: int
    challenge_bond: str
    verification_blocks: int
    appeal_blocks: int
    unbonding_blocks: int
    validator_stake: str
    nonce_window: int
    parameters: _types_pb2.Params
    def __init__(self, rule_set: _Optional[str] = ..., denom: _Optional[str] = ..., submit_blocks: _Optional[int] = ..., commit_blocks: _Optional[int] = ..., reveal_blocks: _Optional[int] = ..., challenge_blocks: _Optional[int] = ..., grace_blocks: _Optional[int] = ..., min_phase_blocks: _Optional[int] = ..., max_phase_blocks: _Optional[int] = ..., expert_bond: _Optional[str] = ..., proposer_stake: _Optional[str] = ..., min_gas_price: _Optional[str] = ..., proof_of_work_bits: _Optional[int] = ..., challenge_bond: _Optional[str] = ..., verification_blocks: _Optional[int] = ..., appeal_blocks: _Optional[int] = ..., unbonding_blocks: _Optional[int] = ..., validator_stake: _Optional[str] = ..., nonce_window: _Optional[int] = ..., parameters: _Optional[_Union[_types_pb2.Params, _Mapping]] = ...) -> None: ...

class QueryExpertRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class QueryExpertResponse(_message.Message):
    __slots__ = ("expert",)
    EXPERT_FIELD_NUMBER: _ClassVar[int]
    expert: _types_pb2.Expert
    def __init__(self, expert: _Optional[_Union[_types_pb2.Expert, _Mapping]] = ...) -> None: ...

class QueryExpertsRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryExpertsResponse(_message.Message):
    __slots__ = ("experts", "pagination")
    EXPERTS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    experts: _containers.RepeatedCompositeFieldContainer[_types_pb2.Expert]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, experts: _Optional[_Iterable[_Union[_types_pb2.Expert, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryRoundRequest(_message.Message):
    __slots__ = ("round_id",)
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    def __init__(self, round_id: _Optional[int] = ...) -> None: ...

class QueryRoundResponse(_message.Message):
    __slots__ = ("round",)
    ROUND_FIELD_NUMBER: _ClassVar[int]
    round: _types_pb2.Round
    def __init__(self, round: _Optional[_Union[_types_pb2.Round, _Mapping]] = ...) -> None: ...

class QueryRoundsRequest(_message.Message):
    __slots__ = ("expert", "pagination")
    EXPERT_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    expert: str
    pagination: _pagination_pb2.PageRequest
    def __init__(self, expert: _Optional[str] = ..., pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryRoundsResponse(_message.Message):
    __slots__ = ("rounds", "pagination")
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    rounds: _containers.RepeatedCompositeFieldContainer[_types_pb2.Round]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, rounds: _Optional[_Iterable[_Union[_types_pb2.Round, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryRoundGradientsRequest(_message.Message):
    __slots__ = ("round_id", "pagination")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    pagination: _pagination_pb2.PageRequest
    def __init__(self, round_id: _Optional[int] = ..., pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryRoundGradientsResponse(_message.Message):
    __slots__ = ("gradients", "pagination")
    GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    gradients: _containers.RepeatedCompositeFieldContainer[_stored_gradient_pb2.StoredGradient]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, gradients: _Optional[_Iterable[_Union[_stored_gradient_pb2.StoredGradient, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryRoundWeightsRequest(_message.Message):
    __slots__ = ("round_id", "pagination")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    pagination: _pagination_pb2.PageRequest
    def __init__(self, round_id: _Optional[int] = ..., pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryRoundWeightsResponse(_message.Message):
    __slots__ = ("weights", "pagination")
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    weights: _containers.RepeatedCompositeFieldContainer[_types_pb2.UpdateWeight]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, weights: _Optional[_Iterable[_Union[_types_pb2.UpdateWeight, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryCommitmentRequest(_message.Message):
    __slots__ = ("round_id", "proposer")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    proposer: str
    def __init__(self, round_id: _Optional[int] = ..., proposer: _Optional[str] = ...) -> None: ...

class QueryCommitmentResponse(_message.Message):
    __slots__ = ("commitment",)
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    commitment: _state_pb2.AggregationCommitment
    def __init__(self, commitment: _Optional[_Union[_state_pb2.AggregationCommitment, _Mapping]] = ...) -> None: ...

class QueryCommitmentsRequest(_message.Message):
    __slots__ = ("round_id", "pagination")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    pagination: _pagination_pb2.PageRequest
    def __init__(self, round_id: _Optional[int] = ..., pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryCommitmentsResponse(_message.Message):
    __slots__ = ("commitments", "pagination")
    COMMITMENTS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    commitments: _containers.RepeatedCompositeFieldContainer[_state_pb2.AggregationCommitment]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, commitments: _Optional[_Iterable[_Union[_state_pb2.AggregationCommitment, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryAggregationRequest(_message.Message):
    __slots__ = ("aggregation_id",)
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    aggregation_id: int
    def __init__(self, aggregation_id: _Optional[int] = ...) -> None: ...

class QueryAggregationResponse(_message.Message):
    __slots__ = ("aggregation",)
    AGGREGATION_FIELD_NUMBER: _ClassVar[int]
    aggregation: _state_pb2.AggregationRecord
    def __init__(self, aggregation: _Optional[_Union[_state_pb2.AggregationRecord, _Mapping]] = ...) -> None: ...

class QueryProofsRequest(_message.Message):
    __slots__ = ("aggregation_id", "pagination")
    AGGREGATION_ID_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    aggregation_id: int
    pagination: _pagination_pb2.PageRequest
    def __init__(self, aggregation_id: _Optional[int] = ..., pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryProofsResponse(_message.Message):
    __slots__ = ("merkle_root", "total", "proofs", "pagination")
    MERKLE_ROOT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    merkle_root: str
    total: int
    proofs: _containers.RepeatedCompositeFieldContainer[_types_pb2.Proof]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, merkle_root: _Optional[str] = ..., total: _Optional[int] = ..., proofs: _Optional[_Iterable[_Union[_types_pb2.Proof, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryChallengeRequest(_message.Message):
    __slots__ = ("challenge_id",)
    CHALLENGE_ID_FIELD_NUMBER: _ClassVar[int]
    challenge_id: int
    def __init__(self, challenge_id: _Optional[int] = ...) -> None: ...

class QueryChallengeResponse(_message.Message):
    __slots__ = ("challenge", "deadline_height")
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    challenge: _state_pb2.ChallengeRecord
    deadline_height: int
    def __init__(self, challenge: _Optional[_Union[_state_pb2.ChallengeRecord, _Mapping]] = ..., deadline_height: _Optional[int] = ...) -> None: ...

class QueryChallengesRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryChallengesResponse(_message.Message):
    __slots__ = ("challenges", "pagination")
    CHALLENGES_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    challenges: _containers.RepeatedCompositeFieldContainer[_state_pb2.ChallengeRecord]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, challenges: _Optional[_Iterable[_Union[_state_pb2.ChallengeRecord, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryModelsRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryModelsResponse(_message.Message):
    __slots__ = ("models", "pagination")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[_model_pb2.ModelRegistry]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, models: _Optional[_Iterable[_Union[_model_pb2.ModelRegistry, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryAppealsRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryAppealsResponse(_message.Message):
    __slots__ = ("appeals", "pagination")
    APPEALS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    appeals: _containers.RepeatedCompositeFieldContainer[_slashing_pb2.SlashingAppeal]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, appeals: _Optional[_Iterable[_Union[_slashing_pb2.SlashingAppeal, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QuerySlashesRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QuerySlashesResponse(_message.Message):
    __slots__ = ("slashes", "pagination")
    SLASHES_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    slashes: _containers.RepeatedCompositeFieldContainer[_types_pb2.Slash]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, slashes: _Optional[_Iterable[_Union[_types_pb2.Slash, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryContentEndpointsRequest(_message.Message):
    __slots__ = ("pagination",)
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    pagination: _pagination_pb2.PageRequest
    def __init__(self, pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryContentEndpointsResponse(_message.Message):
    __slots__ = ("endpoints", "pagination")
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    endpoints: _containers.RepeatedCompositeFieldContainer[_types_pb2.ContentEndpoint]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, endpoints: _Optional[_Iterable[_Union[_types_pb2.ContentEndpoint, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...

class QueryInferenceRequestsRequest(_message.Message):
    __slots__ = ("serving_node", "status", "pagination")
    SERVING_NODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    serving_node: str
    status: str
    pagination: _pagination_pb2.PageRequest
    def __init__(self, serving_node: _Optional[str] = ..., status: _Optional[str] = ..., pagination: _Optional[_Union[_pagination_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class QueryInferenceRequestsResponse(_message.Message):
    __slots__ = ("requests", "pagination")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[_serving_pb2.InferenceRequest]
    pagination: _pagination_pb2.PageResponse
    def __init__(self, requests: _Optional[_Iterable[_Union[_serving_pb2.InferenceRequest, _Mapping]]] = ..., pagination: _Optional[_Union[_pagination_pb2.PageResponse, _Mapping]] = ...) -> None: ...
