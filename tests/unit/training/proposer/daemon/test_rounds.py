"""The proposer's decisions over a chain of several experts in memory; test_coordinator has what a round does."""

import asyncio

from r3mes_ray.training.journal import open_journal
from r3mes_ray.training.proposer.following import Stop
from r3mes_ray.training.records import Began, Committed
from r3mes_ray.wire.r3mes.v1.types_pb2 import RoundPhase

HERE = "remes1here"


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
