import datetime

from r3mes_ray.wire.gogoproto import gogo_pb2 as _gogo_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProtocolVersion(_message.Message):
    __slots__ = ("p2p", "block", "app")
    P2P_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    APP_FIELD_NUMBER: _ClassVar[int]
    p2p: int
    block: int
    app: int
    def __init__(self, p2p: _Optional[int] = ..., block: _Optional[int] = ..., app: _Optional[int] = ...) -> None: ...

class NodeInfo(_message.Message):
    __slots__ = ("protocol_version", "node_id", "listen_addr", "network", "version", "channels", "moniker", "other")
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    LISTEN_ADDR_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    MONIKER_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    protocol_version: ProtocolVersion
    node_id: str
    listen_addr: str
    network: str
    version: str
    channels: bytes
    moniker: str
    other: NodeInfoOther
    def __init__(self, protocol_version: _Optional[_Union[ProtocolVersion, _Mapping]] = ..., node_id: _Optional[str] = ..., listen_addr: _Optional[str] = ..., network: _Optional[str] = ..., version: _Optional[str] = ..., channels: _Optional[bytes] = ..., moniker: _Optional[str] = ..., other: _Optional[_Union[NodeInfoOther, _Mapping]] = ...) -> None: ...

class NodeInfoOther(_message.Message):
    __slots__ = ("tx_index", "rpc_address")
    TX_INDEX_FIELD_NUMBER: _ClassVar[int]
    RPC_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    tx_index: str
    rpc_address: str
    def __init__(self, tx_index: _Optional[str] = ..., rpc_address: _Optional[str] = ...) -> None: ...

class PeerInfo(_message.Message):
    __slots__ = ("id", "address_info", "last_connected")
    ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_INFO_FIELD_NUMBER: _ClassVar[int]
    LAST_CONNECTED_FIELD_NUMBER: _ClassVar[int]
    id: str
    address_info: _containers.RepeatedCompositeFieldContainer[PeerAddressInfo]
    last_connected: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., address_info: _Optional[_Iterable[_Union[PeerAddressInfo, _Mapping]]] = ..., last_connected: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PeerAddressInfo(_message.Message):
    __slots__ = ("address", "last_dial_success", "last_dial_failure", "dial_failures")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    LAST_DIAL_SUCCESS_FIELD_NUMBER: _ClassVar[int]
    LAST_DIAL_FAILURE_FIELD_NUMBER: _ClassVar[int]
    DIAL_FAILURES_FIELD_NUMBER: _ClassVar[int]
    address: str
    last_dial_success: _timestamp_pb2.Timestamp
    last_dial_failure: _timestamp_pb2.Timestamp
    dial_failures: int
    def __init__(self, address: _Optional[str] = ..., last_dial_success: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_dial_failure: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dial_failures: _Optional[int] = ...) -> None: ...
