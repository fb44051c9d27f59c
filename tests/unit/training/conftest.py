"""A chain of one round in memory, with blocks that pass when somebody sleeps, and ports that die on demand."""

import hashlib
import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import torch

from r3mes_ray.chain.base import ChainStatus, SignedTx, TxResult
from r3mes_ray.errors import ChainUnavailable, NotOnChain, TxRejected, TxUnknown
from r3mes_ray.models.adapters import ModuleAdapter, UpdateOrigin, make_package, write_package
from r3mes_ray.models.adapters.modules import tensors_of
from r3mes_ray.protocol.address import format_address, parse_address
from r3mes_ray.protocol.commitment import commitment_hash
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.training.ports import Clock
from r3mes_ray.wire.r3mes.v1 import query_pb2 as ours
from r3mes_ray.wire.r3mes.v1.types_pb2 import Expert, ExpertVersion, Round, RoundPhase
from r3mes_ray.wire.remes.remes.v1 import query_pb2, tx_pb2
from r3mes_ray.wire.remes.remes.v1.state_pb2 import AggregationCommitment, AggregationRecord
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient

BASE_HASH = "ab" * 32
PROPOSER = format_address(bytes(range(20)), "remes")


class Killed(BaseException):
    """The process dies here: nothing may catch it."""


@dataclass
class Scythe:
    """Counts the calls of all ports and kills at one of them, before or after its effect."""

    at: int = -1
    after: bool = False
    calls: int = 0

    def strike(self, *, after):
        if not after:
            self.calls += 1
        if self.calls - 1 == self.at and after == self.after:
            raise Killed


@dataclass
class FakeChain:
    """Strict sequences, phases by height, one commitment for each proposer; what is sent enters the next block."""

    scythe: Scythe = field(default_factory=Scythe)
    chain_id: str = "remes-test"
    height: int = 10
    round: Round = field(
        default_factory=lambda: Round(
            round_id=0,
            expert="python",
            base_model="tiny",
            base_hash=BASE_HASH,
            rule="mean",
            rule_parameters='{"rank":4}',
            **{"opened_height": 5, "submit_end": 15, "commit_end": 40, "reveal_end": 80, "challenge_end": 90},
        )
    )
    updates: list = field(default_factory=list)
    weights: tuple = ()
    sequence: int = 0
    mempool: list = field(default_factory=list)
    commitments: list = field(default_factory=list)
    aggregations: list = field(default_factory=list)
    past: list = field(default_factory=list)
    history: list = field(default_factory=list)
    earlier: dict = field(default_factory=dict)
    accepted: list = field(default_factory=list)
    down: int = 0
    lose_answers: bool = False
    swallow: int = 0
    refuse_next: list = field(default_factory=list)

    address = PROPOSER

    def tick(self):
        self.height += 1
        for raw in self.mempool:
            self._deliver(raw)
        self.mempool.clear()

    async def status(self):
        self._enter()
        self.scythe.strike(after=True)
        return ChainStatus(self.chain_id, self.height, "2026-01-01T00:00:00Z", "")

    async def sign(self, messages, *, gas=None, memo=""):
        self._enter()
        body = [[message.DESCRIPTOR.name, message.SerializeToString().hex()] for message in messages]
        raw = json.dumps([self.sequence, self.height + 20, body]).encode()
        signed = SignedTx(raw, hashlib.sha256(raw).hexdigest().upper(), self.sequence, self.height + 20)
        self.scythe.strike(after=True)
        return signed

    async def broadcast(self, tx):
        self._enter()
        sequence, timeout, _ = json.loads(tx.raw)
        if self.refuse_next:
            raise TxRejected("sdk", self.refuse_next.pop(0), "refused on purpose", tx.tx_hash, 0)
        if self.swallow:
            self.swallow -= 1
            raise TxUnknown(tx.tx_hash, 1.0)
        late, stale = self.height >= timeout, sequence != self.sequence
        if late or stale:
            said = "tx timeout height" if late else f"account sequence mismatch, expected {self.sequence}"
            raise TxRejected("sdk", 30 if late else 32, said, tx.tx_hash, 0)
        self.mempool.append(tx.raw)
        self.tick()
        self.scythe.strike(after=True)
        if self.lose_answers:
            raise TxUnknown(tx.tx_hash, 1.0)
        return TxResult(tx.tx_hash, self.height, 1, (), ())

    async def query(self, request):
        self._enter()
        self.scythe.strike(after=True)
        match request:
            case ours.QueryRoundRequest():
                self.round.phase = self._phase()
                return ours.QueryRoundResponse(round=self.round)
            case ours.QueryRoundGradientsRequest():
                _, updates = self.earlier.get(request.round_id, (None, self.updates))
                return ours.QueryRoundGradientsResponse(gradients=updates)
            case ours.QueryRoundsRequest():
                return ours.QueryRoundsResponse(rounds=[found for found, _ in self.earlier.values()])
            case ours.QueryRoundWeightsRequest():
                return ours.QueryRoundWeightsResponse(weights=self.weights)
            case ours.QueryExpertRequest():
                expert = {"name": "python", "base_model": "tiny", "history": [*self.past, *self.history]}
                return ours.QueryExpertResponse(expert=Expert(version=len(expert["history"]), **expert))
            case ours.QueryCommitmentRequest():
                if self.commitments:
                    return ours.QueryCommitmentResponse(commitment=self.commitments[0])
                raise NotOnChain("commitment", "0")
            case query_pb2.QueryGetMinerScoreRequest():
                return query_pb2.QueryGetMinerScoreResponse(total_submissions=len(self.updates))
            case ours.QueryAggregationRequest():
                return ours.QueryAggregationResponse(aggregation=self.aggregations[request.aggregation_id])
        raise AssertionError(f"the fake does not answer {request.DESCRIPTOR.name}")

    def _enter(self):
        self.scythe.strike(after=False)
        if self.down:
            self.down -= 1
            raise ChainUnavailable("127.0.0.1:9", "down on purpose")

    def _phase(self):
        if self.history:
            return RoundPhase.ROUND_PHASE_DONE
        ends = (self.round.submit_end, self.round.commit_end, self.round.reveal_end, self.round.challenge_end)
        return RoundPhase.ROUND_PHASE_SUBMIT + sum(self.height > end for end in ends)

    def _deliver(self, raw):
        sequence, timeout, body = json.loads(raw)
        assert sequence == self.sequence, "a transaction with another sequence is in the mempool"
        self.sequence += 1
        if self.height > timeout:
            return
        for name, content in body:
            message = getattr(tx_pb2, name).FromString(bytes.fromhex(content))
            self.accepted.append(message)
            getattr(self, f"_on_{name}")(message)

    def _on_MsgCommitAggregation(self, message):
        assert self.round.submit_end < self.height <= self.round.commit_end
        assert not self.commitments, "a second commitment"
        assert list(message.participant_gradient_ids) == [update.id for update in self.updates]
        self.commitments.append(
            AggregationCommitment(
                commitment_id=0,
                proposer=message.proposer,
                commitment_hash=message.commitment_hash,
                training_round_id=0,
                committed_at_height=self.height,
                status="committed",
            )
        )

    def _on_MsgRevealAggregation(self, message):
        assert self.round.commit_end < self.height <= self.round.reveal_end
        expected = commitment_hash(
            self.chain_id,
            parse_address(PROPOSER, "remes"),
            0,
            message.model_version,
            message.aggregated_gradient_ipfs_hash,
            message.merkle_root,
            list(message.participant_gradient_ids),
            message.salt,
        )
        assert expected == self.commitments[0].commitment_hash
        self.commitments[0].status = "revealed"
        self.aggregations.append(
            AggregationRecord(
                aggregation_id=0,
                proposer=message.proposer,
                submitted_at_height=self.height,
                aggregated_gradient_ipfs_hash=message.aggregated_gradient_ipfs_hash,
                status="pending",
            )
        )
        self.round.has_aggregation = True

    def _on_MsgSubmitAggregation(self, message):
        assert self.height > self.round.challenge_end
        if not self.history:
            cid, version = message.aggregated_gradient_ipfs_hash, self.round.start_version + 1
            self.history.append(ExpertVersion(version=version, adapter_cid=cid, finalized_height=self.height))


@pytest.fixture
def chain():
    return FakeChain()


@pytest.fixture
def clock(chain):
    """A clock on which every sleep is one block."""
    now = [0.0]

    async def sleep(seconds):
        now[0] += seconds
        chain.tick()

    return Clock(lambda: now[0], sleep)


LAYERS = {"model.layers.0.self_attn.q_proj": (12, 10), "model.layers.0.mlp.down_proj": (10, 14)}


class FakeBase:
    base_id, base_hash, linear_shapes = "tiny", BASE_HASH, LAYERS

    def __init__(self):
        generator = torch.Generator().manual_seed(1)
        self._weights = {name: torch.randn(*shape, generator=generator) for name, shape in LAYERS.items()}

    def effective_weight(self, name):
        return self._weights[name]


@pytest.fixture
def base():
    return FakeBase()


def update_package(
    base, miner, seed, *, dora=True, rank=3, round_id=0, version=1, expert="python", scale=0.1, gain=1.0
):
    generator = torch.Generator().manual_seed(seed)
    modules = {}
    for name, (rows, columns) in base.linear_shapes.items():
        norms = base.effective_weight(name).norm(dim=1)
        magnitude = gain * norms * (1 + 0.05 * torch.randn(rows, generator=generator).tanh()) if dora else None
        modules[name] = ModuleAdapter(
            torch.randn(rank, columns, generator=generator) * scale,
            torch.randn(rows, rank, generator=generator) * scale,
            2.0,
            magnitude,
        )
    config = AdapterConfig("LORA", rank, 2 * rank, False, dora, ("q_proj", "down_proj"), {}, {}, base.base_hash)
    return make_package(
        config,
        tensors_of(modules),
        base_id=base.base_id,
        expert=expert,
        version=version,
        origin=UpdateOrigin(miner, round_id),
    )


@pytest.fixture
def packages(base, tmp_path):
    """Makes updates, and puts them into a store and onto the fake chain."""

    async def publish(chain, store, package, **changes):
        folder = tmp_path / f"package-{len(chain.updates)}"
        write_package(package, folder)
        record = {
            "id": len(chain.updates),
            "miner": package.manifest.origin.miner,
            "ipfs_hash": await store.add(folder),
            "model_version": "tiny/python@0",
            "gradient_hash": package.manifest.gradient_hash,
            "submitted_at_height": 12,
            "status": "pending",
        }
        chain.updates.append(StoredGradient(**record | changes))

    def make(number, **options):
        return update_package(base, format_address(bytes([number]) * 20, "remes"), number, **options)

    return SimpleNamespace(make=make, publish=publish)
