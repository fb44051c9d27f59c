"""Errors of content-addressed bytes."""

from __future__ import annotations

from r3mes_ray.errors.base import R3mesError


class ContentError(R3mesError):
    """Something about content-addressed bytes."""


class ContentNotFound(ContentError, LookupError):
    """No store that was asked has the block."""

    hint = (
        "`r3mes content peers` asks the chain who serves content; or name a peer that has it (setting content.peers), "
        "or wait until its owner is online"
    )

    def __init__(self, cid: str) -> None:
        super().__init__(cid)
        self.cid = cid

    def __str__(self) -> str:
        return f"content {self.cid} is in none of the stores that were asked"


class ContentCorrupt(ContentError, ValueError):
    """Bytes do not have the hash that their CID promises; they were not used."""

    hint = (
        "run `r3mes content verify --delete` to remove damaged blocks; `r3mes content get` then fetches them from peers"
    )

    def __init__(self, cid: str, source: str) -> None:
        super().__init__(cid, source)
        self.cid, self.source = cid, source

    def __str__(self) -> str:
        return f"block {self.cid} from {self.source} does not hash to its CID: it was changed or damaged"


class ContentMalformed(ContentError, ValueError):
    """The hash is right, but the bytes are not a file, directory or node that can be read."""

    def __init__(self, cid: str, reason: str) -> None:
        super().__init__(cid, reason)
        self.cid, self.reason = cid, reason

    def __str__(self) -> str:
        return f"content {self.cid}: {self.reason}"


class ContentTooLarge(ContentError, ValueError):
    """A limit on bytes, blocks, depth or links was reached while reading."""

    def __init__(self, cid: str, limit: str) -> None:
        super().__init__(cid, limit)
        self.cid, self.limit = cid, limit

    def __str__(self) -> str:
        return f"content {self.cid} exceeds the limit of {self.limit}"


class ContentTimeout(ContentError, TimeoutError):
    """A block did not arrive in time; whoever holds it may still be there."""

    hint = "ask again later: blocks that have arrived are kept, and the rest is fetched from there"

    def __init__(self, cid: str, waited_s: float) -> None:
        super().__init__(cid, waited_s)
        self.cid, self.waited_s = cid, waited_s

    def __str__(self) -> str:
        return f"block {self.cid} did not arrive within {self.waited_s:g} s"


class ContentUnavailable(ContentError, ConnectionError):
    """A daemon or gateway cannot be reached, or answers with something that is no content."""

    hint = "check that it runs and that the address in the settings (content) is right"

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address, self.reason = address, reason

    def __str__(self) -> str:
        return f"content at {self.address}: {self.reason}"


class ContentReadOnly(ContentError, PermissionError):
    """The configured store can only be read."""

    hint = "choose a store that keeps content: content.kind disk or kubo"

    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.action = action

    def __str__(self) -> str:
        return f"cannot {self.action}: gateways are for reading only"


class StoreFull(ContentError, OSError):
    """Pinned content fills the store's size limit."""

    hint = "unpin what is no longer needed (`r3mes content unpin`) or raise content.max_bytes"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return f"the content store is full: pinned content fills its limit of {self.limit_bytes} bytes"
