"""Checks of text fields that several messages share."""

from __future__ import annotations

import re

from r3mes_ray.errors import InvalidCid, InvalidInput
from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    INVALID_GRADIENT_HASH,
    INVALID_IPFS_HASH,
    INVALID_PARAMETER,
    NOT_AUTHORIZED,
    PROPOSER_NOT_FOUND,
    ROUND_NOT_FOUND,
    WRONG_PHASE,
    Code,
    Refused,
)
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.records import NODES, ROUNDS, u64
from r3mes_ray.localnet.rounds import phase_at
from r3mes_ray.protocol.cid import parse_cid_v1
from r3mes_ray.protocol.framing import hex32
from r3mes_ray.types import Cid
from r3mes_ray.wire.r3mes.v1.types_pb2 import Round, RoundPhase
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NODE_STATUS_ACTIVE, NODE_TYPE_PROPOSER

HARDWARE = re.compile(r"([A-Za-z0-9][A-Za-z0-9 ._-]{0,63})?")
"""Name of a GPU; empty on a CPU."""


def checked_cid(text: str, field: str) -> Cid:
    """The CID itself when it is a canonical CIDv1.

    Raises:
        Refused: INVALID_IPFS_HASH.
    """
    try:
        return parse_cid_v1(text).text
    except InvalidCid as error:
        raise Refused(INVALID_IPFS_HASH, f"{field}: {error}") from error


def check_gradient_hash(text: str) -> None:
    """Refuse what is not 64 lower-case hex digits.

    Raises:
        Refused: INVALID_GRADIENT_HASH.
    """
    try:
        hex32(text, "gradient_hash")
    except InvalidInput as error:
        raise Refused(INVALID_GRADIENT_HASH, str(error)) from error


def checked_text(text: str, field: str, low: int, high: int, code: Code = INVALID_PARAMETER) -> str:
    """The text itself when its length is within bounds.

    Raises:
        Refused: `code`.
    """
    if not low <= len(text) <= high:
        raise Refused(code, f"{field} has {len(text)} characters, allowed are {low} to {high}")
    return text


def check_authority(ctx: Context, address: str) -> None:
    """Refuse who is not the gov account, which only a passed proposal speaks for.

    Raises:
        Refused: NOT_AUTHORIZED.
    """
    if parse_address(address, ctx.chain.prefix) != ledger.GOV:
        raise Refused(NOT_AUTHORIZED, f"{address} is not the gov account")


def check_proposer(ctx: Context, account: bytes) -> None:
    """Refuse an account that is no active proposer.

    Raises:
        Refused: PROPOSER_NOT_FOUND.
    """
    node = NODES.get(ctx.state, account)
    if node is None or NODE_TYPE_PROPOSER not in node.roles or node.status != NODE_STATUS_ACTIVE:
        raise Refused(PROPOSER_NOT_FOUND, "the signer is not registered as an active proposer with enough stake")


def round_in(ctx: Context, round_id: int, needed: RoundPhase, action: str) -> Round:
    """A round that is in the phase that an action needs.

    Raises:
        Refused: ROUND_NOT_FOUND, WRONG_PHASE.
    """
    found = round_of(ctx, round_id)
    phase = phase_at(found, ctx.height)
    if phase != needed:
        name, is_now = (RoundPhase.Name(p).removeprefix("ROUND_PHASE_").lower() for p in (needed, phase))
        raise Refused(
            WRONG_PHASE, f"round {round_id}: {action} needs phase {name}, at height {ctx.height} it is {is_now}"
        )
    return found


def round_of(ctx: Context, round_id: int) -> Round:
    """A round.

    Raises:
        Refused: ROUND_NOT_FOUND.
    """
    found = ROUNDS.get(ctx.state, u64(round_id))
    if found is None:
        raise Refused(ROUND_NOT_FOUND, f"round {round_id}")
    return found
