"""Rounds as the chain's parameters have them, run by a proposer and checked by a node that was not there."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.errors import InvalidAggregate, InvalidInput, TooFewUpdates
from r3mes_ray.models.adapters import make_package, read_package, write_package
from r3mes_ray.settings import Settings
from r3mes_ray.training.checking.verification import verify_round
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.training.rules import minimum_diameter
from r3mes_ray.wire.r3mes.v1.types_pb2 import ExpertVersion


@pytest.fixture
async def nesterov(chain, packages, tmp_path):
    """Three versions before the round, whose momentum is Nesterov's."""
    store = open_store(Settings(home=tmp_path / "home"))
    for number in (1, 2, 3):
        write_package(packages.make(20 + number, version=number), tmp_path / f"version-{number}")
        cid = await store.add(tmp_path / f"version-{number}")
        chain.past.append(ExpertVersion(version=number, adapter_cid=cid))
    chain.round.start_version, chain.round.start_cid = 3, chain.past[2].adapter_cid
    chain.round.rule_parameters = '{"outer_learning_rate":0.7,"outer_method":"nesterov","outer_momentum":0.5,"rank":10}'


@pytest.fixture
async def world(chain, clock, base, packages, tmp_path):
    """Three valid updates on chain; `run` aggregates them, `verify` checks what the chain names."""
    settings = Settings(home=tmp_path / "home")
    store = open_store(settings)
    start = chain.round.start_version
    for number in range(3):
        update = packages.make(number, dora=False, version=start + 1)
        await packages.publish(chain, store, update, model_version=f"tiny/python@{start}")

    async def run():
        report = await RoundCoordinator(RoundPorts(settings, chain, store, lambda: base, clock=clock)).run(0)
        chain.aggregations[0].participant_gradient_ids.extend(report.accepted)
        chain.aggregations[0].merkle_root = report.merkle_root
        await store.get(report.cid, tmp_path / "package")
        return read_package(tmp_path / "package", max_bytes=2**20)

    async def verify(name="verify"):
        (tmp_path / name).mkdir()
        return await verify_round(settings, chain, store, lambda: base, 0, tmp_path / name)

    async def republish(package, name):
        write_package(package, tmp_path / name)
        chain.aggregations[0].aggregated_gradient_ipfs_hash = await store.add(tmp_path / name)

    return SimpleNamespace(run=run, verify=verify, republish=republish, store=store)


@pytest.mark.parametrize("rule", ["mda", "multi-krum"])
async def test_invented_aggregate_of_a_round_that_nobody_can_compute_is_fraud(world, chain, monkeypatch, rule):
    """Too many subsets to search, or more updates to keep than there are honest ones."""
    await world.run()
    monkeypatch.setattr(minimum_diameter, "MAX_SUBSETS", 2)
    chain.round.rule = rule
    chain.round.rule_parameters = '{"faults":1}' if rule == "mda" else '{"keep":1000}'
    found = await world.verify()
    assert found.verdict == "FRAUD"
    assert found.reason.startswith("nobody can have aggregated it")


async def test_proposer_of_a_round_with_too_much_to_search_is_told_why(world, chain, monkeypatch):
    monkeypatch.setattr(minimum_diameter, "MAX_SUBSETS", 2)
    chain.round.rule, chain.round.rule_parameters = "mda", '{"faults":1,"rank":4}'
    with pytest.raises(InvalidAggregate, match="3 updates with 1 liars have 3 subsets, at most 2 are searched"):
        await world.run()
    assert chain.accepted == []


async def test_proposer_of_a_round_that_keeps_more_than_there_are_is_told_how_many_it_needs(world, chain):
    chain.round.rule, chain.round.rule_parameters = "multi-krum", '{"keep":1000,"rank":4}'
    with pytest.raises(TooFewUpdates, match="3 valid updates, its rule needs 1000"):
        await world.run()
    assert chain.accepted == []


@pytest.mark.parametrize("rule", ["mean", "median"])
async def test_manifest_says_how_much_of_the_energy_the_target_rank_left_out(world, chain, rule):
    chain.round.rule, chain.round.rule_parameters = rule, '{"rank":2}'
    package = await world.run()
    assert 0.05 < package.manifest.origin.discarded_energy < 0.95
    found = await world.verify()
    assert (found.verdict, found.discarded_energy) == ("EXACT", package.manifest.origin.discarded_energy)


@pytest.mark.parametrize("claim", [0.0, 0.5, 1.0])
async def test_manifest_that_names_another_energy_is_fraud(world, chain, claim):
    chain.round.rule_parameters = '{"rank":2}'
    package = await world.run()
    origin = replace(package.manifest.origin, discarded_energy=claim)
    await world.republish(replace(package, manifest=replace(package.manifest, origin=origin)), "claims")
    found = await world.verify()
    assert (found.verdict, found.reason[:41]) == ("FRAUD", "its manifest says that rank r leaves out ")


async def test_manifest_whose_energy_differs_by_rounding_is_equivalent(world, chain):
    chain.round.rule_parameters = '{"rank":2}'
    package = await world.run()
    origin = replace(package.manifest.origin, discarded_energy=package.manifest.origin.discarded_energy + 1e-12)
    await world.republish(replace(package, manifest=replace(package.manifest, origin=origin)), "claims")
    assert (await world.verify()).verdict == "EQUIVALENT"


@pytest.mark.parametrize("rule", ["mean", "median"])
async def test_round_with_nesterov_momentum_is_exact_and_another_momentum_is_fraud(nesterov, world, chain, rule):
    chain.round.rule = rule
    package = await world.run()
    found = await world.verify()
    assert (found.verdict, package.manifest.version) == ("EXACT", 4)
    told = package.manifest.origin.parameters
    chain.round.rule_parameters = chain.round.rule_parameters.replace('"outer_method":"nesterov",', "")
    other = {name: value for name, value in told.items() if name != "outer_method"}
    origin = replace(package.manifest.origin, parameters=other)
    await world.republish(replace(package, manifest=replace(package.manifest, origin=origin)), "heavy")
    assert (await world.verify("again")).verdict == "FRAUD"


async def test_round_with_nesterov_whose_bytes_differ_is_measured_against_all_its_versions(nesterov, world, chain):
    package = await world.run()
    factor = {"lora_A.weight": 2.0, "lora_B.weight": 0.5}
    tensors = {name: tensor * factor.get(name[-13:], 1.0) for name, tensor in package.tensors.items()}
    manifest = package.manifest
    other = make_package(package.config, tensors, base_id="tiny", expert="python", version=4, origin=manifest.origin)
    await world.republish(other, "turned")
    found = await world.verify()
    assert (found.verdict, found.excess < 1e-6) == ("EQUIVALENT", True)


async def test_round_with_nesterov_whose_chain_forgot_a_version_gives_no_verdict(nesterov, world, chain):
    await world.run()
    chain.past.pop(0)
    with pytest.raises(InvalidInput, match="no version 1"):
        await world.verify()
