"""A chain of several experts in memory, and a runner of rounds that does what a test says."""

import asyncio

import pytest

from r3mes_ray.chain.base import ChainStatus, SignedTx, TxResult
from r3mes_ray.errors import (
    ChainUnavailable,
    TxRejected,
)
from r3mes_ray.settings import Settings
from r3mes_ray.training.journal import open_journal
from r3mes_ray.training.ports import Clock
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.daemon import Proposer
from r3mes_ray.training.proposer.following import ProposerPlan, Stop
from r3mes_ray.training.proposer.report import report_of
from r3mes_ray.training.records import Began, Ended
from r3mes_ray.wire.r3mes.v1 import query_pb2 as ours
from r3mes_ray.wire.r3mes.v1.types_pb2 import Expert, Round, RoundPhase

HERE, OTHER = "remes1here", "remes1other"


class Chain:
    """Experts and their rounds; the phase of a round is what a test sets it to."""

    address = HERE

    def __init__(self, *experts):
        self.experts = {name: Expert(name=name, base_model="tiny") for name in experts}
        self.rounds, self.down, self.refuse, self.opened = [], 0, 0, []

    def open(self, expert, by=OTHER, phase=RoundPhase.ROUND_PHASE_SUBMIT):
        number = len(self.rounds)
        self.rounds.append(Round(round_id=number, expert=expert, opened_by=by, phase=phase))
        self.experts[expert].has_open_round, self.experts[expert].open_round_id = True, number
        return number

    def close(self, number):
        self.rounds[number].phase = RoundPhase.ROUND_PHASE_DONE
        self.experts[self.rounds[number].expert].has_open_round = False

    async def status(self):
        self._enter()
        return ChainStatus("remes-test", 10, "2026-01-01T00:00:00Z", "")

    async def sign(self, messages, *, gas=None, memo=""):
        self._enter()
        (self._message,) = messages
        return SignedTx(b"", "AB", 0, 0)

    async def broadcast(self, tx):
        if self.refuse:
            self.refuse -= 1
            raise TxRejected("remes", 7, "refused on purpose", "AB", 0)
        self.opened.append(self.open(self._message.expert, by=HERE))
        return TxResult("AB", 11, 1, (), ())

    async def query(self, request):
        self._enter()
        match request:
            case ours.QueryExpertsRequest():
                return ours.QueryExpertsResponse(experts=self.experts.values())
            case ours.QueryExpertRequest():
                return ours.QueryExpertResponse(expert=self.experts[request.name])
            case ours.QueryRoundRequest():
                return ours.QueryRoundResponse(round=self.rounds[request.round_id])
        raise AssertionError(request.DESCRIPTOR.name)

    def _enter(self):
        if self.down:
            self.down -= 1
            raise ChainUnavailable("127.0.0.1:9", "down on purpose")


class Runner:
    """Stands for the coordinator: journals that a round began, does what the test says, and ends it."""

    def __init__(self, chain, home):
        self._chain, self._home = chain, home
        self.ran, self.does, self.under_way, self.most = [], {}, 0, 0

    async def __call__(self, ports, round_id):
        self.ran.append(round_id)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self._run(round_id)
        finally:
            self.under_way -= 1

    async def _run(self, round_id):
        expert = self._chain.rounds[round_id].expert
        with open_journal(self._home, "remes-test", round_id) as journal:
            if journal.progress.began is None:
                journal.append(Began("remes-test", round_id, expert, HERE, 5))
            await asyncio.sleep(0)
            does = self.does.pop(round_id, None)
            if isinstance(does, Exception):
                raise does
            if does is not None:
                await does(journal)
            self._chain.close(round_id)
            journal.append(Ended("finalized", ""))
            return report_of(round_id, expert, journal.progress)


@pytest.fixture
def chain():
    return Chain("legal", "python")


@pytest.fixture
def runner(chain, tmp_path):
    return Runner(chain, tmp_path)


@pytest.fixture
def follow(chain, runner, tmp_path):
    """Run a proposer to its end: (True where no follower failed, its events)."""

    async def run(stop=None, client=chain, tell=lambda event: None, **plan):
        events = []

        def heard(event):
            events.append(event)
            tell(event)

        async def sleep(seconds):
            await asyncio.sleep(0.001)

        ports = RoundPorts(Settings(home=tmp_path), client, None, lambda: None, clock=Clock(lambda: 0.0, sleep))
        proposer = Proposer(ports, ProposerPlan(**plan), heard, stop or Stop(), runner)
        return await asyncio.wait_for(proposer.run(), 20), events

    return run
