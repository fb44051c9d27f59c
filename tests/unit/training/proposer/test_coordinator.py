"""One round over a chain in memory and a real block store, killed at every call of a port."""

from types import SimpleNamespace

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.errors import ChainUnavailable, RoundClosed, TooFewUpdates
from r3mes_ray.models.adapters import read_package
from r3mes_ray.settings import Settings
from r3mes_ray.training.journal import journal_path, open_journal, read_journal
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.training.records import Prepared, TxSigned

MISSING = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


@pytest.fixture
async def world(chain, clock, base, settings, packages):
    """Three valid updates, one with a wrong hash; a coordinator that can be made anew, as after a crash."""
    store = open_store(settings)
    for number in range(3):
        await packages.publish(chain, store, packages.make(number, dora=number != 1))
    await packages.publish(chain, store, packages.make(3), gradient_hash="00" * 32)
    events = []

    def coordinator(**changes):
        ports = RoundPorts(settings, chain, open_store(settings), lambda: base, listen=events.append, clock=clock)
        for name, value in changes.items():
            object.__setattr__(ports, name, value)
        return RoundCoordinator(ports)

    return SimpleNamespace(coordinator=coordinator, events=events, store=store)


def messages(chain, name):
    return [message for message in chain.accepted if message.DESCRIPTOR.name == name]


async def test_round_of_three_good_updates_and_a_bad_one_is_finalized(world, chain, settings, tmp_path):
    report = await world.coordinator().run(0)
    assert (report.outcome, report.version, report.accepted) == ("finalized", 1, (0, 1, 2))
    assert [(entry.update_id, entry.rule) for entry in report.excluded] == [(3, "gradient-hash")]
    assert chain.history[0].adapter_cid == report.cid
    assert [step.step for step in report.transactions] == ["commit", "reveal", "submit"]
    assert all(step.tx_hash for step in report.transactions)
    await world.store.get(report.cid, tmp_path / "package")
    package = read_package(tmp_path / "package", max_bytes=2**20)
    assert package.manifest.method == "dora"
    assert package.manifest.version == 1
    assert package.manifest.origin.accepted == (0, 1, 2)
    assert package.manifest.origin.weights == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert [entry.id for entry in package.manifest.origin.excluded] == [3]


async def test_round_transactions_are_in_their_phases_and_name_what_they_must(world, chain):
    await world.coordinator().run(0)
    (commit,) = messages(chain, "MsgCommitAggregation")
    (reveal,) = messages(chain, "MsgRevealAggregation")
    assert list(commit.participant_gradient_ids) == [0, 1, 2, 3]
    assert list(reveal.participant_gradient_ids) == [0, 1, 2]
    assert reveal.model_version == "tiny/python@0"
    assert chain.round.submit_end < chain.commitments[0].committed_at_height <= chain.round.commit_end
    assert chain.round.commit_end < chain.aggregations[0].submitted_at_height <= chain.round.reveal_end


async def test_round_steps_are_told_in_order(world):
    await world.coordinator().run(0)
    begun = [event.step for event in world.events if event.state == "begin"]
    assert begun == ["query", "fetch", "verify", "aggregate", "serialise", "upload", "commit", "reveal", "submit"]
    assert begun == [event.step for event in world.events if event.state == "done"]


async def test_round_run_again_after_its_end_sends_nothing(world, chain):
    first = await world.coordinator().run(0)
    sent = len(chain.accepted)
    again = await world.coordinator().run(0)
    assert (again.outcome, again.cid, len(chain.accepted)) == ("finalized", first.cid, sent)


async def test_round_of_the_same_updates_has_the_same_cid_in_another_home(
    world, chain, settings, clock, base, tmp_path
):
    first = await world.coordinator().run(0)
    chain.commitments.clear()
    chain.aggregations.clear()
    chain.history.clear()
    chain.round.has_aggregation = False
    chain.height = 16
    shared = {"kind": "disk", "path": settings.content_path}
    other = Settings.model_validate({"home": tmp_path / "other", "content": shared})
    second = await RoundCoordinator(RoundPorts(other, chain, open_store(other), lambda: base, clock=clock)).run(0)
    assert second.cid == first.cid
    hashes = [message.commitment_hash for message in messages(chain, "MsgCommitAggregation")]
    assert hashes[0] != hashes[1]


async def test_round_with_too_few_valid_updates_is_refused_by_name(world, chain):
    chain.round.rule_parameters = '{"min_updates":4,"rank":4}'
    with pytest.raises(TooFewUpdates, match="3 valid updates, its rule needs 4"):
        await world.coordinator().run(0)
    assert chain.accepted == []


async def test_round_limit_takes_the_first_on_chain(world, chain):
    chain.round.rule_parameters = '{"limit":2,"rank":4}'
    report = await world.coordinator().run(0)
    assert report.accepted == (0, 1)
    assert [(entry.update_id, entry.rule) for entry in report.excluded] == [(2, "limit"), (3, "limit")]


async def test_round_after_its_commit_phase_is_closed(world, chain):
    chain.height = 41
    with pytest.raises(RoundClosed, match="commit phase ended with block 40"):
        await world.coordinator().run(0)


async def test_round_content_that_never_comes_is_excluded_with_its_reason(world, chain):
    chain.updates[1].ipfs_hash = MISSING
    report = await world.coordinator().run(0)
    assert report.accepted == (0, 2)
    assert [(entry.update_id, entry.rule) for entry in report.excluded] == [
        (1, "content-missing"),
        (3, "gradient-hash"),
    ]


async def test_round_with_too_little_content_is_refused_by_name(world, chain):
    chain.updates[1].ipfs_hash = chain.updates[2].ipfs_hash = MISSING
    chain.round.rule_parameters = '{"min_updates":2,"rank":4}'
    with pytest.raises(TooFewUpdates, match="1 valid updates, its rule needs 2"):
        await world.coordinator().run(0)
    assert chain.accepted == []


async def test_round_content_that_comes_late_is_taken(world, chain, packages, settings, tmp_path):
    elsewhere = open_store(Settings(home=tmp_path / "miner"))
    await packages.publish(chain, elsewhere, packages.make(4))
    late = tmp_path / "package-4"
    real_tick = chain.tick

    def tick():
        real_tick()
        if chain.height == 20:
            import asyncio
            import threading

            thread = threading.Thread(target=lambda: asyncio.run(open_store(settings).add(late)))
            thread.start()
            thread.join()

    chain.tick = tick
    report = await world.coordinator().run(0)
    assert report.accepted == (0, 1, 2, 4)


async def test_round_reveal_missed_is_forfeited_and_its_salt_is_never_used_again(world, chain, settings):
    chain.scythe.at = -1
    real = chain.sign

    async def sign(found, **options):
        if found[0].DESCRIPTOR.name == "MsgRevealAggregation":
            chain.height = 81
            raise ChainUnavailable("127.0.0.1:9", "away for the whole phase")
        return await real(found, **options)

    chain.sign = sign
    with pytest.raises(RoundClosed, match="cannot reveal"):
        await world.coordinator().run(0)
    assert read_journal(settings.home, "remes-test", 0).ended.outcome == "forfeited"
    report = await world.coordinator().run(0)
    assert report.outcome == "forfeited"
    assert len(messages(chain, "MsgCommitAggregation")) == 1


async def test_round_whose_winner_is_another_is_superseded(world, chain):
    real = chain._on_MsgRevealAggregation

    def reveal(message):
        real(message)
        chain.aggregations.append(chain.aggregations[0])
        chain.round.aggregation_id = 1

    chain._on_MsgRevealAggregation = reveal
    report = await world.coordinator().run(0)
    assert (report.outcome, report.version) == ("superseded", None)
    assert messages(chain, "MsgSubmitAggregation") == []


async def test_round_with_a_commitment_but_no_journal_says_that_the_salt_is_lost(world, chain, settings):
    await world.coordinator().run(0)
    chain.history.clear()
    chain.height = 20
    journal_path(settings.home, "remes-test", 0).unlink()
    with pytest.raises(RoundClosed, match="its salt is not in this home"):
        await world.coordinator().run(0)


async def test_round_of_a_reset_chain_does_not_go_on_with_an_old_journal(world, chain):
    await world.coordinator().run(0)
    chain.round.opened_height = 7
    with pytest.raises(RoundClosed, match="opened at height 5"):
        await world.coordinator().run(0)


class DyingStore:
    """A content store whose calls count for the scythe."""

    def __init__(self, store, scythe):
        self._store, self._scythe = store, scythe

    def __getattr__(self, name):
        verb = getattr(self._store, name)

        async def call(*arguments):
            self._scythe.strike(after=False)
            result = await verb(*arguments)
            self._scythe.strike(after=True)
            return result

        return call


async def run_until_dead(world, chain, settings, base, clock, *, at, after):
    """One process: dies at its `at`-th call of a port; True when it came to its end."""
    chain.scythe.at, chain.scythe.after, chain.scythe.calls = at, after, 0
    coordinator = world.coordinator(store=DyingStore(open_store(settings), chain.scythe))
    try:
        await coordinator.run(0)
    except BaseException as stop:
        if type(stop).__name__ != "Killed":
            raise
        return False
    return True


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_round_killed_at_every_call_ends_with_one_commitment_and_one_salt(
    world, chain, settings, base, clock, after
):
    """The process dies at its first call, then (a new one) at its second, and so on: many deaths in one round."""
    chain.round.submit_end, chain.round.commit_end = 11, 400
    chain.round.reveal_end, chain.round.challenge_end = 900, 1000
    deaths = 0
    for at in range(400):
        if await run_until_dead(world, chain, settings, base, clock, at=at, after=after):
            break
        deaths += 1
    assert deaths > 20
    assert len(messages(chain, "MsgCommitAggregation")) == 1
    assert len(messages(chain, "MsgRevealAggregation")) == 1
    assert len(chain.history) == 1
    with open_journal(settings.home, "remes-test", 0) as journal:
        salts = [record for record in journal.records if isinstance(record, Prepared)]
        assert len(salts) == 1
        assert messages(chain, "MsgRevealAggregation")[0].salt == salts[0].salt
        assert journal.progress.ended.outcome == "finalized"


@pytest.mark.parametrize("records", range(1, 16))
@pytest.mark.parametrize("torn", [b"", b'{"sum": "0'], ids=["clean", "torn"])
async def test_round_killed_right_after_any_journal_record_ends_well(
    world, chain, settings, base, clock, monkeypatch, records, torn
):
    """Crash table: the journal holds exactly its first records, whatever the chain knows by then."""
    from r3mes_ray.training.journal import Journal

    class Killed(BaseException):
        pass

    real, written = Journal.append, []

    def append(journal, record):
        real(journal, record)
        written.append(record)
        if len(written) == records:
            raise Killed

    monkeypatch.setattr(Journal, "append", append)
    finished = False
    try:
        await world.coordinator().run(0)
        finished = True
    except Killed:
        pass
    monkeypatch.undo()
    with journal_path(settings.home, "remes-test", 0).open("ab") as file:
        file.write(torn)
    report = await world.coordinator().run(0)
    assert finished == (records > len(written))
    assert report.outcome == "finalized"
    assert len(messages(chain, "MsgCommitAggregation")) == 1
    signed = [record for record in written if isinstance(record, TxSigned)]
    assert len({record.tx_hash for record in signed}) == len(signed)
