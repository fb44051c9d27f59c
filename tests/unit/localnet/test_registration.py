"""Each refusal of sends, registrations and rounds to be opened, by its code."""

from __future__ import annotations

import pytest

from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.ledger import balance, module_account
from r3mes_ray.localnet.records import ACCOUNTS, NODES, STAKES
from r3mes_ray.protocol.address import format_address, parse_address
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgRegisterNode

V0 = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG"


def test_ledger_fee_collector_has_the_sdk_s_address() -> None:
    assert format_address(module_account("fee_collector"), "cosmos") == "cosmos17xpfvakm2amg962yls6f84z3kell8c5lserqta"


def test_send_to_a_module_account_is_refused(lab) -> None:
    target = format_address(ledger.STAKE_ESCROW, "remes")
    message = MsgSend(from_address=lab.address(lab.alice), to_address=target, amount=[Coin(denom="uremes", amount="1")])
    assert lab.code(lab.alice, message) == ("sdk", 4)


@pytest.mark.parametrize(
    "amount",
    [
        [],
        [Coin(denom="uremes", amount="0")],
        [Coin(denom="uremes", amount="-5")],
        [Coin(denom="uremes", amount="05")],
        [Coin(denom="uremes", amount="1.5")],
        [Coin(denom="uremes", amount="9" * 78)],
        [Coin(denom="uremes", amount="1"), Coin(denom="aaa", amount="1")],
        [Coin(denom="uremes", amount="1"), Coin(denom="uremes", amount="1")],
        [Coin(denom="u", amount="1")],
    ],
)
def test_send_coins_that_are_not_canonical_are_refused(lab, amount: list[Coin]) -> None:
    message = MsgSend(from_address=lab.address(lab.alice), to_address=lab.address(lab.bob), amount=amount)
    assert lab.code(lab.alice, message) == ("sdk", 10)


@pytest.mark.parametrize("target", ["", "cosmos17xpfvakm2amg962yls6f84z3kell8c5lserqta", "remes1qqqq"])
def test_send_to_no_address_is_refused(lab, target: str) -> None:
    message = MsgSend(from_address=lab.address(lab.alice), to_address=target, amount=[Coin(denom="uremes", amount="1")])
    assert lab.code(lab.alice, message) == ("sdk", 7)


def test_register_node_stake_moves_into_escrow(lab) -> None:
    before = lab.balance(lab.alice)
    answer = lab.ok(lab.alice, lab.register_node(lab.alice))
    owner = parse_address(lab.address(lab.alice), "remes")
    assert answer.registration_id == 0
    assert lab.balance(lab.alice) == before - 10_000_000 - 12_500
    assert balance(lab.node.store, ledger.STAKE_ESCROW, "uremes") == 10_000_000
    assert STAKES.get(lab.node.store, owner) == 10_000_000
    assert NODES.get(lab.node.store, owner).status == node_pb2.NODE_STATUS_ACTIVE


def test_register_node_twice_is_refused(lab) -> None:
    lab.ok(lab.alice, lab.register_node(lab.alice))
    assert lab.code(lab.alice, lab.register_node(lab.alice)) == ("r3mes", 10)


@pytest.mark.parametrize(
    ("stake", "code"),
    [
        ("", ("remes", 1021)),
        ("9999999uremes", ("remes", 1021)),
        ("10000000", ("sdk", 10)),
        ("10000000aaa", ("sdk", 10)),
        ("1000000000000000uremes", ("sdk", 5)),
    ],
)
def test_register_node_bad_stake_is_refused(lab, stake: str, code: tuple[str, int]) -> None:
    assert lab.code(lab.alice, lab.register_node(lab.alice, stake)) == code


@pytest.mark.parametrize(
    ("node_type", "roles", "code"),
    [
        (node_pb2.NODE_TYPE_VALIDATOR, [], 1021),
        (node_pb2.NODE_TYPE_UNSPECIFIED, [], 1019),
        (node_pb2.NODE_TYPE_MINING, [node_pb2.NODE_TYPE_SERVING], 1019),
        (node_pb2.NODE_TYPE_MINING, [node_pb2.NODE_TYPE_MINING] * 2, 1019),
        (9, [], 1019),
    ],
)
def test_register_node_bad_roles_are_refused(lab, node_type: int, roles: list[int], code: int) -> None:
    message = MsgRegisterNode(node_address=lab.address(lab.alice), node_type=node_type, roles=roles)
    assert lab.code(lab.alice, message) == ("remes", code)


def test_register_node_miner_needs_no_stake(lab) -> None:
    message = MsgRegisterNode(node_address=lab.address(lab.bob), node_type=node_pb2.NODE_TYPE_MINING)
    lab.ok(lab.bob, message)


def test_register_expert_bond_moves_into_escrow(lab) -> None:
    lab.ok(lab.alice, lab.register_expert(lab.alice))
    assert balance(lab.node.store, ledger.BOND_ESCROW, "uremes") == 1_000_000
    assert lab.code(lab.bob, lab.register_expert(lab.bob)) == ("r3mes", 2)


@pytest.mark.parametrize("name", ["", "Python", "a b", "a@1", "a|b", "-a", "a/b", "x" * 64])
def test_register_expert_bad_name_is_refused(lab, name: str) -> None:
    assert lab.code(lab.alice, lab.register_expert(lab.alice, name)) == ("remes", 1019)


def test_register_expert_small_bond_is_refused(lab) -> None:
    assert lab.code(lab.alice, lab.register_expert(lab.alice, bond=999_999)) == ("remes", 1021)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [("base_hash", "AB" * 32, 1004), ("base_model", "a@b", 1004), ("description_cid", V0, 1013)],
)
def test_register_expert_bad_field_is_refused(lab, field: str, value: str, code: int) -> None:
    message = lab.register_expert(lab.alice)
    setattr(message, field, value)
    assert lab.code(lab.alice, message) == ("remes", code)


def test_open_round_refusals(lab) -> None:
    assert lab.code(lab.alice, lab.open_message(lab.alice)) == ("remes", 1406)
    lab.register_proposer(lab.alice)
    assert lab.code(lab.alice, lab.open_message(lab.alice)) == ("r3mes", 1)
    lab.ok(lab.alice, lab.register_expert(lab.alice))
    assert lab.code(lab.alice, lab.open_message(lab.alice, start_version=1)) == ("r3mes", 11)
    lab.ok(lab.alice, lab.open_message(lab.alice))
    assert lab.code(lab.alice, lab.open_message(lab.alice)) == ("r3mes", 5)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("submit_blocks", 1),
        ("reveal_blocks", 10**7),
        ("rule", "Mean!"),
        ("rule_parameters", '{"b":1, "a":2}'),
        ("rule_parameters", "[1]"),
        ("rule_parameters", "{"),
        ("rule_parameters", '{"a":' + "[" * 2000),
        ("rule_parameters", '{"a":NaN}'),
    ],
)
def test_open_round_bad_parameter_is_refused(lab, field: str, value: object) -> None:
    lab.register_proposer(lab.alice)
    lab.ok(lab.alice, lab.register_expert(lab.alice))
    message = lab.open_message(lab.alice)
    setattr(message, field, value)
    assert lab.code(lab.alice, message) == ("remes", 1019)


def test_accounts_are_numbered_by_creation(lab) -> None:
    numbers = sorted(account.account_number for _, account in ACCOUNTS.items(lab.node.store))
    assert numbers == [0, 1, 2, 3, 4, 5, 6]
