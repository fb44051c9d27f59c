"""What a proposer does about outages, refusals, lateness and damage."""

import asyncio
import errno
from itertools import islice

import pytest

from r3mes_ray.errors import (
    ChainUnavailable,
    ContentTimeout,
    InvalidInput,
    RoundBusy,
    RoundClosed,
    SpillFailed,
    TooFewUpdates,
    TxRejected,
    WorkLost,
)
from r3mes_ray.training.journal import journal_path
from r3mes_ray.training.proposer.daemon import Proposer
from r3mes_ray.training.proposer.follower import after
from r3mes_ray.training.proposer.following import ProposerPlan, Stop
from r3mes_ray.training.records import Committed
from r3mes_ray.wire.r3mes.v1.types_pb2 import RoundPhase

PASSING = (
    OSError(errno.ENOSPC, "disk full"),
    SpillFailed("/tmp", "disk full"),
    RoundBusy(0),
    WorkLost("gram", "died"),
    TxRejected("sdk", 13, "fee", "", 0),
)


def said(events, what):
    return [(event.expert, event.round_id) for event in events if event.what == what]


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


async def test_proposer_goes_on_with_a_round_whose_start_version_was_away(chain, runner, follow):
    runner.does = {0: ContentTimeout("bafy", 1.0)}
    good, events = await follow(experts=("python",), rounds=1)
    assert (good, runner.ran, said(events, "waiting")) == (True, [0, 0], [("python", 0)])


async def test_proposer_gives_up_a_round_whose_rule_it_does_not_know_and_no_other(chain, runner, follow):
    number = chain.open("python")
    runner.does = {number: InvalidInput("aggregation rule", "unknown here")}
    task = asyncio.ensure_future(follow(experts=("python",), rounds=2))
    await asyncio.sleep(0.05)
    chain.close(number)
    good, events = await task
    assert (good, runner.ran, said(events, "ended")) == (True, [number, 1], [("python", number), ("python", 1)])


async def test_proposer_whose_reveal_is_refused_tries_again_for_its_stake(chain, runner, follow):
    async def commit_and_lack_a_fee(journal):
        journal.append(Committed(0, 12, "AB"))
        raise TxRejected("sdk", 13, "insufficient fee", "CD", 0)

    runner.does = {0: commit_and_lack_a_fee}
    good, events = await follow(experts=("python",), rounds=1)
    assert (good, runner.ran, said(events, "waiting")) == (True, [0, 0], [("python", 0)])


async def test_proposer_with_a_damaged_journal_of_an_old_round_says_so_and_works_on(chain, runner, follow, tmp_path):
    path = journal_path(tmp_path, "remes-test", 77)
    path.parent.mkdir(parents=True)
    path.write_text("no journal\n" * 3)
    good, events = await follow(experts=("python",), rounds=1)
    assert (good, runner.ran, said(events, "failed")) == (True, [0], [("", 77)])


async def test_proposer_waits_for_a_chain_that_is_down_when_it_starts(chain, runner, follow):
    chain.down = 7
    good, events = await follow(experts=("python",), rounds=1)
    assert good
    assert runner.ran == [0]
    assert len(said(events, "waiting")) == 7


async def test_proposer_whose_opening_is_refused_fails_for_that_expert_alone(chain, runner, follow):
    class Refusing(type(chain)):
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
    class Race(type(chain)):
        async def broadcast(self, tx):
            if not self.rounds:
                self.open("python")
                self.refuse = 1
            return await super().broadcast(tx)

    race = Race("python")
    runner._chain = race
    good, _ = await follow(client=race, rounds=1)
    assert (good, runner.ran, race.opened) == (True, [0], [])


async def test_proposer_whose_round_closed_early_goes_on_with_the_next(chain, runner, follow):
    async def late(journal):
        chain.close(0)
        raise RoundClosed(0, "commit", "its commit phase ended")

    runner.does = {0: late}
    good, events = await follow(experts=("python",), rounds=2)
    assert good
    assert runner.ran == [0, 1]
    assert next(event.detail for event in events if event.what == "ended").startswith("round 0: cannot commit")


@pytest.mark.parametrize("trouble", PASSING[:4], ids=lambda error: type(error).__name__)
async def test_proposer_with_a_commitment_at_stake_goes_on_after_trouble_that_passes(chain, runner, follow, trouble):
    async def commit_and_fail(journal):
        journal.append(Committed(0, 12, "AB"))
        raise trouble

    runner.does = {0: commit_and_fail}
    good, events = await follow(experts=("python",), rounds=1)
    assert (good, runner.ran, said(events, "waiting")) == (True, [0, 0], [("python", 0)])


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_trouble_that_passes_is_waited_for_only_where_stake_is_lost_else(error):
    assert after(error, "committed") == "retry"
    assert after(error, "none") == ("back-off" if isinstance(error, OSError) else "give-up")


async def test_proposer_whose_disk_is_full_says_so_and_tries_the_round_again(chain, runner, follow):
    runner.does = {0: OSError(errno.ENOSPC, "No space left on device")}
    good, events = await follow(experts=("python",), rounds=1, pause_s=7)
    assert (good, runner.ran) == (True, [0, 0])
    (waited,) = [event for event in events if event.what == "waiting"]
    assert (waited.round_id, waited.detail) == (0, "[Errno 28] No space left on device; again in 7 s")


@pytest.mark.parametrize("when", ["it looks for a round", "it works on one"])
async def test_proposer_whose_journal_cannot_be_read_waits_until_it_can(chain, runner, follow, tmp_path, when):
    number = chain.open("python")
    path = journal_path(tmp_path, "remes-test", number)
    aside = tmp_path / "aside"

    async def break_it(journal):
        path.rename(aside)
        path.mkdir()
        raise OSError(errno.EMFILE, "Too many open files")

    events = []

    def hear(event):
        events.append(event)
        if event.what == "following" and when == "it looks for a round":
            path.mkdir(parents=True)

    if when == "it works on one":
        runner.does = {number: break_it}
    task = asyncio.ensure_future(follow(experts=("python",), rounds=1, tell=hear))
    while len(said(events, "waiting")) < 3:
        assert not task.done(), task
        await asyncio.sleep(0.001)
    path.rmdir()
    if aside.exists():
        aside.rename(path)
    good, _ = await task
    assert good
    assert [event.report.outcome for event in events if event.what == "ended"] == ["finalized"]


def test_pauses_of_a_nodes_own_trouble_double_up_to_a_minute():
    def first(count, pause_s):
        return list(islice(Proposer(None, ProposerPlan(pause_s=pause_s), None, Stop()).pauses(), count))

    assert first(6, 5.0) == [5, 10, 20, 40, 60, 60]
    assert first(3, 0.0) == [1, 2, 4]
    assert first(2, 90.0) == [90, 90]


@pytest.mark.parametrize("error", [RoundClosed(0, "reveal", "too late"), TooFewUpdates(0, 1, 2)])
def test_what_no_waiting_mends_ends_the_round_also_with_a_commitment(error):
    assert after(error, "committed") == "give-up"


async def test_bug_in_one_follower_is_told_and_raised_when_the_others_are_done(chain, runner, follow):
    numbers = {name: chain.open(name) for name in ("legal", "python")}
    runner.does = {numbers["legal"]: KeyError("a bug")}
    with pytest.raises(KeyError, match="a bug"):
        await follow(rounds=1)
    assert runner._chain.rounds[numbers["python"]].phase == RoundPhase.ROUND_PHASE_DONE
