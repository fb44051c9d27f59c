"""One file per family of messages; a handler is a function of the context and the message.

A type that is on the wire but not here is refused by name: its rules are not written yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers import (
    aggregation,
    appeals,
    bank,
    challenges,
    datasets,
    endpoints,
    experts,
    governance,
    inference,
    models,
    nodes,
    parameters,
    rounds,
    stakes,
    tasks,
    updates,
)
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.gov.v1.tx_pb2 import MsgDeposit, MsgSubmitProposal, MsgVote
from r3mes_ray.wire.r3mes.v1 import tx_pb2 as r3mes
from r3mes_ray.wire.r3mes.v1.tx_pb2 import (
    MsgAddStake,
    MsgAnnounceContent,
    MsgOpenRound,
    MsgRegisterExpert,
    MsgRetireExpert,
    MsgWithdrawStake,
)
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgActivateModel,
    MsgAppealSlashing,
    MsgChallengeAggregation,
    MsgClaimTask,
    MsgCommitAggregation,
    MsgCompleteTask,
    MsgMarkDatasetAsOfficial,
    MsgProposeDataset,
    MsgRegisterModel,
    MsgRegisterNode,
    MsgRemoveDataset,
    MsgRequestInference,
    MsgResolveChallenge,
    MsgRevealAggregation,
    MsgSubmitAggregation,
    MsgSubmitCPUVerification,
    MsgSubmitGradient,
    MsgSubmitInferenceResult,
    MsgSubmitRandomVerifierResult,
    MsgUpdateNodeRegistration,
    MsgUpdateParams,
    MsgUpdateServingNodeStatus,
    MsgVoteDataset,
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
        _route(MsgUpdateNodeRegistration, 50_000, nodes.update_registration),
        _route(MsgAddStake, 30_000, stakes.add_stake),
        _route(MsgWithdrawStake, 30_000, stakes.withdraw_stake),
        _route(MsgRegisterExpert, 50_000, experts.register_expert),
        _route(MsgRetireExpert, 30_000, experts.retire_expert),
        _route(MsgAnnounceContent, 50_000, endpoints.announce_content),
        _route(MsgOpenRound, 50_000, rounds.open_round),
        _route(MsgSubmitGradient, 50_000, updates.submit_gradient),
        _route(MsgCommitAggregation, 50_000, aggregation.commit),
        _route(MsgRevealAggregation, 100_000, aggregation.reveal),
        _route(MsgSubmitAggregation, 100_000, aggregation.submit),
        _route(MsgChallengeAggregation, 100_000, challenges.challenge),
        _route(MsgSubmitRandomVerifierResult, 100_000, challenges.random_verifier_result),
        _route(MsgSubmitCPUVerification, 50_000, challenges.cpu_verification),
        _route(MsgResolveChallenge, 100_000, challenges.resolve),
        _route(MsgAppealSlashing, 100_000, appeals.appeal),
        _route(MsgSubmitProposal, 100_000, governance.submit_proposal),
        _route(MsgDeposit, 30_000, governance.deposit),
        _route(MsgVote, 30_000, governance.vote),
        _route(MsgUpdateParams, 50_000, parameters.update_params),
        _route(r3mes.MsgUpdateParams, 50_000, parameters.change_params),
        _route(MsgRegisterModel, 50_000, models.register_model),
        _route(MsgActivateModel, 30_000, models.activate_model),
        _route(MsgProposeDataset, 50_000, datasets.propose),
        _route(MsgVoteDataset, 30_000, datasets.vote),
        _route(MsgMarkDatasetAsOfficial, 50_000, datasets.mark_official),
        _route(MsgRemoveDataset, 30_000, datasets.remove),
        _route(MsgRequestInference, 50_000, inference.request_inference),
        _route(MsgSubmitInferenceResult, 50_000, inference.submit_result),
        _route(MsgUpdateServingNodeStatus, 30_000, inference.update_status),
        _route(MsgClaimTask, 30_000, tasks.claim),
        _route(MsgCompleteTask, 50_000, tasks.complete),
    )
)
"""Type url → rule."""
