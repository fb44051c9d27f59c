"""Proposals: deposit, vote, tally, and what a passed one does; each refusal by its code."""

from __future__ import annotations

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage

from r3mes_ray.localnet.genesis import parameters_of
from r3mes_ray.localnet.ledger import GOV, TREASURY, balance
from r3mes_ray.localnet.queries import gov, remes
from r3mes_ray.localnet.records import DEPOSITS, MODELS, PROPOSALS, u64
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.protocol.address import format_address
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.cosmos.gov.v1 import gov_pb2
from r3mes_ray.wire.cosmos.gov.v1.query_pb2 import QueryParamsRequest as GovParamsRequest
from r3mes_ray.wire.cosmos.gov.v1.query_pb2 import QueryProposalsRequest, QueryTallyResultRequest
from r3mes_ray.wire.cosmos.gov.v1.tx_pb2 import MsgDeposit, MsgSubmitProposal, MsgVote, MsgVoteWeighted
from r3mes_ray.wire.remes.remes.v1.model_pb2 import MODEL_TYPE_BITNET, ModelConfig
from r3mes_ray.wire.remes.remes.v1.query_pb2 import QueryParamsRequest
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgActivateModel, MsgRegisterModel, MsgUpdateParams

AUTHORITY = format_address(GOV, "remes")
YES, ABSTAIN, NO, VETO = 1, 2, 3, 4
FEE = 12_500


def _packed(message) -> AnyMessage:
    return AnyMessage(type_url=type_url(message), value=message.SerializeToString(deterministic=True))


def _propose(lab, *messages, deposit: int = 10_000_000, **changes) -> MsgSubmitProposal:
    packed = [_packed(message) for message in messages or (_params(lab),)]
    coins = [lab.coin(deposit)] if deposit else []
    fields = {"title": "t", "summary": "s", **changes}
    return MsgSubmitProposal(messages=packed, initial_deposit=coins, proposer=lab.address(lab.alice), **fields)


def _params(lab, **changes) -> MsgUpdateParams:
    held = remes.params(lab.node, QueryParamsRequest()).params
    held.nonce_window_size = 77
    for name, value in changes.items():
        setattr(held, name, value)
    return MsgUpdateParams(authority=AUTHORITY, params=held)


def _vote(lab, key, option: int, number: int = 1):
    return lab.ok(key, MsgVote(proposal_id=number, voter=lab.address(key), option=option))


def _pass(lab, message) -> str:
    """Propose, vote with all stake, and wait; returns the status."""
    number = lab.ok(lab.alice, _propose(lab, message)).proposal_id
    for key in (lab.alice, lab.dave):
        _vote(lab, key, YES, number)
    lab.to_height(lab.node.height + 20)
    return gov_pb2.ProposalStatus.Name(PROPOSALS.get(lab.node.store, u64(number)).status)


@pytest.fixture
def voters(make_lab):
    """Alice and Dave have equal stakes; a vote lasts twenty blocks of a second."""
    lab = make_lab(voting_period_s=20, deposit_period_s=20)
    lab.register_proposer(lab.alice)
    lab.register_proposer(lab.dave)
    return lab


def test_proposal_passed_changes_parameters_and_returns_the_deposit(voters) -> None:
    before = voters.balance(voters.alice)
    assert _pass(voters, _params(voters)) == "PROPOSAL_STATUS_PASSED"
    assert parameters_of(voters.node.store).nonce_window == 77
    assert voters.balance(voters.alice) == before - 2 * FEE
    assert list(DEPOSITS.items(voters.node.store)) == []


def test_proposal_registers_and_activates_a_model(voters) -> None:
    config = ModelConfig(model_type=MODEL_TYPE_BITNET, model_version="tiny")
    assert _pass(voters, MsgRegisterModel(authority=AUTHORITY, config=config)) == "PROPOSAL_STATUS_PASSED"
    assert (MODELS.get(voters.node.store, u64(1)).is_active) is False
    assert _pass(voters, MsgActivateModel(authority=AUTHORITY, model_id=1)) == "PROPOSAL_STATUS_PASSED"
    assert MODELS.get(voters.node.store, u64(1)).is_active


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (MsgActivateModel(authority=AUTHORITY, model_id=9), "model not found"),
        (MsgRegisterModel(authority=AUTHORITY, config=ModelConfig(model_version="x")), "invalid model"),
        (MsgUpdateParams(authority=AUTHORITY), "invalid parameter"),
    ],
)
def test_proposal_whose_message_is_refused_fails_and_changes_nothing(voters, message, reason: str) -> None:
    before = parameters_of(voters.node.store)
    assert _pass(voters, message) == "PROPOSAL_STATUS_FAILED"
    assert reason in PROPOSALS.get(voters.node.store, u64(1)).failed_reason
    assert parameters_of(voters.node.store) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"stake_denom": "aaa"},
        {"min_stake": "-1"},
        {"mining_difficulty": "33"},
        {"reward_per_gradient": "5aaa"},
        {"slashing_penalty": "1.5"},
        {"slashing_penalty": "nan"},
        {"slashing_penalty": "half"},
        {"slashing_penalty": "0.00001"},
        {"challenge_period_blocks": 0},
        {"max_validators": 0},
    ],
)
def test_update_params_out_of_range_fails(voters, changes: dict) -> None:
    assert _pass(voters, _params(voters, **changes)) == "PROPOSAL_STATUS_FAILED"


@pytest.mark.parametrize(
    ("votes", "status"),
    [
        ([], gov_pb2.PROPOSAL_STATUS_REJECTED),
        ([YES], gov_pb2.PROPOSAL_STATUS_PASSED),
        ([YES, NO], gov_pb2.PROPOSAL_STATUS_REJECTED),
        ([YES, ABSTAIN], gov_pb2.PROPOSAL_STATUS_PASSED),
        ([ABSTAIN, ABSTAIN], gov_pb2.PROPOSAL_STATUS_REJECTED),
        ([YES, VETO], gov_pb2.PROPOSAL_STATUS_REJECTED),
    ],
)
def test_tally_by_stake(voters, votes: list[int], status: int) -> None:
    lab = voters
    lab.ok(lab.alice, _propose(lab))
    for key, option in zip((lab.alice, lab.dave), votes, strict=False):
        _vote(lab, key, option)
    _vote(lab, lab.bob, NO)
    lab.to_height(lab.node.height + 20)
    assert PROPOSALS.get(lab.node.store, u64(1)).status == status
    vetoed = VETO in votes
    assert balance(lab.node.store, TREASURY, "uremes") == (10_000_000 if vetoed else 0)


def test_vote_changed_counts_once(voters) -> None:
    voters.ok(voters.alice, _propose(voters))
    _vote(voters, voters.alice, NO)
    _vote(voters, voters.alice, YES)
    answer = gov.tally_of(voters.node, QueryTallyResultRequest(proposal_id=1)).tally
    assert (answer.yes_count, answer.no_count) == ("10000000", "0")


def test_deposit_brings_a_proposal_to_its_vote(voters) -> None:
    lab = voters
    lab.ok(lab.alice, _propose(lab, deposit=4_000_000))
    assert lab.code(lab.bob, MsgVote(proposal_id=1, voter=lab.address(lab.bob), option=YES)) == ("gov", 3)
    lab.ok(lab.bob, MsgDeposit(proposal_id=1, depositor=lab.address(lab.bob), amount=[lab.coin(6_000_000)]))
    assert PROPOSALS.get(lab.node.store, u64(1)).status == gov_pb2.PROPOSAL_STATUS_VOTING_PERIOD


def test_proposal_without_its_deposit_in_time_is_dropped(voters) -> None:
    before = voters.balance(voters.alice)
    voters.ok(voters.alice, _propose(voters, deposit=5))
    voters.to_height(voters.node.height + 20)
    assert PROPOSALS.get(voters.node.store, u64(1)) is None
    assert voters.balance(voters.alice) == before - FEE
    assert gov.proposals(voters.node, QueryProposalsRequest()).proposals == []


def test_proposal_refusals(voters) -> None:
    lab = voters
    stranger = MsgActivateModel(authority=lab.address(lab.alice), model_id=1)
    assert lab.code(lab.alice, _propose(lab, stranger)) == ("gov", 13)
    assert lab.code(lab.alice, _propose(lab, lab.transfer(lab.alice, lab.bob))) == ("gov", 10)
    empty = _propose(lab)
    del empty.messages[:]
    assert lab.code(lab.alice, empty) == ("gov", 11)
    broken = _propose(lab)
    broken.messages[0].value = b"\xff"
    assert lab.code(lab.alice, broken) == ("gov", 12)
    assert lab.code(lab.alice, _propose(lab, *[_params(lab)] * 17)) == ("gov", 12)
    assert lab.code(lab.alice, _propose(lab, metadata="x" * 256)) == ("gov", 15)
    assert lab.code(lab.alice, _propose(lab, title="")) == ("sdk", 18)
    assert lab.code(lab.alice, _propose(lab, expedited=True)) == ("sdk", 37)


def test_vote_and_deposit_refusals(voters) -> None:
    lab = voters
    vote = MsgVote(proposal_id=1, voter=lab.address(lab.bob), option=YES)
    assert lab.code(lab.bob, vote) == ("gov", 2)
    lab.ok(lab.alice, _propose(lab))
    vote.option = 0
    assert lab.code(lab.bob, vote) == ("gov", 7)
    vote.option, vote.metadata = YES, "x" * 256
    assert lab.code(lab.bob, vote) == ("gov", 15)
    nothing = MsgDeposit(proposal_id=1, depositor=lab.address(lab.bob))
    assert lab.code(lab.bob, nothing) == ("gov", 16)
    other = MsgDeposit(proposal_id=1, depositor=lab.address(lab.bob), amount=[Coin(denom="aaa", amount="1")])
    assert lab.code(lab.bob, other) == ("sdk", 10)
    other.amount[0].CopyFrom(lab.coin(10**15))
    assert lab.code(lab.bob, other) == ("sdk", 5)
    nothing.proposal_id = 7
    assert lab.code(lab.bob, nothing) == ("gov", 2)
    lab.to_height(lab.node.height + 20)
    vote.metadata = ""
    assert lab.code(lab.bob, vote) == ("gov", 3)


def test_weighted_vote_is_refused_by_name(voters) -> None:
    message = MsgVoteWeighted(proposal_id=1, voter=voters.address(voters.bob))
    assert voters.refused(voters.sign(voters.bob, message)) == ("remes", 1010)


@pytest.mark.parametrize("kind", [MsgUpdateParams, MsgRegisterModel, MsgActivateModel])
def test_authority_message_of_somebody_else_is_refused(voters, kind) -> None:
    assert voters.code(voters.alice, kind(authority=voters.address(voters.alice))) == ("remes", 1017)


def test_gov_parameters_as_the_sdk_writes_them(voters) -> None:
    answer = gov.params(voters.node, GovParamsRequest()).params
    assert (answer.quorum, answer.threshold) == ("0.334000000000000000", "0.500000000000000000")
    assert answer.voting_period.seconds == 20
