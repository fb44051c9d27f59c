from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Module(_message.Message):
    __slots__ = ("authority", "ipfs_api_url")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    IPFS_API_URL_FIELD_NUMBER: _ClassVar[int]
    authority: str
    ipfs_api_url: str
    def __init__(self, authority: _Optional[str] = ..., ipfs_api_url: _Optional[str] = ...) -> None: ...
