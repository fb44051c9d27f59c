from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Treasury(_message.Message):
    __slots__ = ("balance", "buy_back_threshold", "burn_fraction", "last_buy_back_height", "buy_back_interval", "total_burned")
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    BUY_BACK_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    BURN_FRACTION_FIELD_NUMBER: _ClassVar[int]
    LAST_BUY_BACK_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    BUY_BACK_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BURNED_FIELD_NUMBER: _ClassVar[int]
    balance: str
    buy_back_threshold: str
    burn_fraction: str
    last_buy_back_height: int
    buy_back_interval: int
    total_burned: str
    def __init__(self, balance: _Optional[str] = ..., buy_back_threshold: _Optional[str] = ..., burn_fraction: _Optional[str] = ..., last_buy_back_height: _Optional[int] = ..., buy_back_interval: _Optional[int] = ..., total_burned: _Optional[str] = ...) -> None: ...
