"""The two rule sets: what a commitment and a root are. Which one holds is a parameter of the chain.

v2 is ours (`protocol.commitment`, `protocol.merkle`); v1 is the predecessor's commitment and Merkle tree, bit for bit:
ids in the committed order, fields trimmed as Go trims them, CIDs by their first letters only in v0 or v1 text.
Phases, roles and bonds are the same under both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from r3mes_ray.errors import InvalidInput
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import INVALID_GRADIENT_ID, INVALID_IPFS_HASH, INVALID_PARAMETER, Refused
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import checked_cid
from r3mes_ray.protocol.commitment import check_commitment_text, commitment_hash, commitment_hash_v1
from r3mes_ray.protocol.merkle import UpdateLeaf, merkle_root, merkle_root_v1
from r3mes_ray.types import Cid
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgRevealAggregation

_HEX = re.compile(r"[0-9a-f]{64}")
_CID_V1_RULES = re.compile(r"(Qm|bafy|bafk)[A-Za-z0-9]{4,120}")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What differs between the sets.

    Attributes:
        check_commitment: refuses a text that is no commitment of this set.
        check_ids: refuses the ids of a commitment, of a round whose updates have the second ids.
        check_cid: the CID of an aggregate, where it has the set's form.
        root: the root over accepted updates, in the order of the message.
        commitment: what a reveal must have been committed to.
    """

    check_commitment: Callable[[str], None]
    check_ids: Callable[[Sequence[int], Sequence[int]], None]
    check_cid: Callable[[str, str], Cid]
    root: Callable[[Context, Sequence[StoredGradient]], str]
    commitment: Callable[[Context, MsgRevealAggregation], str]


def rules_of(ctx: Context) -> RuleSet:
    """The rule set that holds now."""
    return V1 if ctx.parameters.rule_set == "v1" else V2


def _check_commitment_v2(text: str) -> None:
    try:
        check_commitment_text(text)
    except InvalidInput as error:
        raise Refused(INVALID_PARAMETER, str(error)) from error


def _check_commitment_v1(text: str) -> None:
    if _HEX.fullmatch(text) is None:
        raise Refused(INVALID_PARAMETER, f"{text[:80]!r} is not 64 lower-case hex digits")


def _check_ids_v2(given: Sequence[int], full: Sequence[int]) -> None:
    if list(given) != list(full):
        raise Refused(INVALID_GRADIENT_ID, f"the round has {len(full)} updates; all must be named in order")


def _check_ids_v1(given: Sequence[int], full: Sequence[int]) -> None:
    if not given or len(set(given)) != len(given) or not set(given) <= set(full):
        raise Refused(INVALID_GRADIENT_ID, "name updates of the round, at least one and each once")


def _check_cid_v1(text: str, field: str) -> Cid:
    if _CID_V1_RULES.fullmatch(text) is None:
        raise Refused(INVALID_IPFS_HASH, f"{field}: {text[:80]!r} does not begin with Qm, bafy or bafk")
    return Cid(text)


def _root_v2(ctx: Context, updates: Sequence[StoredGradient]) -> str:
    return merkle_root(
        [UpdateLeaf(u.id, Cid(u.ipfs_hash), u.gradient_hash, parse_address(u.miner, ctx.chain.prefix)) for u in updates]
    )


def _root_v1(ctx: Context, updates: Sequence[StoredGradient]) -> str:
    return merkle_root_v1([update.gradient_hash for update in updates])


def _commitment_v2(ctx: Context, message: MsgRevealAggregation) -> str:
    return commitment_hash(
        ctx.chain.chain_id,
        parse_address(message.proposer, ctx.chain.prefix),
        message.training_round_id,
        message.model_version,
        Cid(message.aggregated_gradient_ipfs_hash),
        message.merkle_root,
        message.participant_gradient_ids,
        message.salt,
    )


def _commitment_v1(ctx: Context, message: MsgRevealAggregation) -> str:
    if not message.salt.strip():
        raise InvalidInput("salt", "it is empty")
    return commitment_hash_v1(
        message.proposer,
        message.aggregated_gradient_ipfs_hash,
        message.merkle_root,
        message.participant_gradient_ids,
        message.salt,
    )


V1 = RuleSet(_check_commitment_v1, _check_ids_v1, _check_cid_v1, _root_v1, _commitment_v1)
V2 = RuleSet(_check_commitment_v2, _check_ids_v2, checked_cid, _root_v2, _commitment_v2)
