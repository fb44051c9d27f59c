"""Import profiles: the parameters that a file's CID depends on beside its bytes.

Source: IPIP-499 and kubo's `config profile`. They are always passed explicitly; a daemon's own defaults are its
operator's to change, and the same file would get another CID.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from r3mes_ray.errors import ConfigError

MAX_CHUNK_BYTES = 2 * 2**20 - 256
"""Largest chunk: a leaf with its wrapping stays within the 2 MiB of one block."""

MAX_LINKS = 16384
"""Widest node: its links stay within the 2 MiB of one block."""


@dataclass(frozen=True, slots=True)
class ImportProfile:
    """How bytes become blocks.

    Attributes:
        name: how the profile is called on the command line.
        cid_version: version of nodes with links, and of leaves that are not raw.
        raw_leaves: leaves are the bare bytes (always CIDv1) instead of wrapped UnixFS files.
        chunk_bytes: size of every chunk but the last.
        max_links: children of one node of a file.
        shard_above_bytes: a directory that is estimated larger is sharded.
        shard_estimate: what is estimated, names and CIDs of the links or the whole block.
    """

    name: str
    cid_version: Literal[0, 1]
    raw_leaves: bool
    chunk_bytes: int
    max_links: int
    shard_above_bytes: int = 2**18
    shard_estimate: Literal["links", "block"] = "links"

    def __post_init__(self) -> None:
        if not 1 <= self.chunk_bytes <= MAX_CHUNK_BYTES:
            raise ConfigError("chunk_bytes", f"{self.chunk_bytes} is not between 1 and {MAX_CHUNK_BYTES}")
        if not 2 <= self.max_links <= MAX_LINKS:
            raise ConfigError("max_links", f"{self.max_links} is not between 2 and {MAX_LINKS}")


UNIXFS_V1_2025 = ImportProfile("unixfs-v1-2025", 1, True, 2**20, 1024, shard_estimate="block")
UNIXFS_V0_2015 = ImportProfile("unixfs-v0-2015", 0, False, 2**18, 174)
CIDV1_RAW_256KIB_174 = ImportProfile("cidv1-raw-256KiB-174", 1, True, 2**18, 174)

PROFILES = {profile.name: profile for profile in (UNIXFS_V1_2025, UNIXFS_V0_2015, CIDV1_RAW_256KIB_174)}


def profile_named(name: str) -> ImportProfile:
    """The profile of that name.

    Raises:
        ConfigError: there is none; the text lists those that exist.
    """
    if name not in PROFILES:
        raise ConfigError("profile", f"{name!r} is unknown; choose one of {', '.join(PROFILES)}")
    return PROFILES[name]
