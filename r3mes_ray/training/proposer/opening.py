"""Opening a round: what a proposer fixes on chain for everybody."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainClient, send
from r3mes_ray.chain.records import RoundRecord
from r3mes_ray.errors import TxRejected
from r3mes_ray.settings import TrainingSettings
from r3mes_ray.training.gate.held_out import held_out
from r3mes_ray.training.rules import RuleParameters, check_parameters
from r3mes_ray.training.rules.parameters import MAX_UPDATE_BYTES
from r3mes_ray.types import RoundId, TxHash
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgOpenRound


@dataclass(frozen=True, slots=True)
class PhaseBlocks:
    """Lengths of a round's phases in blocks; 0 takes the chain's default."""

    submit: int = 0
    commit: int = 0
    reveal: int = 0
    challenge: int = 0


@dataclass(frozen=True, slots=True)
class OpenedRound:
    """A round that was opened, with the last height of each phase."""

    round_id: RoundId
    expert: str
    start_version: int
    rule: str
    rule_parameters: str
    tx_hash: TxHash
    height: int
    submit_end: int
    commit_end: int
    reveal_end: int
    challenge_end: int


def parameters_of(training: TrainingSettings, limit: int | None) -> RuleParameters:
    """The rule's parameters that a node's settings ask for; reads the evaluation gate's text, for its hash.

    Raises:
        InvalidInput: the text cannot be read.
    """
    gate = held_out(training.evaluation)
    return RuleParameters(
        rank=training.target_rank,
        min_updates=training.min_updates,
        max_update_bytes=None if training.max_update_bytes == MAX_UPDATE_BYTES else training.max_update_bytes,
        limit=limit,
        faults=training.faults,
        if_too_few=training.if_too_few,
        before=training.before,
        weight_cap=training.weight_cap,
        keep=training.keep,
        iterations=training.iterations,
        radius=training.radius,
        outer_learning_rate=training.outer_learning_rate,
        outer_momentum=training.outer_momentum,
        outer_method=training.outer_method,
        gate_sha256=None if gate is None else gate.sha256,
        gate_margin_nats=None if gate is None else gate.margin_nats,
        gate_window_tokens=None if gate is None else gate.window_tokens,
    )


async def open_or_join(
    client: ChainClient, expert_name: str, training: TrainingSettings, limit: int | None, blocks: PhaseBlocks
) -> OpenedRound | RoundRecord:
    """The expert's open round, whoever opened it; where there is none, one that is opened as the settings ask for.

    Raises:
        NotOnChain: there is no such expert.
        InvalidInput: a rule, parameters or a text that no round can be opened with.
        TxRejected: the account is no proposer.
    """
    found = await queries.open_round(client, expert_name)
    if found is not None:
        return found
    parameters = await asyncio.to_thread(parameters_of, training, limit)
    try:
        return await open_round(client, expert_name, parameters, blocks, training.rule)
    except TxRejected:
        # Another proposer may have been faster; if not, the refusal stands.
        found = await queries.open_round(client, expert_name)
        if found is None:
            raise
        return found


async def open_round(
    client: ChainClient, expert_name: str, parameters: RuleParameters, blocks: PhaseBlocks, rule: str
) -> OpenedRound:
    """Open a round that starts from the expert's current version.

    Raises:
        NotOnChain: there is no such expert.
        InvalidInput: a rule that this version cannot compute, or parameters that it cannot take.
        TxRejected: the account is no proposer, or the expert has an open round.
    """
    check_parameters(rule, parameters)
    expert = await queries.expert(client, expert_name)
    message = MsgOpenRound(
        proposer=client.address,
        expert=expert.name,
        start_version=expert.version,
        rule=rule,
        rule_parameters=parameters.to_json(),
        submit_blocks=blocks.submit,
        commit_blocks=blocks.commit,
        reveal_blocks=blocks.reveal,
        challenge_blocks=blocks.challenge,
    )
    result = await send(client, [message])
    opened = await queries.open_round(client, expert_name)
    record = opened or (await queries.rounds(client, expert_name))[0]
    return OpenedRound(
        round_id=record.round_id,
        expert=record.expert,
        start_version=record.start_version,
        rule=record.rule,
        rule_parameters=record.rule_parameters,
        tx_hash=result.tx_hash,
        height=result.height,
        submit_end=record.submit_end,
        commit_end=record.commit_end,
        reveal_end=record.reveal_end,
        challenge_end=record.challenge_end,
    )
