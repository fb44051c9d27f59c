import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_TYPE_UNSPECIFIED: _ClassVar[NodeType]
    NODE_TYPE_MINING: _ClassVar[NodeType]
    NODE_TYPE_SERVING: _ClassVar[NodeType]
    NODE_TYPE_VALIDATOR: _ClassVar[NodeType]
    NODE_TYPE_PROPOSER: _ClassVar[NodeType]

class NodeStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_STATUS_UNSPECIFIED: _ClassVar[NodeStatus]
    NODE_STATUS_ACTIVE: _ClassVar[NodeStatus]
    NODE_STATUS_INACTIVE: _ClassVar[NodeStatus]
    NODE_STATUS_SLASHED: _ClassVar[NodeStatus]
    NODE_STATUS_SUSPENDED: _ClassVar[NodeStatus]
NODE_TYPE_UNSPECIFIED: NodeType
NODE_TYPE_MINING: NodeType
NODE_TYPE_SERVING: NodeType
NODE_TYPE_VALIDATOR: NodeType
NODE_TYPE_PROPOSER: NodeType
NODE_STATUS_UNSPECIFIED: NodeStatus
NODE_STATUS_ACTIVE: NodeStatus
NODE_STATUS_INACTIVE: NodeStatus
NODE_STATUS_SLASHED: NodeStatus
NODE_STATUS_SUSPENDED: NodeStatus

class ResourceSpec(_message.Message):
    __slots__ = ("cpu_cores", "memory_gb", "gpu_count", "gpu_memory_gb", "storage_gb", "network_bandwidth_mbps")
    CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_GB_FIELD_NUMBER: _ClassVar[int]
    GPU_COUNT_FIELD_NUMBER: _ClassVar[int]
    GPU_MEMORY_GB_FIELD_NUMBER: _ClassVar[int]
    STORAGE_GB_FIELD_NUMBER: _ClassVar[int]
    NETWORK_BANDWIDTH_MBPS_FIELD_NUMBER: _ClassVar[int]
    cpu_cores: int
    memory_gb: int
    gpu_count: int
    gpu_memory_gb: int
    storage_gb: int
    network_bandwidth_mbps: int
    def __init__(self, cpu_cores: _Optional[int] = ..., memory_gb: _Optional[int] = ..., gpu_count: _Optional[int] = ..., gpu_memory_gb: _Optional[int] = ..., storage_gb: _Optional[int] = ..., network_bandwidth_mbps: _Optional[int] = ...) -> None: ...

class ResourceQuota(_message.Message):
    __slots__ = ("role", "cpu_cores", "memory_gb", "gpu_count", "gpu_memory_gb")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_GB_FIELD_NUMBER: _ClassVar[int]
    GPU_COUNT_FIELD_NUMBER: _ClassVar[int]
    GPU_MEMORY_GB_FIELD_NUMBER: _ClassVar[int]
    role: NodeType
    cpu_cores: int
    memory_gb: int
    gpu_count: int
    gpu_memory_gb: int
    def __init__(self, role: _Optional[_Union[NodeType, str]] = ..., cpu_cores: _Optional[int] = ..., memory_gb: _Optional[int] = ..., gpu_count: _Optional[int] = ..., gpu_memory_gb: _Optional[int] = ...) -> None: ...

class NodeRegistration(_message.Message):
    __slots__ = ("node_address", "node_type", "resources", "stake", "status", "roles", "role_allocations", "registered_at_height", "registered_at_time", "resource_proof_ipfs_hash", "last_heartbeat_height", "slashing_events")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    NODE_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    ROLE_ALLOCATIONS_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_TIME_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_PROOF_IPFS_HASH_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARTBEAT_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    SLASHING_EVENTS_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    node_type: NodeType
    resources: ResourceSpec
    stake: str
    status: NodeStatus
    roles: _containers.RepeatedScalarFieldContainer[NodeType]
    role_allocations: _containers.RepeatedCompositeFieldContainer[RoleAllocation]
    registered_at_height: int
    registered_at_time: _timestamp_pb2.Timestamp
    resource_proof_ipfs_hash: str
    last_heartbeat_height: int
    slashing_events: int
    def __init__(self, node_address: _Optional[str] = ..., node_type: _Optional[_Union[NodeType, str]] = ..., resources: _Optional[_Union[ResourceSpec, _Mapping]] = ..., stake: _Optional[str] = ..., status: _Optional[_Union[NodeStatus, str]] = ..., roles: _Optional[_Iterable[_Union[NodeType, str]]] = ..., role_allocations: _Optional[_Iterable[_Union[RoleAllocation, _Mapping]]] = ..., registered_at_height: _Optional[int] = ..., registered_at_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., resource_proof_ipfs_hash: _Optional[str] = ..., last_heartbeat_height: _Optional[int] = ..., slashing_events: _Optional[int] = ...) -> None: ...

class RoleAllocation(_message.Message):
    __slots__ = ("role", "quota")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    role: NodeType
    quota: ResourceQuota
    def __init__(self, role: _Optional[_Union[NodeType, str]] = ..., quota: _Optional[_Union[ResourceQuota, _Mapping]] = ...) -> None: ...
