"""What comes before the bytes mean something: compression with caps, and formats that are refused by name.

Nothing of the network is ever unpickled: a pickle runs code of whoever wrote it.
"""

from __future__ import annotations

import io
import zlib
from typing import Protocol

import zstandard

from r3mes_ray.errors import PackageRejected

MAX_RATIO = 100
"""Most bytes that one compressed byte may become; floats stay far below, bombs begin at a thousand."""

_STEP = 1 << 16
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_PICKLE_PROTOCOLS = range(2, 6)


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def refuse_pickle(data: bytes, subject: str) -> None:
    """Refuse what is a pickle, or the zip that torch makes of one, under whatever name.

    Raises:
        PackageRejected: with the rule `pickle`.
    """
    if data[:1] == b"\x80" and len(data) > 1 and data[1] in _PICKLE_PROTOCOLS:
        raise PackageRejected("pickle", subject, "is a pickle, which is never opened")
    if data[:4] == _ZIP:
        raise PackageRejected("pickle", subject, "is a zip archive, as torch.save writes pickles; it is never opened")


def decompressed(data: bytes, subject: str, max_bytes: int) -> bytes:
    """The bytes inside gzip or Zstandard, once; what is neither is returned as it is.

    Works in steps: never more than the cap is held, whatever the data claims of itself.

    Raises:
        PackageRejected: with the rule `size`, `compression` (too dense, cut off, damaged, followed by other bytes) or
            `pickle`.
    """
    if data[:2] == _GZIP:
        plain = _read(_Gzip(data), subject, len(data), max_bytes)
    elif data[:4] == _ZSTD:
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(io.BytesIO(data))
        plain = _read(reader, subject, len(data), max_bytes)
    else:
        plain = data
    if len(plain) > max_bytes:
        raise PackageRejected("size", subject, f"is larger than {max_bytes} bytes")
    refuse_pickle(plain, subject)
    return plain


def _read(stream: _Readable, subject: str, compressed: int, max_bytes: int) -> bytes:
    out = bytearray()
    try:
        while part := stream.read(_STEP):
            out += part
            if len(out) > max_bytes:
                raise PackageRejected("size", subject, f"is larger than {max_bytes} bytes when it is decompressed")
            if len(out) > MAX_RATIO * compressed + _STEP:
                raise PackageRejected("compression", subject, f"grows more than {MAX_RATIO}-fold")
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise PackageRejected("compression", subject, str(error)) from error
    return bytes(out)


class _Gzip:
    """One gzip member, and nothing behind it."""

    def __init__(self, data: bytes) -> None:
        self._engine = zlib.decompressobj(wbits=31)
        self._rest = data

    def read(self, size: int = -1) -> bytes:
        if self._engine.eof:
            if self._engine.unused_data:
                raise EOFError("something follows the compressed data")
            return b""
        part = self._engine.decompress(self._rest, size)
        self._rest = self._engine.unconsumed_tail
        if not part and not self._engine.eof:
            raise EOFError("the compressed data is cut off")
        return part or self.read(size)
