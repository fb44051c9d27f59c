from r3mes_ray.wire.cosmos.base.v1beta1 import coin_pb2 as _coin_pb2
from r3mes_ray.wire.cosmos.msg.v1 import msg_pb2 as _msg_pb2
from r3mes_ray.wire.r3mes.v1 import types_pb2 as _types_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MsgRegisterExpert(_message.Message):
    __slots__ = ("owner", "name", "base_model", "base_hash", "description_cid", "bond")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BASE_MODEL_FIELD_NUMBER: _ClassVar[int]
    BASE_HASH_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_CID_FIELD_NUMBER: _ClassVar[int]
    BOND_FIELD_NUMBER: _ClassVar[int]
    owner: str
    name: str
    base_model: str
    base_hash: str
    description_cid: str
    bond: _coin_pb2.Coin
    def __init__(self, owner: _Optional[str] = ..., name: _Optional[str] = ..., base_model: _Optional[str] = ..., base_hash: _Optional[str] = ..., description_cid: _Optional[str] = ..., bond: _Optional[_Union[_coin_pb2.Coin, _Mapping]] = ...) -> None: ...

class MsgRegisterExpertResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgOpenRound(_message.Message):
    __slots__ = ("proposer", "expert", "start_version", "rule", "rule_parameters", "submit_blocks", "commit_blocks", "reveal_blocks", "challenge_blocks")
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    EXPERT_FIELD_NUMBER: _ClassVar[int]
    START_VERSION_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    RULE_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    COMMIT_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    REVEAL_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    proposer: str
    expert: str
    start_version: int
    rule: str
    rule_parameters: str
    submit_blocks: int
    commit_blocks: int
    reveal_blocks: int
    challenge_blocks: int
    def __init__(self, proposer: _Optional[str] = ..., expert: _Optional[str] = ..., start_version: _Optional[int] = ..., rule: _Optional[str] = ..., rule_parameters: _Optional[str] = ..., submit_blocks: _Optional[int] = ..., commit_blocks: _Optional[int] = ..., reveal_blocks: _Optional[int] = ..., challenge_blocks: _Optional[int] = ...) -> None: ...

class MsgOpenRoundResponse(_message.Message):
    __slots__ = ("round_id", "submit_end", "commit_end", "reveal_end", "challenge_end")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_END_FIELD_NUMBER: _ClassVar[int]
    COMMIT_END_FIELD_NUMBER: _ClassVar[int]
    REVEAL_END_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_END_FIELD_NUMBER: _ClassVar[int]
    round_id: int
    submit_end: int
    commit_end: int
    reveal_end: int
    challenge_end: int
    def __init__(self, round_id: _Optional[int] = ..., submit_end: _Optional[int] = ..., commit_end: _Optional[int] = ..., reveal_end: _Optional[int] = ..., challenge_end: _Optional[int] = ...) -> None: ...

class MsgAddStake(_message.Message):
    __slots__ = ("node_address", "amount")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    amount: _coin_pb2.Coin
    def __init__(self, node_address: _Optional[str] = ..., amount: _Optional[_Union[_coin_pb2.Coin, _Mapping]] = ...) -> None: ...

class MsgAddStakeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgWithdrawStake(_message.Message):
    __slots__ = ("node_address", "amount")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    amount: _coin_pb2.Coin
    def __init__(self, node_address: _Optional[str] = ..., amount: _Optional[_Union[_coin_pb2.Coin, _Mapping]] = ...) -> None: ...

class MsgWithdrawStakeResponse(_message.Message):
    __slots__ = ("release_height",)
    RELEASE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    release_height: int
    def __init__(self, release_height: _Optional[int] = ...) -> None: ...

class MsgAnnounceContent(_message.Message):
    __slots__ = ("node_address", "content_url")
    NODE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_URL_FIELD_NUMBER: _ClassVar[int]
    node_address: str
    content_url: str
    def __init__(self, node_address: _Optional[str] = ..., content_url: _Optional[str] = ...) -> None: ...

class MsgAnnounceContentResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MsgRetireExpert(_message.Message):
    __slots__ = ("owner", "name")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    owner: str
    name: str
    def __init__(self, owner: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class MsgRetireExpertResponse(_message.Message):
    __slots__ = ("bond",)
    BOND_FIELD_NUMBER: _ClassVar[int]
    bond: _coin_pb2.Coin
    def __init__(self, bond: _Optional[_Union[_coin_pb2.Coin, _Mapping]] = ...) -> None: ...

class MsgUpdateParams(_message.Message):
    __slots__ = ("authority", "changes")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    authority: str
    changes: _types_pb2.Params
    def __init__(self, authority: _Optional[str] = ..., changes: _Optional[_Union[_types_pb2.Params, _Mapping]] = ...) -> None: ...

class MsgUpdateParamsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
