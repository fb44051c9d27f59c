"""Opening a training round."""

from __future__ import annotations

import json
import re

import rfc8785

from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    EXPERT_NOT_FOUND,
    EXPERT_RETIRED,
    INVALID_PARAMETER,
    ROUND_OPEN,
    STALE_VERSION,
    Refused,
)
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import check_proposer
from r3mes_ray.localnet.records import EXPERT_ROUNDS, EXPERTS, LIVE_ROUNDS, ROUNDS, expert_key, next_id, u64
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgOpenRound, MsgOpenRoundResponse
from r3mes_ray.wire.r3mes.v1.types_pb2 import Expert, Round

_RULE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_MAX_PARAMETER_CHARS = 2048
_MAX_NESTING = 16


def open_round(ctx: Context, message: MsgOpenRound) -> MsgOpenRoundResponse:
    """Open the expert's next round; its four deadlines are fixed from here on."""
    check_proposer(ctx, parse_address(message.proposer, ctx.chain.prefix))
    expert = EXPERTS.get(ctx.state, message.expert.encode())
    if expert is None:
        raise Refused(EXPERT_NOT_FOUND, message.expert[:80])
    if expert.retired_height:
        raise Refused(EXPERT_RETIRED, f"{expert.name} was retired at height {expert.retired_height}")
    if expert.has_open_round:
        raise Refused(ROUND_OPEN, f"{expert.name} has round {expert.open_round_id}")
    if message.start_version != expert.version:
        raise Refused(
            STALE_VERSION, f"{expert.name} is at {expert.version}, the round starts at {message.start_version}"
        )
    if _RULE.fullmatch(message.rule) is None:
        raise Refused(INVALID_PARAMETER, f"{message.rule[:80]!r} is no rule's name")
    _check_rule_parameters(message.rule_parameters)
    opened = _round(ctx, message, expert, next_id(ctx.state, "round"))
    ROUNDS.put(ctx.state, opened, u64(opened.round_id))
    LIVE_ROUNDS.put(ctx.state, opened.round_id, u64(opened.round_id))
    EXPERT_ROUNDS.put(ctx.state, opened.round_id, expert_key(expert.name), u64(opened.round_id))
    expert.has_open_round = True
    expert.open_round_id = opened.round_id
    EXPERTS.put(ctx.state, expert, expert.name.encode())
    ctx.emit("open_round", proposer=message.proposer, training_round_id=opened.round_id, expert=expert.name)
    return MsgOpenRoundResponse(
        round_id=opened.round_id,
        submit_end=opened.submit_end,
        commit_end=opened.commit_end,
        reveal_end=opened.reveal_end,
        challenge_end=opened.challenge_end,
    )


def _round(ctx: Context, message: MsgOpenRound, expert: Expert, round_id: int) -> Round:
    defaults = ctx.parameters
    submit_end = ctx.height + _length(ctx, message.submit_blocks, defaults.submit_blocks, "submit")
    commit_end = submit_end + _length(ctx, message.commit_blocks, defaults.commit_blocks, "commit")
    reveal_end = commit_end + _length(ctx, message.reveal_blocks, defaults.reveal_blocks, "reveal")
    return Round(
        round_id=round_id,
        expert=expert.name,
        base_model=expert.base_model,
        base_hash=expert.base_hash,
        start_version=expert.version,
        start_cid=expert.history[-1].adapter_cid if expert.history else "",
        rule=message.rule,
        rule_parameters=message.rule_parameters,
        weight_height=submit_end,
        opened_height=ctx.height,
        submit_end=submit_end,
        commit_end=commit_end,
        reveal_end=reveal_end,
        challenge_end=reveal_end + _length(ctx, message.challenge_blocks, defaults.challenge_blocks, "challenge"),
        opened_by=message.proposer,
    )


def _length(ctx: Context, asked: int, default: int, phase: str) -> int:
    low, high = ctx.parameters.min_phase_blocks, ctx.parameters.max_phase_blocks
    if asked and not low <= asked <= high:
        raise Refused(INVALID_PARAMETER, f"{phase}_blocks {asked} is outside {low} to {high}")
    return asked or default


def _check_rule_parameters(text: str) -> None:
    """Refuse what is not a JSON object in its RFC 8785 form; empty stands for no parameters."""
    if not text:
        return
    if len(text) > _MAX_PARAMETER_CHARS or text.count("{") + text.count("[") > _MAX_NESTING:
        raise Refused(INVALID_PARAMETER, "rule_parameters are too long or too deep")
    try:
        parsed = json.loads(text)
        canonical = isinstance(parsed, dict) and rfc8785.dumps(parsed) == text.encode()
    except (ValueError, rfc8785.CanonicalizationError) as error:
        raise Refused(INVALID_PARAMETER, f"rule_parameters are not JSON: {error}") from error
    if not canonical:
        raise Refused(INVALID_PARAMETER, "rule_parameters are not an object in RFC 8785 form")
