"""One file per family of messages; a handler is a function of the context and the message.

A type that is on the wire but not here is refused by name: its rules are not written yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers import aggregation, bank, endpoints, experts, nodes, rounds, updates
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgAnnounceContent, MsgOpenRound, MsgRegisterExpert
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgCommitAggregation,
    MsgRegisterNode,
    MsgRevealAggregation,
    MsgSubmitAggregation,
    MsgSubmitGradient,
)

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class MessageRule:
    """How one type of message is executed, and what that costs."""

    gas: int
    execute: Callable[[Context, Any], Message]


def _route(kind: type[M], gas: int, execute: Callable[[Context, M], Message]) -> tuple[str, MessageRule]:
    return type_url(kind), MessageRule(gas, execute)


RULES = dict(
    (
        _route(MsgSend, 20_000, bank.send),
        _route(MsgRegisterNode, 50_000, nodes.register_node),
        _route(MsgRegisterExpert, 50_000, experts.register_expert),
        _route(MsgAnnounceContent, 50_000, endpoints.announce_content),
        _route(MsgOpenRound, 50_000, rounds.open_round),
        _route(MsgSubmitGradient, 50_000, updates.submit_gradient),
        _route(MsgCommitAggregation, 50_000, aggregation.commit),
        _route(MsgRevealAggregation, 100_000, aggregation.reveal),
        _route(MsgSubmitAggregation, 100_000, aggregation.submit),
    )
)
"""Type url → rule."""
