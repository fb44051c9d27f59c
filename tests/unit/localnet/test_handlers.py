"""Each refusal of each message, by its code; the happy paths are in test_rounds and test_ante."""

from __future__ import annotations

import pytest

from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.ledger import balance, module_account
from r3mes_ray.localnet.records import ACCOUNTS, NODES, STAKES, UPDATES, u64
from r3mes_ray.protocol.address import format_address, parse_address
from r3mes_ray.protocol.cid import cid_of
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
        (node_pb2.NODE_TYPE_VALIDATOR, [], 1017),
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


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ipfs_hash": V0}, ("remes", 1013)),
        ({"ipfs_hash": cid_of(b"another")}, ("remes", 1015)),
        ({"gradient_hash": "CD" * 32}, ("remes", 1012)),
        ({"gradient_hash": "ce" * 32}, ("remes", 1015)),
        ({"model_version": "tiny/python@1"}, ("remes", 1005)),
        ({"training_round_id": 1}, ("r3mes", 3)),
        ({"nonce": 0}, ("remes", 1016)),
        ({"signature": b"\1" * 64}, ("remes", 1015)),
        ({"shard_id": 1}, ("remes", 1019)),
        ({"global_seed": 1}, ("remes", 1019)),
        ({"model_config_id": 1}, ("remes", 1004)),
        ({"gpu_architecture": "a|b"}, ("remes", 1009)),
        ({"claimed_loss": "nan"}, ("remes", 1019)),
    ],
)
def test_update_bad_field_is_refused(lab, changes: dict, code: tuple[str, int]) -> None:
    lab.with_round()
    assert lab.code(lab.bob, lab.update(lab.bob, **changes)) == code
    assert UPDATES.get(lab.node.store, u64(0)) is None


def test_update_first_id_is_zero_and_second_of_a_miner_is_refused(lab) -> None:
    lab.with_round()
    assert lab.ok(lab.bob, lab.update(lab.bob)).stored_gradient_id == 0
    assert lab.code(lab.bob, lab.update(lab.bob, nonce=2)) == ("remes", 1206)


def test_update_nonce_of_an_earlier_round_is_refused(lab) -> None:
    found = lab.with_round()
    lab.ok(lab.bob, lab.update(lab.bob))
    lab.to_height(found.commit_end)
    lab.ok(lab.alice, lab.open_message(lab.alice))
    assert lab.code(lab.bob, lab.update(lab.bob, round_id=1)) == ("remes", 1016)
    assert lab.code(lab.bob, lab.update(lab.bob, nonce=2, round_id=1)) == ("", 0)


def test_update_late_is_refused(lab) -> None:
    found = lab.with_updates()
    assert lab.node.height == found.submit_end
    assert lab.code(lab.dave, lab.update(lab.dave)) == ("r3mes", 4)


def test_update_signed_for_another_chain_is_refused(make_lab) -> None:
    lab = make_lab()
    lab.with_round()
    message = lab.update(lab.bob)
    message.signature = lab.update(lab.carol).signature
    assert lab.code(lab.bob, message) == ("remes", 1015)


def test_update_proof_of_work_is_asked_for(make_lab) -> None:
    lab = make_lab(proof_of_work_bits=8)
    lab.with_round()
    worked = lab.update(lab.bob, bits=8)
    assert lab.code(lab.bob, lab.update(lab.bob, proof_of_work_nonce=worked.proof_of_work_nonce + 1)) == ("r3mes", 12)
    assert lab.code(lab.bob, worked) == ("", 0)


def test_commit_answers_with_its_deadline(lab) -> None:
    found = lab.with_updates()
    answer = lab.ok(lab.alice, lab.commit(lab.alice))
    assert (answer.commitment_id, answer.reveal_deadline_height) == (0, found.reveal_end)


def test_commit_early_is_refused(lab) -> None:
    lab.with_round()
    lab.block(lab.sign(lab.bob, lab.update(lab.bob)), lab.sign(lab.carol, lab.update(lab.carol)))
    assert lab.code(lab.alice, lab.commit(lab.alice)) == ("r3mes", 4)


def test_commit_late_is_refused(lab) -> None:
    found = lab.with_updates()
    lab.ok(lab.dave, lab.commit(lab.dave))
    lab.to_height(found.commit_end)
    assert lab.code(lab.alice, lab.commit(lab.alice)) == ("r3mes", 4)


def test_commit_second_of_a_proposer_is_refused(lab) -> None:
    lab.with_updates()
    lab.ok(lab.alice, lab.commit(lab.alice))
    assert lab.code(lab.alice, lab.commit(lab.alice, accepted=(0,))) == ("r3mes", 7)


def test_commit_of_no_proposer_is_refused(lab) -> None:
    lab.with_updates()
    assert lab.code(lab.bob, lab.commit(lab.bob)) == ("remes", 1406)


@pytest.mark.parametrize("ids", [[0], [1, 0], [0, 1, 2], [0, 0, 1], []])
def test_commit_list_that_is_not_the_chain_s_is_refused(lab, ids: list[int]) -> None:
    lab.with_updates()
    message = lab.commit(lab.alice)
    del message.participant_gradient_ids[:]
    message.participant_gradient_ids.extend(ids)
    assert lab.code(lab.alice, message) == ("remes", 1022)


@pytest.mark.parametrize("text", ["", "ab" * 32, "v2:" + "AB" * 32, " v2:" + "ab" * 32, "v1:" + "ab" * 32])
def test_commit_text_that_is_not_canonical_is_refused(lab, text: str) -> None:
    lab.with_updates()
    message = lab.commit(lab.alice)
    message.commitment_hash = text
    assert lab.code(lab.alice, message) == ("remes", 1019)


def test_reveal_early_is_refused(lab) -> None:
    lab.with_updates()
    lab.ok(lab.alice, lab.commit(lab.alice))
    assert lab.code(lab.alice, lab.reveal(lab.alice)) == ("r3mes", 4)


def test_reveal_late_is_refused(lab) -> None:
    found = lab.with_updates()
    lab.ok(lab.alice, lab.commit(lab.alice))
    lab.ok(lab.dave, lab.commit(lab.dave))
    lab.to_height(found.commit_end)
    lab.ok(lab.dave, lab.reveal(lab.dave, commitment_id=1))
    lab.to_height(found.reveal_end)
    assert lab.code(lab.alice, lab.reveal(lab.alice)) == ("r3mes", 4)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"salt": "5b" * 32}, ("r3mes", 8)),
        ({"salt": "5A" * 32}, ("r3mes", 8)),
        ({"salt": " " + "5a" * 32}, ("r3mes", 8)),
        ({"commitment_id": 7}, ("r3mes", 6)),
        ({"training_round_id": 1}, ("r3mes", 8)),
        ({"aggregated_gradient_ipfs_hash": cid_of(b"other")}, ("r3mes", 8)),
        ({"aggregated_gradient_ipfs_hash": cid_of(b"aggregate").upper()}, ("remes", 1013)),
        ({"model_version": "tiny/python@1"}, ("remes", 1005)),
        ({"merkle_root": "v2:" + "ab" * 32}, ("r3mes", 9)),
        ({"participant_gradient_ids": [0]}, ("r3mes", 9)),
        ({"participant_gradient_ids": [0, 2]}, ("remes", 1022)),
        ({"participant_gradient_ids": [1, 0]}, ("remes", 1022)),
        ({"participant_gradient_ids": []}, ("remes", 1022)),
    ],
)
def test_reveal_that_differs_from_the_commitment_is_refused(lab, changes: dict, code: tuple[str, int]) -> None:
    lab.with_commitment()
    assert lab.code(lab.alice, lab.reveal(lab.alice, **changes)) == code


def test_reveal_of_a_copied_commitment_does_not_verify(lab) -> None:
    """Dave copies the text of Alice's commitment, and later her reveal: his own address is in the preimage."""
    found = lab.with_updates()
    original = lab.commit(lab.alice)
    lab.ok(lab.alice, original)
    copied = lab.commit(lab.dave)
    copied.commitment_hash = original.commitment_hash
    lab.ok(lab.dave, copied)
    lab.to_height(found.commit_end)
    assert lab.code(lab.dave, lab.reveal(lab.dave, commitment_id=1)) == ("r3mes", 8)


def test_reveal_of_another_proposer_s_commitment_is_refused(lab) -> None:
    lab.with_commitment()
    assert lab.code(lab.dave, lab.reveal(lab.dave)) == ("remes", 1017)


def test_reveal_twice_is_refused(lab) -> None:
    lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    assert lab.code(lab.alice, lab.reveal(lab.alice)) == ("r3mes", 8)


def test_submit_before_the_challenge_phase_ends_is_refused(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end - 1)
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("r3mes", 4)
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("", 0)


def test_submit_without_reveal_is_refused(lab) -> None:
    found = lab.with_commitment()
    lab.to_height(found.challenge_end)
    assert lab.code(lab.alice, lab.submit(lab.alice)) == ("r3mes", 4)


def test_submit_twice_succeeds_and_pays_once(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    before = lab.balance(lab.alice)
    assert lab.ok(lab.alice, lab.submit(lab.alice)).aggregation_id == 0
    assert lab.balance(lab.alice) == before - 12_500


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregated_gradient_ipfs_hash": cid_of(b"other")},
        {"merkle_root": "v2:" + "ab" * 32},
        {"participant_gradient_ids": [0]},
        {"model_version": "tiny/python@1"},
    ],
)
def test_submit_that_differs_from_the_reveal_is_refused(lab, changes: dict) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    assert lab.code(lab.alice, lab.submit(lab.alice, **changes)) == ("remes", 1204)


def test_submit_of_an_unknown_round_is_refused(lab) -> None:
    lab.with_updates()
    assert lab.code(lab.alice, lab.submit(lab.alice, training_round_id=5)) == ("r3mes", 3)


def test_accounts_are_numbered_by_creation(lab) -> None:
    numbers = sorted(account.account_number for _, account in ACCOUNTS.items(lab.node.store))
    assert numbers == [0, 1, 2, 3, 4, 5, 6]
