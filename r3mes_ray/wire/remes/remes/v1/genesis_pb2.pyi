from r3mes_ray.wire.remes.remes.v1 import genesis_vault_pb2 as _genesis_vault_pb2
from r3mes_ray.wire.remes.remes.v1 import model_pb2 as _model_pb2
from r3mes_ray.wire.remes.remes.v1 import params_pb2 as _params_pb2
from r3mes_ray.wire.remes.remes.v1 import stored_gradient_pb2 as _stored_gradient_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GenesisState(_message.Message):
    __slots__ = ("params", "model_hash", "model_version", "initial_participants", "stored_gradient_list", "model_registry_list", "genesis_vault_list")
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    MODEL_HASH_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    INITIAL_PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    STORED_GRADIENT_LIST_FIELD_NUMBER: _ClassVar[int]
    MODEL_REGISTRY_LIST_FIELD_NUMBER: _ClassVar[int]
    GENESIS_VAULT_LIST_FIELD_NUMBER: _ClassVar[int]
    params: _params_pb2.Params
    model_hash: str
    model_version: str
    initial_participants: _containers.RepeatedScalarFieldContainer[str]
    stored_gradient_list: _containers.RepeatedCompositeFieldContainer[_stored_gradient_pb2.StoredGradient]
    model_registry_list: _containers.RepeatedCompositeFieldContainer[_model_pb2.ModelRegistry]
    genesis_vault_list: _containers.RepeatedCompositeFieldContainer[_genesis_vault_pb2.GenesisVaultEntry]
    def __init__(self, params: _Optional[_Union[_params_pb2.Params, _Mapping]] = ..., model_hash: _Optional[str] = ..., model_version: _Optional[str] = ..., initial_participants: _Optional[_Iterable[str]] = ..., stored_gradient_list: _Optional[_Iterable[_Union[_stored_gradient_pb2.StoredGradient, _Mapping]]] = ..., model_registry_list: _Optional[_Iterable[_Union[_model_pb2.ModelRegistry, _Mapping]]] = ..., genesis_vault_list: _Optional[_Iterable[_Union[_genesis_vault_pb2.GenesisVaultEntry, _Mapping]]] = ...) -> None: ...
