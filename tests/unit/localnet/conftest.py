from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import Coin
from r3mes_ray.chain.submission import build_submit_gradient
from r3mes_ray.chain.tx import Signer, Terms, sign_tx
from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.genesis import Balance, Genesis
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.parameters import Parameters
from r3mes_ray.localnet.records import ACCOUNTS, ROUNDS, u64
from r3mes_ray.localnet.rounds import updates_of
from r3mes_ray.localnet.store import open_store
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.protocol.commitment import commitment_hash
from r3mes_ray.protocol.merkle import UpdateLeaf, merkle_root
from r3mes_ray.types import Address, Cid, RoundId
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.base.abci.v1beta1.abci_pb2 import TxMsgData, TxResponse
from r3mes_ray.wire.cosmos.base.v1beta1 import coin_pb2
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgOpenRound, MsgRegisterExpert
from r3mes_ray.wire.r3mes.v1.types_pb2 import Round
from r3mes_ray.wire.remes.remes.v1.node_pb2 import NODE_TYPE_PROPOSER
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgCommitAggregation,
    MsgRegisterNode,
    MsgRevealAggregation,
    MsgSubmitAggregation,
    MsgSubmitGradient,
)

M = TypeVar("M", bound=Message)

START = datetime(2026, 1, 1, tzinfo=UTC)
RICH = 10**12
GAS = 500_000
FEE = 12_500
SALT = "5a" * 32
BASE_VERSION = "tiny/python@0"

ALICE, BOB, CAROL, DAVE = (PrivateKey(bytes((number,)) * 32) for number in (1, 2, 3, 4))
STRANGER = PrivateKey(b"\x09" * 32)


def address(key: PrivateKey) -> Address:
    return key.address("remes")


def coin(amount: int) -> coin_pb2.Coin:
    return coin_pb2.Coin(denom="uremes", amount=str(amount))


@dataclass
class Lab:
    """A chain of one test: blocks are made when the test says so, one second apart."""

    node: ChainNode
    alice, bob, carol, dave = ALICE, BOB, CAROL, DAVE
    stranger = STRANGER
    validators = tuple(PrivateKey(bytes((number,)) * 32) for number in (21, 22, 23, 24))

    address, coin = staticmethod(address), staticmethod(coin)

    def sequence(self, key: PrivateKey) -> int:
        account = ACCOUNTS.get(self.node.store, parse_address(address(key), "remes"))
        return 0 if account is None else account.sequence

    def sign(
        self,
        key: PrivateKey,
        *messages: Message,
        sequence: int | None = None,
        chain_id: str | None = None,
        fee: int = FEE,
        gas: int = GAS,
        memo: str = "",
        timeout_height: int = 0,
    ) -> bytes:
        account = ACCOUNTS.get(self.node.store, parse_address(address(key), "remes"))
        number = 0 if account is None else account.account_number
        signer = Signer(
            chain_id or self.node.chain.chain_id, number, self.sequence(key) if sequence is None else sequence
        )
        terms = Terms(gas, (Coin(denom="uremes", amount=fee),) if fee else (), memo, timeout_height)
        return sign_tx(key, messages, signer, terms).raw

    def block(self, *raws: bytes) -> list[TxResponse]:
        for raw in raws:
            self.node.add(raw)
        executed = self.node.produce(self.node.store.head.time_ns + 10**9)
        return [stored.response for stored in self.node.store.txs(executed.block.height)]

    def deliver(self, key: PrivateKey, *messages: Message) -> TxResponse:
        return self.block(self.sign(key, *messages))[0]

    def ok(self, key: PrivateKey, message: Message) -> Message:
        response = self.deliver(key, message)
        assert (response.codespace, response.code, response.raw_log) == ("", 0, "")
        packed = TxMsgData.FromString(bytes.fromhex(response.data)).msg_responses[0]
        module = __import__(type(message).__module__, fromlist=["_"])
        answer: Message = getattr(module, packed.type_url.rpartition(".")[2]).FromString(packed.value)
        return answer

    def code(self, key: PrivateKey, message: Message) -> tuple[str, int]:
        response = self.deliver(key, message)
        return response.codespace, response.code

    def refused(self, raw: bytes) -> tuple[str, int]:
        with pytest.raises(Refused) as caught:
            self.node.add(raw)
        return caught.value.code.codespace, caught.value.code.number

    def balance(self, key: PrivateKey) -> int:
        return ledger.balance(self.node.store, parse_address(address(key), "remes"), "uremes")

    def to_height(self, height: int) -> None:
        while self.node.height < height:
            self.block()

    def round(self, round_id: int = 0) -> Round:
        found = ROUNDS.get(self.node.store, u64(round_id))
        assert found is not None
        return found

    def register_proposer(self, key: PrivateKey) -> None:
        self.ok(key, self.register_node(key))

    def with_round(self) -> Round:
        """Expert `python` of base `tiny`, proposers Alice and Dave, round 0 with phases of four blocks."""
        self.register_proposer(ALICE)
        self.register_proposer(DAVE)
        self.ok(ALICE, self.register_expert(ALICE))
        self.ok(ALICE, self.open_message(ALICE))
        return self.round()

    def with_updates(self) -> Round:
        """The same with updates of Bob and Carol, at the end of its submit phase."""
        found = self.with_round()
        self.block(self.sign(BOB, self.update(BOB)), self.sign(CAROL, self.update(CAROL)))
        self.to_height(found.submit_end)
        return self.round()

    def with_commitment(self) -> Round:
        """The same with commitment 0 of Alice to both updates, at the end of its commit phase."""
        found = self.with_updates()
        self.ok(ALICE, self.commit(ALICE))
        self.to_height(found.commit_end)
        return found

    def root(self, accepted: list[int]) -> str:
        return merkle_root(
            [
                UpdateLeaf(u.id, Cid(u.ipfs_hash), u.gradient_hash, parse_address(u.miner, "remes"))
                for u in updates_of(self.node.store, 0)
                if u.id in accepted
            ]
        )

    def commit(self, key: PrivateKey, accepted: tuple[int, ...] = (0, 1)) -> MsgCommitAggregation:
        text = commitment_hash(
            self.node.chain.chain_id,
            parse_address(address(key), "remes"),
            0,
            BASE_VERSION,
            cid_of(b"aggregate"),
            self.root(list(accepted)),
            accepted,
            SALT,
        )
        return MsgCommitAggregation(
            proposer=address(key), commitment_hash=text, training_round_id=0, participant_gradient_ids=[0, 1]
        )

    def reveal(self, key: PrivateKey, commitment_id: int = 0, **changes: object) -> MsgRevealAggregation:
        message = MsgRevealAggregation(
            proposer=address(key),
            commitment_id=commitment_id,
            aggregated_gradient_ipfs_hash=cid_of(b"aggregate"),
            merkle_root=self.root([0, 1]),
            participant_gradient_ids=[0, 1],
            training_round_id=0,
            model_version=BASE_VERSION,
            salt=SALT,
        )
        return changed(message, changes)

    def submit(self, key: PrivateKey, **changes: object) -> MsgSubmitAggregation:
        shown = self.reveal(key)
        names = [field.name for field in MsgSubmitAggregation.DESCRIPTOR.fields]
        message = MsgSubmitAggregation(**{name: getattr(shown, name) for name in names})
        return changed(message, changes)

    @staticmethod
    def transfer(source: PrivateKey, target: PrivateKey, amount: int = 5) -> MsgSend:
        return MsgSend(from_address=address(source), to_address=address(target), amount=[coin(amount)])

    @staticmethod
    def register_node(key: PrivateKey, stake: str = "10000000uremes") -> MsgRegisterNode:
        return MsgRegisterNode(
            node_address=address(key), node_type=NODE_TYPE_PROPOSER, stake=stake, roles=[NODE_TYPE_PROPOSER]
        )

    @staticmethod
    def register_expert(key: PrivateKey, name: str = "python", bond: int = 1_000_000) -> MsgRegisterExpert:
        return MsgRegisterExpert(
            owner=address(key),
            name=name,
            base_model="tiny",
            base_hash="ab" * 32,
            description_cid=cid_of(b"description"),
            bond=coin(bond),
        )

    @staticmethod
    def open_message(key: PrivateKey, start_version: int = 0) -> MsgOpenRound:
        return MsgOpenRound(
            proposer=address(key),
            expert="python",
            start_version=start_version,
            rule="mean",
            rule_parameters='{"target_rank":16}',
            **{f"{phase}_blocks": 4 for phase in ("submit", "commit", "reveal", "challenge")},
        )

    @staticmethod
    def update(
        key: PrivateKey, nonce: int = 1, round_id: int = 0, bits: int = 0, **changes: object
    ) -> MsgSubmitGradient:
        content = address(key).encode()
        message = build_submit_gradient(
            key,
            "remes-test",
            cid=cid_of(content),
            gradient_hash="cd" * 32,
            model_version=BASE_VERSION,
            round_id=RoundId(round_id),
            nonce=nonce,
            proof_of_work_bits=bits,
        )
        return changed(message, changes)


def changed(message: M, changes: dict[str, object]) -> M:
    for name, value in changes.items():
        if isinstance(value, list):
            message.ClearField(name)
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
    return message


def genesis(**parameters: object) -> Genesis:
    balances = tuple(Balance(address=address(key), amount=RICH) for key in (ALICE, BOB, CAROL, DAVE))
    held = Parameters.model_validate({"grace_blocks": 4, **parameters})
    return Genesis(chain_id="remes-test", time=START, balances=balances, parameters=held)


@pytest.fixture
def make_lab() -> Iterator[Callable[..., Lab]]:
    opened: list[Lab] = []

    def make(**parameters: object) -> Lab:
        first = genesis(**parameters)
        opened.append(Lab(ChainNode(first, open_store(Path(":memory:"), first))))
        return opened[-1]

    yield make
    for lab in opened:
        lab.node.store.close()


@pytest.fixture
def first_genesis() -> Genesis:
    return genesis()


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    return make_lab()


@pytest.fixture(scope="module")
def module_lab() -> Iterator[Lab]:
    """A lab that a module's tests share, for tests that change nothing."""
    made = Lab(ChainNode(genesis(), open_store(Path(":memory:"), genesis())))
    yield made
    made.node.store.close()
