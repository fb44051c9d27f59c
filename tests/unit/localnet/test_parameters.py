"""Parameters of r3mes.v1 changed by proposals: those that are named, within their limits, all or none."""

from __future__ import annotations

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from r3mes_ray.localnet.genesis import parameters_of
from r3mes_ray.localnet.ledger import GOV
from r3mes_ray.localnet.parameters import AMOUNTS, Parameters
from r3mes_ray.localnet.queries import r3mes
from r3mes_ray.localnet.records import PROPOSALS, u64
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.protocol.address import format_address
from r3mes_ray.wire.cosmos.gov.v1.gov_pb2 import ProposalStatus
from r3mes_ray.wire.cosmos.gov.v1.tx_pb2 import MsgSubmitProposal, MsgVote
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryParamsRequest
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgUpdateParams
from r3mes_ray.wire.r3mes.v1.types_pb2 import Params

AUTHORITY = format_address(GOV, "remes")


@pytest.fixture
def voters(make_lab):
    """Alice has all the stake; a vote lasts three blocks of a second."""
    lab = make_lab(voting_period_s=3)
    lab.register_proposer(lab.alice)
    return lab


def _pass(lab, message: MsgUpdateParams) -> tuple[str, str]:
    """Propose, vote with all stake, and wait; returns the status, and why it failed."""
    packed = AnyMessage(type_url=type_url(message), value=message.SerializeToString(deterministic=True))
    proposal = MsgSubmitProposal(
        messages=[packed],
        initial_deposit=[lab.coin(10_000_000)],
        proposer=lab.address(lab.alice),
        title="t",
        summary="s",
    )
    number = lab.ok(lab.alice, proposal).proposal_id
    lab.ok(lab.alice, MsgVote(proposal_id=number, voter=lab.address(lab.alice), option=1))
    lab.to_height(lab.node.height + 3)
    found = PROPOSALS.get(lab.node.store, u64(number))
    return ProposalStatus.Name(found.status).removeprefix("PROPOSAL_STATUS_"), found.failed_reason


def test_params_that_a_proposal_names_change_and_the_others_stay(voters) -> None:
    before = parameters_of(voters.node.store)
    changes = Params(max_phase_blocks=9, miner_reward=str(10**20), min_gas_price="0", absent_slash=0)
    assert _pass(voters, MsgUpdateParams(authority=AUTHORITY, changes=changes)) == ("PASSED", "")
    expected = {"max_phase_blocks": 9, "miner_reward": 10**20, "min_gas_price": "0", "absent_slash": 0}
    assert parameters_of(voters.node.store) == before.model_copy(update=expected)
    voters.ok(voters.alice, voters.register_expert(voters.alice))
    long = voters.open_message(voters.alice)
    long.submit_blocks = 10
    assert voters.code(voters.alice, long) == ("remes", 1019)
    assert voters.ok(voters.alice, voters.open_message(voters.alice)).round_id == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (Params(), "no parameter is named"),
        (Params(submit_blocks=0), "submit_blocks"),
        (Params(quorum=10_001), "quorum"),
        (Params(min_phase_blocks=10, max_phase_blocks=9), "min_phase_blocks is above max_phase_blocks"),
        (Params(max_block_bytes=4096), "max_tx_bytes is above max_block_bytes"),
        (Params(expert_bond="-1"), "expert_bond '-1' is not a whole number"),
        (Params(supply_cap="9" * 39), "supply_cap"),
        (Params(min_gas_price="free"), "min_gas_price"),
        (Params(grace_blocks=5, proof_of_work_bits=33), "proof_of_work_bits"),
    ],
)
def test_params_out_of_range_fail_and_change_nothing(voters, changes: Params, reason: str) -> None:
    before = parameters_of(voters.node.store)
    status, told = _pass(voters, MsgUpdateParams(authority=AUTHORITY, changes=changes))
    assert status == "FAILED"
    assert reason in told
    assert told.endswith("invalid parameter")
    assert parameters_of(voters.node.store) == before


def test_params_cannot_be_changed_in_one_s_own_name(lab) -> None:
    message = MsgUpdateParams(authority=lab.address(lab.alice), changes=Params(grace_blocks=9))
    assert lab.code(lab.alice, message) == ("remes", 1017)


def test_params_of_the_wire_are_those_of_the_chain_except_the_rule_set(lab) -> None:
    names = {field.name for field in Params.DESCRIPTOR.fields}
    assert names == set(Parameters.model_fields) - {"rule_set"}
    told = r3mes.params(lab.node, QueryParamsRequest()).parameters
    held = parameters_of(lab.node.store).model_dump()
    for field in told.DESCRIPTOR.fields:
        value = getattr(told, field.name)
        assert (int(value) if field.name in AMOUNTS else value) == held[field.name]
