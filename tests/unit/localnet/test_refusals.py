"""Refusals that the families' own files do not hold, and the proof that none is left out: every message, every code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from r3mes_ray.localnet import codes, handlers
from r3mes_ray.localnet.codes import Code, Refused
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.ledger import GOV
from r3mes_ray.localnet.queries import SERVICES
from r3mes_ray.localnet.routes import MESSAGE_KINDS, signer_fields, type_url
from r3mes_ray.localnet.state import Overlay
from r3mes_ray.protocol.address import format_address
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgAddStake, MsgWithdrawStake
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.model_pb2 import MODEL_TYPE_BITNET, ModelConfig
from r3mes_ray.wire.remes.remes.v1.node_pb2 import RoleAllocation
from r3mes_ray.wire.remes.remes.v1.params_pb2 import Params, ScalabilityParams
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgMarkDatasetAsOfficial,
    MsgRegisterModel,
    MsgRegisterNode,
    MsgRemoveDataset,
    MsgUpdateParams,
    MsgUpdateServingNodeStatus,
)

AUTHORITY = format_address(GOV, "remes")
UNRULED = sorted(set(MESSAGE_KINDS) - set(handlers.RULES))
UNANSWERED = {
    "GetParticipantSyncState",
    "ListParticipantSyncStates",
    "GetCatchUpInfo",
    "GetGlobalSeed",
    "QueryVaultStats",
}
BESIDES = {"UNKNOWN_REQUEST"}
"""Codes of answers to queries, not of transactions."""


@pytest.mark.parametrize("url", UNRULED)
def test_message_of_a_family_without_rules_is_refused_by_name(lab, url: str) -> None:
    kind = MESSAGE_KINDS[url]
    message = kind(**{signer_fields(kind)[0]: lab.address(lab.alice)})
    with pytest.raises(Refused, match=re.escape(url)) as caught:
        lab.node.add(lab.sign(lab.alice, message))
    assert (caught.value.code.codespace, caught.value.code.number) == ("remes", 1010)


def test_queries_without_an_answer_are_those_of_families_without_rules() -> None:
    missing = {m.name for service in SERVICES for m in service.descriptor.methods if m.name not in service.answers}
    assert missing == UNANSWERED


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (MsgMarkDatasetAsOfficial(authority=AUTHORITY, dataset_id=4), "dataset not found"),
        (MsgRemoveDataset(authority=AUTHORITY, dataset_id=4, reason="r"), "dataset not found"),
        (MsgRemoveDataset(authority=AUTHORITY, dataset_id=4), "reason has 0 characters"),
        (
            MsgUpdateParams(authority=AUTHORITY, params=Params(scalability_params=ScalabilityParams())),
            "scalability_params have no meaning",
        ),
        (
            MsgRegisterModel(
                authority=AUTHORITY,
                config=ModelConfig(
                    model_type=MODEL_TYPE_BITNET, model_version="m", required_disk_space_gb=float("inf")
                ),
            ),
            "required_disk_space_gb is out of range",
        ),
    ],
)
def test_authority_s_message_that_cannot_be_is_refused(lab, message, reason: str) -> None:
    head = lab.node.store.head
    ctx = Context(lab.node.chain, Overlay(lab.node.store), head.height + 1, head.time_ns + 1)
    with pytest.raises(Refused, match=reason):
        handlers.RULES[type_url(message)].execute(ctx, message)
    assert ctx.state.writes == {}


def test_coins_of_another_denomination_are_refused(lab) -> None:
    other = Coin(denom="aaa", amount="5")
    expert = lab.register_expert(lab.alice)
    expert.bond.CopyFrom(other)
    assert lab.code(lab.alice, expert) == ("sdk", 10)
    lab.register_proposer(lab.alice)
    for kind in (MsgAddStake, MsgWithdrawStake):
        assert lab.code(lab.alice, kind(node_address=lab.address(lab.alice), amount=other)) == ("sdk", 10)


def test_amounts_that_nobody_has_are_refused(lab) -> None:
    much = lab.coin(10**15)
    assert lab.code(lab.alice, lab.register_expert(lab.alice, bond=10**15)) == ("sdk", 5)
    lab.register_proposer(lab.alice)
    assert lab.code(lab.alice, MsgAddStake(node_address=lab.address(lab.alice), amount=much)) == ("sdk", 5)
    assert lab.code(lab.alice, MsgWithdrawStake(node_address=lab.address(lab.alice), amount=much)) == ("remes", 1021)


def test_role_allocations_that_do_not_follow_the_roles_are_refused(lab) -> None:
    message = MsgRegisterNode(
        node_address=lab.address(lab.bob),
        node_type=node_pb2.NODE_TYPE_MINING,
        roles=[node_pb2.NODE_TYPE_MINING],
        role_allocations=[RoleAllocation(role=node_pb2.NODE_TYPE_SERVING)],
    )
    assert lab.code(lab.bob, message) == ("remes", 1019)


def test_serving_status_of_bad_fields_is_refused(lab) -> None:
    registration = MsgRegisterNode(node_address=lab.address(lab.bob), node_type=node_pb2.NODE_TYPE_SERVING)
    lab.ok(lab.bob, registration)
    for changes, code in (({"model_version": "x" * 257}, 1019), ({"model_ipfs_hash": "x"}, 1013)):
        message = MsgUpdateServingNodeStatus(serving_node=lab.address(lab.bob), **changes)
        assert lab.code(lab.bob, message) == ("remes", code)


@pytest.mark.parametrize("field", ["container_hash", "container_signature"])
def test_update_with_long_container_fields_is_refused(lab, field: str) -> None:
    lab.with_round()
    value = "x" * 257 if field == "container_hash" else b"x" * 257
    assert lab.code(lab.bob, lab.update(lab.bob, **{field: value})) == ("remes", 1019)


def test_every_message_and_every_code_is_named_by_a_test() -> None:
    """What is written here says nothing about a test's worth; it only lets no message and no code be forgotten."""
    folder = Path(__file__).parent
    text = "".join(path.read_text() for path in sorted(folder.rglob("*.py")))
    for url in handlers.RULES:
        assert re.search(rf"\b{url.rpartition('.')[2]}\b", text), url
    for name, code in vars(codes).items():
        if isinstance(code, Code) and name not in BESIDES:
            pair = rf'\("{code.codespace}", {code.number}\)'
            said = re.search(pair, text) or f'{code.text}"' in text
            assert said, f"{name} {code}"
