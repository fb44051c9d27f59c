"""An earlier round's update is refused where it comes again, by proposer and checker, whatever its bytes."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from r3mes_ray.chain.decode import round_record, update_record
from r3mes_ray.content import open_store
from r3mes_ray.models.adapters import UpdateOrigin, make_package, read_package, write_package
from r3mes_ray.models.adapters.history import SketchedUpdate, decode_sketch, encode_sketch
from r3mes_ray.protocol.address import format_address
from r3mes_ray.settings import Settings
from r3mes_ray.training.checking.verification import verify_round
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.training.round import EARLIER_ROUNDS, earlier_updates, plan_round
from r3mes_ray.wire.r3mes.v1.types_pb2 import ExpertVersion, Round, RoundPhase
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient

MODEL_VERSION = "tiny/python@1"


def earlier_round(number, start_version, *hashes):
    updates = [StoredGradient(id=100 + i, gradient_hash=found, ipfs_hash="b") for i, found in enumerate(hashes)]
    return Round(
        round_id=number, expert="python", start_version=start_version, phase=RoundPhase.ROUND_PHASE_DONE
    ), updates


@pytest.fixture
async def world(chain, clock, base, packages, tmp_path):
    """A round from version 1 with two new updates and, between them, the one of last round as another miner's."""
    settings = Settings(home=tmp_path / "home")
    store = open_store(settings)
    write_package(packages.make(20, version=1), tmp_path / "version")
    cid = await store.add(tmp_path / "version")
    chain.past.append(ExpertVersion(version=1, adapter_cid=cid))
    chain.round.start_version, chain.round.start_cid = 1, cid
    old = packages.make(5, round_id=9, version=1)
    origin = UpdateOrigin(format_address(bytes([8]) * 20, "remes"), 0)
    again = replace(old, manifest=replace(old.manifest, version=2, origin=origin))
    for package in (packages.make(1, version=2), again, packages.make(2, version=2)):
        await packages.publish(chain, store, package, model_version=MODEL_VERSION)

    async def run():
        report = await RoundCoordinator(RoundPorts(settings, chain, store, lambda: base, clock=clock)).run(0)
        chain.aggregations[0].participant_gradient_ids.extend(report.accepted)
        chain.aggregations[0].merkle_root = report.merkle_root
        return report

    async def verify():
        (tmp_path / "verify").mkdir()
        return await verify_round(settings, chain, store, lambda: base, 0, tmp_path / "verify")

    return SimpleNamespace(run=run, verify=verify, old=old.manifest.gradient_hash)


async def test_last_rounds_update_in_a_new_manifest_is_stale_for_proposer_and_checker(world, chain):
    chain.earlier[9] = earlier_round(9, 0, world.old)
    report = await world.run()
    (entry,) = report.excluded
    assert (entry.update_id, entry.rule, entry.detail) == (1, "stale", "is update 100 of an earlier round again")
    assert report.accepted == (0, 2)
    assert (await world.verify()).verdict == "EXACT"


async def test_aggregate_that_took_a_stale_update_is_fraud(world, chain):
    assert (await world.run()).accepted == (0, 1, 2)
    chain.earlier[9] = earlier_round(9, 0, world.old)
    found = await world.verify()
    assert (found.verdict, found.accepted) == ("FRAUD", (0, 2))


async def test_update_of_a_round_of_the_same_version_may_come_again(world, chain):
    """That round ended without an aggregate, so nobody has been given anything for it."""
    chain.earlier[9] = earlier_round(9, 1, world.old)
    assert (await world.run()).accepted == (0, 1, 2)


async def test_only_the_last_rounds_are_asked_and_the_first_update_is_named(chain):
    chain.round.start_version, chain.round.phase = 20, RoundPhase.ROUND_PHASE_SUBMIT
    for i in range(EARLIER_ROUNDS + 1):
        chain.earlier[30 - i] = earlier_round(30 - i, 19 - i, f"{i:064x}", "ff" * 32)
    found = await earlier_updates(chain, round_record(chain.round))
    assert sorted(found) == [*(f"{i:064x}" for i in range(EARLIER_ROUNDS)), "ff" * 32]
    assert found["ff" * 32] == 101


def test_stale_updates_leave_their_places_under_the_limit_to_others(chain):
    chain.round.rule_parameters, chain.round.phase = '{"limit":2}', RoundPhase.ROUND_PHASE_SUBMIT
    updates = [update_record(StoredGradient(id=i, gradient_hash=f"{i:064x}", ipfs_hash="b")) for i in range(4)]
    plan = plan_round(round_record(chain.round), updates, None, {updates[0].gradient_hash: 77})
    assert [update.update_id for update in plan.considered] == [1, 2]
    assert [(entry.update_id, entry.rule) for entry in plan.excluded] == [(0, "stale"), (3, "limit")]


def begin_again(chain, **changes):
    """The chain of a later round under the same number: the expert has a version, and nothing was sent yet."""
    chain.past.append(chain.history.pop())
    ends = ("submit_end", "commit_end", "reveal_end", "challenge_end")
    changes |= {name: getattr(chain.round, name) + chain.height for name in ends}
    for name, value in (changes | {"opened_height": chain.height, "has_aggregation": False}).items():
        setattr(chain.round, name, value)
    for kept in (chain.updates, chain.commitments, chain.aggregations):
        kept.clear()


@pytest.fixture
async def second_round(chain, clock, base, packages, tmp_path):
    """A round from a version that was made of two updates; one of those comes again, turned, between two new ones."""
    settings = Settings(home=tmp_path / "home")
    store = open_store(settings)
    ports = RoundPorts(settings, chain, store, lambda: base, clock=clock)
    made = [packages.make(5, version=1), packages.make(6, dora=False, version=1)]
    for package in made:
        await packages.publish(chain, store, package)
    first = await RoundCoordinator(ports).run(0)
    await store.get(first.cid, tmp_path / "first")
    version = read_package(tmp_path / "first", max_bytes=2**20)

    origin = UpdateOrigin(format_address(bytes([8]) * 20, "remes"), 0)
    again = make_package(made[0].config, turned(made[0]), base_id="tiny", expert="python", version=2, origin=origin)
    for folder in tmp_path.glob("package-*"):
        shutil.rmtree(folder)
    begin_again(chain, start_version=1, start_cid=first.cid)
    for package in (packages.make(1, version=2), again, packages.make(2, version=2)):
        await packages.publish(chain, store, package, model_version=MODEL_VERSION)
    home = settings.model_copy(update={"home": tmp_path / "second"})
    shutil.copytree(settings.home, home.home, ignore=shutil.ignore_patterns("rounds"))
    second = RoundPorts(home, chain, open_store(home), lambda: base, clock=clock)

    async def verify():
        folder = tmp_path / f"verify-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return await verify_round(home, chain, second.store, lambda: base, 0, folder)

    async def run():
        report = await RoundCoordinator(second).run(0)
        chain.aggregations[0].participant_gradient_ids.extend(report.accepted)
        chain.aggregations[0].merkle_root = report.merkle_root
        return report

    return SimpleNamespace(run=run, verify=verify, version=version, store=second.store)


def turned(package):
    """Its tensors in another gauge: no byte of a factor is the same."""
    tensors = dict(package.tensors)
    for name in package.tensors:
        tensors[name] = tensors[name] * {"lora_A.weight": 3.0, "lora_B.weight": 1 / 3.0}.get(name[-13:], 1.0)
    return tensors


async def test_last_rounds_update_in_other_bytes_is_stale_for_proposer_and_checker(second_round):
    assert [[update.id for update in past.updates] for past in second_round.version.manifest.origin.history] == [[0, 1]]
    report = await second_round.run()
    (entry,) = report.excluded
    assert (entry.update_id, entry.rule) == (1, "stale")
    assert entry.detail == "is update 0 of version 1 again: cosine of sketches 1.000000"
    assert report.accepted == (0, 2)
    assert (await second_round.verify()).verdict == "EXACT"


async def test_aggregate_that_took_last_rounds_update_in_other_bytes_is_fraud(second_round, chain, tmp_path):
    """Its proposer has forgotten what is in the expert."""
    true, version = chain.round.start_cid, second_round.version
    origin = version.manifest.origin
    forgotten = tuple(SketchedUpdate(update.id, encode_sketch(torch.ones(64))) for update in origin.history[0].updates)
    origin = replace(origin, history=(replace(origin.history[0], updates=forgotten),))
    write_package(replace(version, manifest=replace(version.manifest, origin=origin)), tmp_path / "forgotten")
    chain.round.start_cid = await second_round.store.add(tmp_path / "forgotten")
    assert (await second_round.run()).accepted == (0, 1, 2)
    chain.round.start_cid = true
    found = await second_round.verify()
    assert (found.verdict, found.accepted) == ("FRAUD", (0, 2))


async def test_aggregate_with_a_false_history_is_fraud(second_round, chain, tmp_path):
    """Its tensors are right; who is left out of its history could come again."""
    report = await second_round.run()
    await second_round.store.get(report.cid, tmp_path / "second-version")
    package = read_package(tmp_path / "second-version", max_bytes=2**20)
    origin = package.manifest.origin
    first, last = origin.history

    async def verdict_on(name, *history):
        manifest = replace(package.manifest, origin=replace(origin, history=history))
        write_package(replace(package, manifest=manifest), tmp_path / name)
        chain.aggregations[0].aggregated_gradient_ipfs_hash = await second_round.store.add(tmp_path / name)
        found = await second_round.verify()
        return found.verdict, found.reason

    def moved(past, share):
        sketched = [(update.id, decode_sketch(update.sketch) * (1 + share)) for update in past.updates]
        return replace(past, updates=tuple(SketchedUpdate(id_, encode_sketch(sketch)) for id_, sketch in sketched))

    false = ("FRAUD", "its manifest has other sketches than its updates and its start version give")
    assert await verdict_on("forgets", last) == false
    assert await verdict_on("rewrites", moved(first, 1e-6), last) == false
    assert await verdict_on("another", first, moved(last, 1e-3)) == false
    assert (await verdict_on("other-arithmetic", first, moved(last, 1e-6)))[0] == "EQUIVALENT"
