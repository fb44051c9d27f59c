"""From messages to records. What a node answers is checked here: amounts, enums, and fields that must be there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from r3mes_ray.chain.records import (
    Account,
    AggregationRecord,
    BlockRecord,
    Coin,
    CommitmentRecord,
    ExpertRecord,
    ExpertVersionRecord,
    NodeRecord,
    ParamsRecord,
    RoundPhase,
    RoundRecord,
    StatisticsRecord,
    TxRecord,
    UpdateRecord,
    UpdateWeightRecord,
)
from r3mes_ray.chain.tx import hash_of
from r3mes_ray.errors import InvalidInput
from r3mes_ray.types import Address, Cid, RoundId, TxHash, UpdateId
from r3mes_ray.wire.cosmos.auth.v1beta1 import auth_pb2
from r3mes_ray.wire.cosmos.base.v1beta1 import coin_pb2
from r3mes_ray.wire.cosmos.crypto.secp256k1 import keys_pb2
from r3mes_ray.wire.cosmos.tx.v1beta1 import service_pb2
from r3mes_ray.wire.r3mes.v1 import query_pb2, types_pb2
from r3mes_ray.wire.remes.remes.v1 import node_pb2, state_pb2, stored_gradient_pb2
from r3mes_ray.wire.remes.remes.v1 import query_pb2 as remes
from r3mes_ray.wire.tendermint.types import block_pb2
from r3mes_ray.wire.tendermint.types import types_pb2 as tendermint

_PHASES: Mapping[int, RoundPhase] = {
    types_pb2.ROUND_PHASE_SUBMIT: RoundPhase.SUBMIT,
    types_pb2.ROUND_PHASE_COMMIT: RoundPhase.COMMIT,
    types_pb2.ROUND_PHASE_REVEAL: RoundPhase.REVEAL,
    types_pb2.ROUND_PHASE_CHALLENGE: RoundPhase.CHALLENGE,
    types_pb2.ROUND_PHASE_FINALIZE: RoundPhase.FINALIZE,
    types_pb2.ROUND_PHASE_DONE: RoundPhase.DONE,
    types_pb2.ROUND_PHASE_FAILED: RoundPhase.FAILED,
}

_AMOUNTS = ("miner_reward", "proposer_reward", "supply_cap", "dataset_deposit", "proposal_deposit")
"""Parameters that the wire has as bare numbers of the base denomination."""


def amount(text: str) -> int:
    """An amount of coins, which travels as decimal digits; empty means 0. Raises InvalidInput."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or len(text) > 78:
        raise InvalidInput("amount of coins", f"{text[:80]!r} is not a number")
    return int(text)


def coin(message: coin_pb2.Coin) -> Coin:
    """One coin."""
    return Coin(amount(message.amount), message.denom)


def rfc3339(time: Timestamp) -> str:
    """A time as text. Raises InvalidInput for one outside the years 1 to 9999."""
    try:
        return time.ToJsonString()
    except ValueError as error:
        raise InvalidInput("time of a block", str(error)) from error


def account_record(packed: Any) -> Account:
    """An account of the kind BaseAccount, or of a module. Raises InvalidInput for other kinds."""
    base, module, key = auth_pb2.BaseAccount(), auth_pb2.ModuleAccount(), keys_pb2.PubKey()
    try:
        if packed.Unpack(module):
            base = module.base_account
        elif not packed.Unpack(base):
            raise InvalidInput("account", f"its kind {packed.type_url[:100]!r} is not supported")
        public_key = key.key if base.HasField("pub_key") and base.pub_key.Unpack(key) else b""
    except DecodeError as error:
        raise InvalidInput("account", f"its bytes cannot be read: {error}") from error
    return Account(Address(base.address), base.account_number, base.sequence, public_key)


def expert_record(message: types_pb2.Expert) -> ExpertRecord:
    """One expert, its versions in ascending order."""
    history = (
        ExpertVersionRecord(
            entry.version,
            Cid(entry.adapter_cid),
            RoundId(entry.round_id),
            entry.aggregation_id,
            entry.finalized_height,
        )
        for entry in message.history
    )
    return ExpertRecord(
        name=message.name,
        owner=Address(message.owner),
        base_model=message.base_model,
        base_hash=message.base_hash,
        description=Cid(message.description_cid) if message.description_cid else None,
        bond=coin(message.bond),
        version=message.version,
        history=tuple(sorted(history, key=lambda entry: entry.version)),
        registered_height=message.registered_height,
        open_round=RoundId(message.open_round_id) if message.has_open_round else None,
        retired_height=message.retired_height,
    )


def round_record(message: types_pb2.Round) -> RoundRecord:
    """One round. Raises InvalidInput for a phase that is not known here."""
    phase = _PHASES.get(message.phase)
    if phase is None:
        raise InvalidInput(f"round {message.round_id}", f"the node says phase {message.phase}, which is not known here")
    return RoundRecord(
        round_id=RoundId(message.round_id),
        expert=message.expert,
        base_model=message.base_model,
        base_hash=message.base_hash,
        start_version=message.start_version,
        start=Cid(message.start_cid) if message.start_cid else None,
        rule=message.rule,
        rule_parameters=message.rule_parameters,
        weight_height=message.weight_height,
        opened_height=message.opened_height,
        submit_end=message.submit_end,
        commit_end=message.commit_end,
        reveal_end=message.reveal_end,
        challenge_end=message.challenge_end,
        phase=phase,
        opened_by=Address(message.opened_by),
        updates=message.gradient_count,
        aggregation=message.aggregation_id if message.has_aggregation else None,
    )


def update_record(message: stored_gradient_pb2.StoredGradient) -> UpdateRecord:
    """One update."""
    return UpdateRecord(
        update_id=UpdateId(message.id),
        miner=Address(message.miner),
        cid=Cid(message.ipfs_hash),
        model_version=message.model_version,
        round_id=RoundId(message.training_round_id),
        gradient_hash=message.gradient_hash,
        submitted_height=message.submitted_at_height,
        status=message.status,
        claimed_loss=message.claimed_loss,
    )


def weight_record(message: types_pb2.UpdateWeight) -> UpdateWeightRecord:
    """What weighs one update. Raises InvalidInput for a trust above 1000, or a stake that is no amount."""
    if message.trust > 1000:
        raise InvalidInput(f"trust of {message.miner[:80]}", f"{message.trust} is above 1000")
    return UpdateWeightRecord(
        UpdateId(message.gradient_id), Address(message.miner), message.trust, amount(message.stake.amount)
    )


def commitment_record(message: state_pb2.AggregationCommitment) -> CommitmentRecord:
    """One commitment; its aggregation counts only once it is revealed, for 0 is an id."""
    return CommitmentRecord(
        commitment_id=message.commitment_id,
        proposer=Address(message.proposer),
        commitment_hash=message.commitment_hash,
        round_id=RoundId(message.training_round_id),
        participants=tuple(UpdateId(number) for number in message.participant_gradient_ids),
        committed_height=message.committed_at_height,
        reveal_deadline=message.reveal_deadline_height,
        status=message.status,
        aggregation=message.revealed_aggregation_id if message.status == "revealed" else None,
    )


def aggregation_record(message: state_pb2.AggregationRecord) -> AggregationRecord:
    """One revealed aggregate."""
    return AggregationRecord(
        aggregation_id=message.aggregation_id,
        proposer=Address(message.proposer),
        aggregate=Cid(message.aggregated_gradient_ipfs_hash),
        merkle_root=message.merkle_root,
        participants=tuple(UpdateId(number) for number in message.participant_gradient_ids),
        round_id=RoundId(message.training_round_id),
        model_version=message.model_version,
        submitted_height=message.submitted_at_height,
        status=message.status,
        challenge_deadline=message.challenge_deadline_height,
    )


def params_record(message: query_pb2.QueryParamsResponse) -> ParamsRecord:
    """The chain's parameters; what an older node does not name is empty or 0."""
    flat = message.DESCRIPTOR.fields_by_name
    named = [field.name for field in dataclasses.fields(ParamsRecord)]
    values = {name: getattr(message if name in flat else message.parameters, name) for name in named}
    for name in _AMOUNTS:
        values[name] = f"{values[name]}{message.denom}" if values[name] else ""
    return ParamsRecord(**values)


def node_record(message: node_pb2.NodeRegistration) -> NodeRecord:
    """One node; a role or status without a name here keeps its number."""
    return NodeRecord(
        address=Address(message.node_address),
        roles=tuple(_word(node_pb2.NodeType, "NODE_TYPE_", role) for role in message.roles),
        stake=message.stake,
        status=_word(node_pb2.NodeStatus, "NODE_STATUS_", message.status),
        registered_height=message.registered_at_height,
    )


def statistics_record(message: remes.QueryStatisticsResponse) -> StatisticsRecord:
    """Counts of the whole chain."""
    return StatisticsRecord(
        miners=message.total_miners,
        active_miners=message.active_miners,
        updates=message.total_gradients,
        pending_updates=message.pending_gradients,
        aggregations=message.total_aggregations,
        pending_aggregations=message.pending_aggregations,
        height=message.last_updated,
    )


def tx_record(message: service_pb2.GetTxResponse) -> TxRecord:
    """One transaction in a block."""
    response = message.tx_response
    return TxRecord(
        tx_hash=TxHash(response.txhash),
        height=response.height,
        code=response.code,
        codespace=response.codespace,
        log=response.raw_log,
        gas_wanted=response.gas_wanted,
        gas_used=response.gas_used,
        memo=message.tx.body.memo,
        messages=tuple(packed.type_url for packed in message.tx.body.messages),
    )


def block_record(block_id: tendermint.BlockID, block: block_pb2.Block) -> BlockRecord:
    """One block."""
    return BlockRecord(
        chain_id=block.header.chain_id,
        height=block.header.height,
        time=rfc3339(block.header.time),
        block_hash=block_id.hash.hex().upper(),
        app_hash=block.header.app_hash.hex().upper(),
        transactions=tuple(hash_of(raw) for raw in block.data.txs),
    )


def _word(enum: type[node_pb2.NodeType] | type[node_pb2.NodeStatus], prefix: str, number: int) -> str:
    known = enum.DESCRIPTOR.values_by_number.get(number)
    return known.name.removeprefix(prefix).lower() if known else str(number)
