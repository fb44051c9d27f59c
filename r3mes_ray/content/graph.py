"""What is below a CID in a store, each block visited once however often it is linked."""

from __future__ import annotations

from collections.abc import Callable

from r3mes_ray.content.unixfs import FileNode, children_of, read_node
from r3mes_ray.protocol.cid import RAW, CidParts


def measure(
    root: CidParts,
    read: Callable[[CidParts], bytes],
    raw_size: Callable[[CidParts], int],
    known: dict[CidParts, int],
) -> int:
    """File bytes below `root`, a child that is linked twice counted twice; every node met is entered into `known`.

    Blocks of codec raw are not read: `raw_size` says how large they are, and may raise when one is missing. `known` is
    carried from one call to the next, so that what several roots share is visited once.

    Raises:
        ContentError: from `read`, or a node that is no UnixFS.
    """
    own: dict[CidParts, int] = {}
    children: dict[CidParts, tuple[CidParts, ...]] = {}
    stack = [root]
    while stack:
        cid = stack[-1]
        if cid in known or cid in children:
            stack.pop()
            if cid not in known:
                known[cid] = own.pop(cid) + sum(known[child] for child in children.pop(cid))
        elif cid.codec == RAW:
            known[cid] = raw_size(cid)
        else:
            own[cid], children[cid] = _expand(cid, read(cid))
            stack.extend(child for child in children[cid] if child not in known)
    return known[root]


def _expand(cid: CidParts, block: bytes) -> tuple[int, tuple[CidParts, ...]]:
    node = read_node(cid, block)
    return len(node.data) if isinstance(node, FileNode) else 0, children_of(node)
