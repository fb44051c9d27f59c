"""The proposer's decisions over a chain of several experts in memory; test_coordinator has what a round does."""

import asyncio

import pytest

from r3mes_ray.chain.base import ChainStatus, SignedTx, TxResult
from r3mes_ray.errors import ChainUnavailable, RoundClosed, TooFewUpdates, TxRejected
from r3mes_ray.settings import Settings
from r3mes_ray.training.context import RoundPorts
from r3mes_ray.training.journal import open_journal
from r3mes_ray.training.ports import Clock
from r3mes_ray.training.proposer import Proposer, ProposerPlan, Stop
from r3mes_ray.training.records import Began, Committed, Ended
from r3mes_ray.training.report import report_of
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

    async def __call__(self, ports, round_id, limit):
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

    async def run(stop=None, client=chain, **plan):
        events = []

        async def sleep(seconds):
            await asyncio.sleep(0.001)

        ports = RoundPorts(Settings(home=tmp_path), client, None, lambda: None, clock=Clock(lambda: 0.0, sleep))
        proposer = Proposer(ports, ProposerPlan(**plan), events.append, stop or Stop(), runner)
        return await asyncio.wait_for(proposer.run(), 20), events

    return run


def said(events, what):
    return [(event.expert, event.round_id) for event in events if event.what == what]


async def test_proposer_opens_rounds_of_all_experts_and_ends_after_as_many_as_asked(chain, runner, follow):
    good, events = await follow(rounds=2)
    assert good
    assert [chain.rounds[number].expert for number in runner.ran].count("legal") == 2
    assert sorted(chain.opened) == sorted(runner.ran) == [0, 1, 2, 3]
    assert [event.report.outcome for event in events if event.what == "ended"] == ["finalized"] * 4


async def test_proposer_runs_rounds_of_several_experts_at_a_time(chain, runner, follow):
    together = asyncio.Barrier(2)

    async def meet(journal):
        await together.wait()

    runner.does = {0: meet, 1: meet}
    await follow(rounds=1)
    assert runner.most == 2


async def test_proposer_joins_the_round_of_another_and_opens_none_beside_it(chain, runner, follow):
    number = chain.open("python")
    _, events = await follow(experts=("python",), rounds=1)
    assert (runner.ran, chain.opened, said(events, "joined")) == ([number], [], [("python", number)])


async def test_proposer_that_opens_none_waits_for_a_round_and_leaves_a_late_one_alone(chain, runner, follow):
    late, stop = chain.open("python", phase=RoundPhase.ROUND_PHASE_REVEAL), Stop()
    task = asyncio.ensure_future(follow(stop, experts=("python",), opens=False))
    await asyncio.sleep(0.05)
    assert runner.ran == []
    chain.close(late)
    number = chain.open("python")
    while not runner.ran:
        await asyncio.sleep(0.01)
    stop.soon.set()
    assert (await task)[0]
    assert (runner.ran, chain.opened) == ([number], [])


async def test_proposer_resumes_what_an_earlier_one_left_before_anything_else(chain, runner, follow, tmp_path):
    number = chain.open("legal", by=HERE, phase=RoundPhase.ROUND_PHASE_REVEAL)
    with open_journal(tmp_path, "remes-test", number) as journal:
        journal.append(Began("remes-test", number, "legal", HERE, 5))
    await follow(experts=("python",), rounds=1)
    assert set(runner.ran) == {number, 1}
    assert [chain.rounds[opened].expert for opened in chain.opened] == ["python"]


async def test_proposer_gives_a_round_up_that_has_too_few_updates_and_waits_for_the_next(chain, runner, follow):
    number = chain.open("python")
    runner.does = {number: TooFewUpdates(number, 1, 2)}
    task = asyncio.ensure_future(follow(experts=("python",), rounds=2))
    await asyncio.sleep(0.05)
    assert runner.ran == [number]
    chain.close(number)
    good, events = await task
    assert good
    assert said(events, "given-up") == [("python", number)]
    assert runner.ran == [number, 1]


async def test_proposer_goes_on_with_the_same_round_after_an_outage(chain, runner, follow):
    runner.does = {0: ChainUnavailable("127.0.0.1:9", "away")}
    good, events = await follow(experts=("python",), rounds=1)
    assert good
    assert runner.ran == [0, 0]
    assert said(events, "waiting") == [("python", 0)]


async def test_proposer_waits_for_a_chain_that_is_down_when_it_starts(chain, runner, follow):
    chain.down = 7
    good, events = await follow(experts=("python",), rounds=1)
    assert good
    assert runner.ran == [0]
    assert len(said(events, "waiting")) == 7


async def test_proposer_whose_opening_is_refused_fails_for_that_expert_alone(chain, runner, follow):
    class Refusing(Chain):
        async def broadcast(self, tx):
            self.refuse = self._message.expert == "legal"
            return await super().broadcast(tx)

    picky = Refusing("legal", "python")
    runner._chain = picky
    good, events = await follow(client=picky, rounds=1)
    assert not good
    assert said(events, "failed") == [("legal", None)]
    assert [event.round_id for event in events if event.what == "ended"] == [0]


async def test_proposer_beaten_to_the_opening_joins_that_round(chain, runner, follow):
    class Race(Chain):
        async def broadcast(self, tx):
            if not self.rounds:
                self.open("python")
                self.refuse = 1
            return await super().broadcast(tx)

    race = Race("python")
    runner._chain = race
    good, _ = await follow(client=race, rounds=1)
    assert (good, runner.ran, race.opened) == (True, [0], [])


async def test_proposer_told_to_stop_soon_ends_the_round_under_way_and_begins_no_other(chain, runner, follow):
    stop = Stop()

    async def stop_soon(journal):
        stop.soon.set()
        await asyncio.sleep(0.02)

    runner.does = {0: stop_soon}
    good, events = await follow(stop, experts=("python",))
    assert (good, runner.ran) == (True, [0])
    assert [event.report.outcome for event in events if event.what == "ended"] == ["finalized"]


async def test_proposer_told_to_stop_now_leaves_the_round_journalled_and_says_what_is_at_stake(
    chain, runner, follow, tmp_path
):
    stop = Stop()

    async def commit_and_hang(journal):
        journal.append(Committed(0, 12, "AB"))
        stop.at_once()
        await asyncio.sleep(3600)

    runner.does = {0: commit_and_hang}
    good, events = await follow(stop, experts=("python",))
    (left,) = [event for event in events if event.what == "left"]
    assert (good, left.round_id) == (True, 0)
    assert "must be revealed" in left.detail
    _, events = await follow(experts=("python",), rounds=0)
    assert [event.report.outcome for event in events if event.what == "ended"] == ["finalized"]
    assert runner.ran == [0, 0]


async def test_proposer_whose_round_closed_early_goes_on_with_the_next(chain, runner, follow):
    async def late(journal):
        chain.close(0)
        raise RoundClosed(0, "commit", "its commit phase ended")

    runner.does = {0: late}
    good, events = await follow(experts=("python",), rounds=2)
    assert good
    assert runner.ran == [0, 1]
    assert next(event.detail for event in events if event.what == "ended").startswith("round 0: cannot commit")
