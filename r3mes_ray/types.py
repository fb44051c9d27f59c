"""Values that cross rooms: what one part of the package hands to another.

They are texts and integers with a name, so that a function's signature says what it takes. Parsing and checking of
outside text is done once, at the border (`protocol.cid`, `protocol.address`); inside, a `Cid` is canonical.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

Cid = NewType("Cid", str)
"""Content identifier in canonical text: lower-case base32 CIDv1, or base58 CIDv0 where a reader meets one."""

Address = NewType("Address", str)
"""Account address in bech32, with the chain's prefix (`remes1…`)."""

RoundId = NewType("RoundId", int)
"""Number of a training round. The first one is 0: never test it for truth."""

UpdateId = NewType("UpdateId", int)
"""Number of a submitted update (`StoredGradient.id` on chain). The first one is 0."""

TxHash = NewType("TxHash", str)
"""Upper-case hex SHA-256 of the bytes of a signed transaction."""


@dataclass(frozen=True, slots=True)
class AdapterId:
    """One version of one expert: what a serving node loads and an answer names.

    Attributes:
        expert: name of the expert on chain.
        version: 0 means the base model without adapter; finished rounds give 1, 2, ….
        cid: the adapter package, or `None` for version 0.
    """

    expert: str
    version: int
    cid: Cid | None

    def __str__(self) -> str:
        return f"{self.expert}@{self.version}"


def model_version(base: str, expert: str, version: int) -> str:
    """Text that the chain and an answer use for one version: `<base>/<expert>@<version>`."""
    return f"{base}/{expert}@{version}"
