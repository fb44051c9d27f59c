"""The evaluation gate on the shipped base: what makes held-out text less likely does not enter, and is recorded."""

from types import SimpleNamespace

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.errors import InvalidInput, WorkLost
from r3mes_ray.models.adapters import read_package
from r3mes_ray.models.base import load_base, shipped_path
from r3mes_ray.settings import Settings
from r3mes_ray.training.checking.verification import verify_round
from r3mes_ray.training.gate.evaluation import Scored, held_out, worse_than_start
from r3mes_ray.training.ports import serial_map
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator

CHARACTERS = 6000
AWAY = Scored(None, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", 2**20)


@pytest.fixture(scope="module")
def tiny():
    return load_base("tiny")


@pytest.fixture
def base(tiny):
    names = [name for name in tiny.linear_shapes if name.endswith(("q_proj", "down_proj"))]
    shapes = {name: tiny.linear_shapes[name] for name in names}
    return SimpleNamespace(
        base_id=tiny.base_id, base_hash=tiny.base_hash, linear_shapes=shapes, effective_weight=tiny.effective_weight
    )


@pytest.fixture
def settings(tmp_path):
    text = tmp_path / "heldout.txt"
    text.write_text((shipped_path("experts") / "python" / "heldout.txt").read_text()[:CHARACTERS])
    evaluation = {"text": text, "window_tokens": 64, "margin_nats": 0.05}
    return Settings.model_validate({"home": tmp_path / "home", "training": {"evaluation": evaluation}})


@pytest.fixture
def run(chain, clock, base, settings, packages, tmp_path):
    store = open_store(settings)

    async def run(*updates):
        for package in updates:
            await packages.publish(chain, store, package)
        chain.round.base_hash = base.base_hash
        report = await RoundCoordinator(RoundPorts(settings, chain, store, lambda: base, clock=clock)).run(0)
        chain.aggregations[0].participant_gradient_ids.extend(report.accepted)
        chain.aggregations[0].merkle_root = report.merkle_root
        await store.get(report.cid, tmp_path / "package")
        return report, read_package(tmp_path / "package", max_bytes=2**24).manifest.origin

    async def verify():
        """By a node without the text."""
        own = settings.model_copy(update={"training": Settings(home=tmp_path).training})
        (tmp_path / "verify").mkdir()
        return await verify_round(own, chain, store, lambda: base, 0, tmp_path / "verify")

    return SimpleNamespace(run=run, verify=verify)


async def test_gate_refuses_what_raises_the_loss_and_the_manifest_says_by_how_much(run, packages):
    good = [packages.make(number, dora=False, scale=0.01) for number in (0, 1)]
    report, origin = await run.run(good[0], packages.make(2, dora=False, scale=0.4), good[1])
    (entry,) = origin.excluded
    assert (report.accepted, entry.id, entry.rule) == ((0, 2), 1, "loss")
    loss, start = float(entry.reason.split()[0]), float(entry.reason.split()[-1])
    assert loss > start + 0.05
    found = await run.verify()
    assert (found.verdict, found.on_trust) == ("EXACT", (1,))


async def test_copy_of_what_the_gate_refused_is_refused_as_a_copy(run, packages):
    """Copies are found before losses, by the proposer and by whoever recomputes."""
    bad = packages.make(2, dora=False, scale=0.4)
    again = packages.make(2, dora=False, scale=0.4, rank=3)
    report, origin = await run.run(bad, again, packages.make(0, dora=False, scale=0.01))
    assert report.accepted == (2,)
    assert [(entry.id, entry.rule) for entry in origin.excluded] == [(0, "loss"), (1, "copy")]
    assert (await run.verify()).verdict == "EXACT"


def test_gate_without_a_text_is_none_and_one_that_is_missing_is_refused_by_name(settings, tmp_path):
    assert held_out(Settings(home=tmp_path)) is None
    assert len(held_out(settings).text) == CHARACTERS
    settings.training.evaluation.text.unlink()
    with pytest.raises(InvalidInput, match=r"heldout\.txt"):
        held_out(settings)


def test_update_that_cannot_be_scored_is_missing_and_not_refused_for_its_loss(settings):
    (refused,) = worse_than_start(settings, held_out(settings), None, [(4, AWAY)], serial_map)
    assert (refused.update_id, refused.rule) == (4, "content-missing")


def test_start_version_that_cannot_be_scored_is_work_that_is_lost(settings):
    with pytest.raises(WorkLost, match="the start version is not to be had"):
        worse_than_start(settings, held_out(settings), AWAY, [], serial_map)
