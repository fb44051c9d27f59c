"""Experts that their owners retire: the bond goes back, the name does not."""

from __future__ import annotations

from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.records import EXPERTS
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgRetireExpert
from r3mes_ray.wire.r3mes.v1.types_pb2 import RoundPhase

FEE = 12_500


def _retire(lab, key, name: str = "python") -> MsgRetireExpert:
    return MsgRetireExpert(owner=lab.address(key), name=name)


def _escrow(lab) -> int:
    return ledger.balance(lab.node.store, ledger.BOND_ESCROW, "uremes")


def test_retire_expert_without_a_round_returns_the_bond_and_frees_the_name(lab) -> None:
    before = lab.balance(lab.bob)
    lab.ok(lab.bob, lab.register_expert(lab.bob))
    assert lab.ok(lab.bob, _retire(lab, lab.bob)).bond.amount == "1000000"
    assert lab.balance(lab.bob) == before - 2 * FEE
    assert _escrow(lab) == 0
    assert EXPERTS.get(lab.node.store, b"python") is None
    lab.ok(lab.carol, lab.register_expert(lab.carol))


def test_retire_expert_with_an_open_round_lets_it_end_and_opens_no_other(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, _retire(lab, lab.alice))
    retired = EXPERTS.get(lab.node.store, b"python")
    assert (retired.retired_height, retired.bond.amount, _escrow(lab)) == (lab.node.height, "0", 0)
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    assert lab.round().phase == RoundPhase.ROUND_PHASE_DONE
    assert EXPERTS.get(lab.node.store, b"python").version == 1
    assert lab.code(lab.alice, lab.open_message(lab.alice, start_version=1)) == ("r3mes", 33)
    assert lab.code(lab.bob, lab.register_expert(lab.bob)) == ("r3mes", 2)


def test_retire_expert_refusals(lab) -> None:
    assert lab.code(lab.alice, _retire(lab, lab.alice)) == ("r3mes", 1)
    lab.with_round()
    assert lab.code(lab.dave, _retire(lab, lab.dave)) == ("remes", 1017)
    lab.ok(lab.alice, _retire(lab, lab.alice))
    assert lab.code(lab.alice, _retire(lab, lab.alice)) == ("r3mes", 33)
