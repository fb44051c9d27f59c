"""The evaluation gate on the shipped base: what makes held-out text less likely does not enter, and is recorded."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.errors import InvalidInput, WorkLost
from r3mes_ray.models.adapters import UpdateOrigin, read_package
from r3mes_ray.models.base import load_base, shipped_path
from r3mes_ray.models.evaluate import window_losses
from r3mes_ray.protocol.address import format_address
from r3mes_ray.protocol.cid import parse_cid
from r3mes_ray.settings import Settings
from r3mes_ray.training.checking.verification import verify_round
from r3mes_ray.training.gate.evaluation import Scored, evaluate, worse_than_start
from r3mes_ray.training.gate.held_out import held_out, refusal, undeclared
from r3mes_ray.training.ports import serial_map
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.training.proposer.opening import parameters_of
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.rules import RuleParameters

CHARACTERS = 6000
TEXT = "ab" * 32
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
    return Settings.model_validate(
        {"home": tmp_path / "home", "training": {"evaluation": evaluation, "min_updates": 1}}
    )


@pytest.fixture
def run(chain, clock, base, settings, packages, tmp_path):
    store = open_store(settings)

    async def run(*updates, parameters=None, **ports):
        for package in updates:
            await packages.publish(chain, store, package)
        chain.round.base_hash = base.base_hash
        chain.round.rule_parameters = (parameters or parameters_of(settings.training, None)).to_json()
        own = RoundPorts(settings, chain, store, lambda: base, clock=clock, **ports)
        report = await RoundCoordinator(own).run(0)
        chain.aggregations[0].participant_gradient_ids.extend(report.accepted)
        chain.aggregations[0].merkle_root = report.merkle_root
        await store.get(report.cid, tmp_path / "package")
        return report, read_package(tmp_path / "package", max_bytes=2**24).manifest.origin

    async def verify():
        """By a node without the text."""
        own = settings.model_copy(update={"training": Settings(home=tmp_path).training})
        (tmp_path / "verify").mkdir()
        return await verify_round(own, chain, store, lambda: base, 0, tmp_path / "verify")

    def declare(**parameters):
        """The round's parameters on chain become others, after the fact."""
        chain.round.rule_parameters = RuleParameters(**parameters).to_json()

    return SimpleNamespace(run=run, verify=verify, store=store, declare=declare)


async def test_gate_refuses_what_raises_the_loss_and_the_manifest_says_by_how_much(run, packages):
    good = [packages.make(number, dora=False, scale=0.05) for number in (0, 1)]
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
    report, origin = await run.run(bad, again, packages.make(0, dora=False, scale=0.05))
    assert report.accepted == (2,)
    assert [(entry.id, entry.rule) for entry in origin.excluded] == [(0, "loss"), (1, "copy")]
    assert (await run.verify()).verdict == "EXACT"


async def test_update_that_is_gone_when_it_is_scored_is_gone_for_its_copies_too(run, chain, packages, settings):
    """The copy of what nobody can fetch any more is judged as if it were the first, by everybody."""

    def losing(function, items, label):
        for path in blocks if function is evaluate else ():
            path.unlink(missing_ok=True)
        return serial_map(function, items, label)

    first = packages.make(0, dora=False, scale=0.05)
    again = replace(
        first, manifest=replace(first.manifest, origin=UpdateOrigin(format_address(bytes([9]) * 20, "remes"), 0))
    )
    await packages.publish(chain, run.store, first)
    name = parse_cid(chain.updates[0].ipfs_hash).digest.hex()
    blocks = [settings.content_path / "blocks" / name[-2:] / name]
    assert blocks[0].is_file()
    report, origin = await run.run(again, packages.make(1, dora=False, scale=0.05), parallel=losing)
    assert [(entry.id, entry.rule) for entry in origin.excluded] == [(0, "content-missing")]
    assert report.accepted == (1, 2)
    assert (await run.verify()).verdict == "EXACT"


async def test_refusal_in_a_round_that_declares_no_gate_is_fraud(run, packages):
    await run.run(packages.make(0, dora=False, scale=0.05), packages.make(2, dora=False, scale=0.4))
    run.declare()
    found = await run.verify()
    assert (found.verdict, found.reason) == (
        "FRAUD",
        "update 1 is refused for its loss, and the round declares no evaluation gate",
    )


async def test_refusal_on_another_text_than_the_rounds_is_fraud(run, packages):
    await run.run(packages.make(0, dora=False, scale=0.05), packages.make(2, dora=False, scale=0.4))
    run.declare(gate_sha256="00" * 32, gate_margin_nats=0.05, gate_window_tokens=64)
    found = await run.verify()
    assert (found.verdict, f"and the round declares {'00' * 32}" in found.reason) == ("FRAUD", True)


@pytest.mark.parametrize(
    "declared", [{}, {"gate_sha256": "00" * 32, "gate_margin_nats": 0.05, "gate_window_tokens": 64}]
)
async def test_proposer_applies_no_gate_but_the_rounds_and_says_so(run, packages, declared):
    told = []
    report, _ = await run.run(
        packages.make(0, dora=False, scale=0.05),
        packages.make(2, dora=False, scale=0.4),
        parameters=RuleParameters(**declared),
        listen=lambda event: told.append(event.detail),
    )
    assert report.accepted == (0, 1)
    assert any(detail.startswith("no update is scored: the round declares") for detail in told)
    assert (await run.verify()).verdict == "EXACT"


async def test_margin_is_the_rounds_and_not_the_nodes(run, packages, settings):
    wide = parameters_of(settings.training, None).model_copy(update={"gate_margin_nats": 1e6})
    updates = packages.make(0, dora=False, scale=0.05), packages.make(2, dora=False, scale=0.4)
    report, _ = await run.run(*updates, parameters=wide)
    assert report.accepted == (0, 1)


async def test_losses_are_of_the_rounds_window_whatever_the_nodes_is(run, packages, settings):
    window = settings.training.evaluation.window_tokens // 2
    declared = parameters_of(settings.training, None).model_copy(update={"gate_window_tokens": window})
    bad = packages.make(2, dora=False, scale=0.4)
    _, origin = await run.run(packages.make(0, dora=False, scale=0.05), bad, parameters=declared)
    (entry,) = origin.excluded
    text = held_out(settings.training.evaluation).text
    found = {size: window_losses(load_base("tiny"), None, text, size).mean() for size in (window, 2 * window)}
    said = float(entry.reason.split()[-1])
    assert said == pytest.approx(found[window], abs=1e-5)
    assert abs(said - found[2 * window]) > 1e-3
    assert origin.parameters["gate_window_tokens"] == window


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (refusal(4, TEXT, 6.15, 6.0), None),
        (refusal(4, TEXT, float("nan"), 6.0), None),
        (refusal(4, TEXT, 6.05, 6.0), "6.050000 is not above 6.000000 by more than 0.1"),
        (Excluded(4, "loss", "it is bad"), "does not name both losses and the text"),
        (Excluded(4, "loss", refusal(4, TEXT, 6.15, 6.0).detail.replace("6.15", "six")), "does not name both losses"),
        (Excluded(4, "content-missing", "has not arrived"), None),
    ],
)
def test_reason_of_a_refusal_is_held_against_what_the_round_declares(entry, fault):
    found = undeclared(RuleParameters(gate_sha256=TEXT, gate_margin_nats=0.1, gate_window_tokens=64), [entry])
    assert found is None if fault is None else fault in found


def test_gate_without_a_text_is_none_and_one_that_is_missing_is_refused_by_name(settings, tmp_path):
    assert held_out(Settings(home=tmp_path).training.evaluation) is None
    assert len(held_out(settings.training.evaluation).text) == CHARACTERS
    settings.training.evaluation.text.unlink()
    with pytest.raises(InvalidInput, match=r"heldout\.txt"):
        held_out(settings.training.evaluation)


def test_update_that_cannot_be_scored_is_missing_and_not_refused_for_its_loss(settings):
    (refused,) = worse_than_start(settings, held_out(settings.training.evaluation), None, [(4, AWAY)], serial_map)
    assert (refused.update_id, refused.rule) == (4, "content-missing")


def test_start_version_that_cannot_be_scored_is_work_that_is_lost(settings):
    with pytest.raises(WorkLost, match="the start version is not to be had"):
        worse_than_start(settings, held_out(settings.training.evaluation), AWAY, [], serial_map)
