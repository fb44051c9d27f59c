"""The verdict of somebody who has only the chain and the content, on a round that a coordinator ran."""

import os
import random
import shutil
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from r3mes_ray.content import open_store
from r3mes_ray.errors import ContentError, InvalidInput, ModelError
from r3mes_ray.models.adapters import make_package, read_package, write_package
from r3mes_ray.protocol.claims import proof_differences
from r3mes_ray.settings import Settings
from r3mes_ray.training.checking.verification import _on_chain, inclusion_proof, verify_round
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.training.round import root_of
from r3mes_ray.wire.r3mes.v1.types_pb2 import ExpertVersion


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads of such small products only wait for each other, on a busy machine for a minute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
async def momentum(chain, packages, tmp_path):
    """Two versions before the round, which has momentum."""
    store = open_store(Settings(home=tmp_path / "home"))
    for number in (1, 2):
        folder = tmp_path / f"version-{number}"
        write_package(packages.make(20 + number, version=number), folder)
        chain.past.append(ExpertVersion(version=number, adapter_cid=await store.add(folder)))
    chain.round.start_version, chain.round.start_cid = 2, chain.past[1].adapter_cid
    chain.round.rule_parameters = '{"outer_learning_rate":0.7,"outer_momentum":0.5,"rank":16}'


@pytest.fixture
async def world(chain, clock, base, packages, tmp_path):
    """A finished round of three updates and a refused one, and a node that was not there."""
    settings = Settings(home=tmp_path / "home")
    store = open_store(settings)
    start, model_version = chain.round.start_version, f"tiny/python@{chain.round.start_version}"
    made = [packages.make(number, dora=number != 1, version=start + 1) for number in range(3)]
    for package in made:
        await packages.publish(chain, store, package, model_version=model_version)
    await packages.publish(
        chain, store, packages.make(3, version=start + 1), gradient_hash="00" * 32, model_version=model_version
    )
    ports = RoundPorts(settings, chain, store, lambda: base, clock=clock)
    report = await RoundCoordinator(ports).run(0)
    revealed = chain.aggregations[0]
    revealed.participant_gradient_ids.extend(report.accepted)
    revealed.merkle_root = report.merkle_root
    count = iter(range(100))

    async def verify():
        folder = tmp_path / f"verify-{next(count)}"
        folder.mkdir()
        return await verify_round(settings, chain, store, lambda: base, 0, folder)

    async def republish(folder):
        revealed.aggregated_gradient_ipfs_hash = await store.add(folder)

    world = SimpleNamespace(settings=settings, store=store, report=report, revealed=revealed, made=made)
    world.verify, world.republish = verify, republish
    return world


def changed(package, tensors):
    manifest = package.manifest
    return make_package(
        package.config,
        tensors,
        base_id=manifest.base_id,
        expert=manifest.expert,
        version=manifest.version,
        origin=manifest.origin,
    )


async def published(world, tmp_path):
    await world.store.get(world.report.cid, tmp_path / "original")
    return read_package(tmp_path / "original", max_bytes=2**20)


async def test_round_of_an_honest_proposer_is_exact(world):
    found = await world.verify()
    assert (found.verdict, found.cid, found.own_cid) == ("EXACT", world.report.cid, world.report.cid)
    assert (found.accepted, found.reason) == ((0, 1, 2), "")


async def test_node_with_another_base_gives_no_verdict(world, base):
    """Least of all FRAUD, which would cost it its bond."""
    base.base_hash = "cd" * 32
    with pytest.raises(ModelError, match="round 0 is of base abab"):
        await world.verify()


async def test_round_with_momentum_is_exact_too_and_its_shares_are_the_rules(momentum, world, tmp_path):
    assert (await world.verify()).verdict == "EXACT"
    package = await published(world, tmp_path)
    assert package.manifest.version == 3
    assert sum(package.manifest.origin.weights) == pytest.approx(1.0)
    tensors = dict(package.tensors)
    name = next(name for name in tensors if name.endswith("lora_A.weight"))
    tensors[name] = tensors[name][torch.arange(len(tensors[name]) - 1, -1, -1)].clone()
    write_package(changed(package, tensors), tmp_path / "other")
    await world.republish(tmp_path / "other")
    assert (await world.verify()).verdict == "FRAUD"


async def test_round_with_momentum_whose_chain_forgot_a_version_gives_no_verdict(momentum, world, chain):
    chain.past.pop(0)
    with pytest.raises(InvalidInput, match="no version 1"):
        await world.verify()


@pytest.fixture
async def tight(chain, packages, tmp_path):
    """A round whose limit on chain is a byte less than what its first update has."""
    big = packages.make(9, rank=10)
    write_package(big, tmp_path / "big")
    size = sum(path.stat().st_size for path in (tmp_path / "big").iterdir())
    chain.round.rule_parameters = f'{{"max_update_bytes":{size - 1}}}'
    await packages.publish(chain, open_store(Settings(home=tmp_path / "home")), big)


async def test_update_that_is_too_large_is_so_for_every_node_whatever_its_own_limit(tight, world, monkeypatch):
    assert [(entry.update_id, entry.rule) for entry in world.report.excluded] == [(0, "content"), (4, "gradient-hash")]
    training = world.settings.training.model_copy(update={"max_update_bytes": 2**40})
    monkeypatch.setitem(world.settings.__dict__, "training", training)
    found = await world.verify()
    assert (found.verdict, found.accepted) == ("EXACT", (1, 2, 3))


async def test_round_is_checked_with_any_byte_limit_of_the_nodes_own(momentum, world, monkeypatch):
    training = world.settings.training.model_copy(update={"max_update_bytes": 1})
    monkeypatch.setitem(world.settings.__dict__, "training", training)
    assert (await world.verify()).verdict == "EXACT"


async def test_aggregate_in_another_gauge_is_equivalent(world, tmp_path):
    """Other bytes of the same aggregate are no fraud."""
    package = await published(world, tmp_path)
    factor = {"lora_A.weight": 3.0, "lora_B.weight": 1 / 3.0}
    tensors = {name: tensor * factor.get(name[-13:], 1.0) for name, tensor in package.tensors.items()}
    write_package(changed(package, tensors), tmp_path / "turned")
    await world.republish(tmp_path / "turned")
    found = await world.verify()
    assert (found.verdict, found.cid != found.own_cid) == ("EQUIVALENT", True)
    assert found.excess < 1e-6


@pytest.mark.parametrize("ending", ["lora_A.weight", "lora_B.weight", "lora_magnitude_vector"])
async def test_aggregate_with_one_large_change_is_fraud(world, tmp_path, ending):
    package = await published(world, tmp_path)
    tensors = {name: tensor.clone() for name, tensor in package.tensors.items()}
    name = next(name for name in sorted(tensors) if name.endswith(ending))
    tensors[name].view(-1)[0] += 2.0
    write_package(changed(package, tensors), tmp_path / "changed")
    await world.republish(tmp_path / "changed")
    found = await world.verify()
    assert (found.verdict, "farther from the rule's result" in found.reason) == ("FRAUD", True)


@pytest.mark.parametrize("claim", ["expert", "version", "base_id", "round", "start_version", "parameters"])
async def test_aggregate_that_claims_to_be_another_is_fraud(world, tmp_path, claim):
    """The right tensors under the name of another expert, version or round, which nobody could serve."""
    package = await published(world, tmp_path)
    other = {"expert": "evil", "version": 99, "base_id": "other", "round": 77, "start_version": 5, "parameters": {}}
    manifest, origin = package.manifest, package.manifest.origin
    if claim in ("round", "start_version", "parameters"):
        manifest = replace(manifest, origin=replace(origin, **{claim: other[claim]}))
    else:
        past = replace(origin.history[0], version=other[claim] if claim == "version" else 1)
        manifest = replace(manifest, origin=replace(origin, history=(past,)), **{claim: other[claim]})
    write_package(replace(package, manifest=manifest), tmp_path / "claims")
    await world.republish(tmp_path / "claims")
    found = await world.verify()
    assert (found.verdict, found.reason) == ("FRAUD", "its manifest is not that of this round's aggregate")


@pytest.mark.parametrize("how", ["shape", "layer"])
async def test_aggregate_that_does_not_fit_the_base_is_fraud(world, tmp_path, how):
    package = await published(world, tmp_path)
    tensors = dict(package.tensors)
    for name in filter(lambda name: "q_proj" in name, package.tensors):
        found = tensors.pop(name)
        if how == "layer":
            tensors[name.replace("layers.0", "layers.9")] = found
        else:
            tensors[name] = torch.cat([found, found], dim=1) if name.endswith("lora_A.weight") else found
    write_package(changed(package, tensors), tmp_path / "misfit")
    await world.republish(tmp_path / "misfit")
    found = await world.verify()
    assert (found.verdict, "breaks the rule" in found.reason) == ("FRAUD", True)


async def test_aggregate_of_a_round_that_had_too_few_updates_is_fraud(world, chain):
    for update in chain.updates[1:]:
        update.gradient_hash = "11" * 32
    chain.round.rule_parameters = '{"min_updates":2}'
    found = await world.verify()
    assert (found.verdict, "1 valid updates, its rule needs 2" in found.reason) == ("FRAUD", True)


async def test_aggregate_with_a_flipped_last_bit_is_not_exact(world, tmp_path):
    package = await published(world, tmp_path)
    tensors = {name: tensor.clone() for name, tensor in package.tensors.items()}
    first = next(iter(sorted(tensors)))
    tensors[first].view(torch.int32).view(-1)[0] ^= 1
    write_package(changed(package, tensors), tmp_path / "changed")
    await world.republish(tmp_path / "changed")
    assert (await world.verify()).verdict == "EQUIVALENT"


def flip(path, points):
    """Flip one bit of a file; gives back the bytes that it had."""
    content = path.read_bytes()
    place = points.randrange(len(content) * 8)
    changed = bytearray(content)
    changed[place // 8] ^= 1 << place % 8
    path.write_bytes(changed)
    return content


async def test_bit_flipped_anywhere_in_the_package_is_found(world, tmp_path):
    """In its configuration, tensors or manifest, published as if it belonged there."""
    await world.store.get(world.report.cid, tmp_path / "original")
    names, points, verdicts = sorted(os.listdir(tmp_path / "original")), random.Random(11), Counter()
    for number in range(90):
        folder = tmp_path / f"flipped-{number}"
        shutil.copytree(tmp_path / "original", folder)
        flip(folder / names[number % 3], points)
        await world.republish(folder)
        verdicts[(await world.verify()).verdict] += 1
    assert verdicts["EXACT"] == 0
    assert verdicts["FRAUD"] > verdicts["EQUIVALENT"]


async def test_bit_flipped_in_any_block_gives_no_verdict(world):
    """A damaged disk is no proposer's fraud, and never passes for what the chain names."""
    blocks = [path for path in (world.settings.content_path / "blocks").rglob("*") if path.is_file()]
    used = 0
    for path in blocks:
        content = flip(path, random.Random(path.name))
        try:
            assert (await world.verify()).verdict == "EXACT"
        except ContentError:
            used += 1
        path.write_bytes(content)
    assert (await world.verify()).verdict == "EXACT"
    assert used >= 16


async def test_accepted_list_that_leaves_out_a_valid_update_is_fraud(world):
    del world.revealed.participant_gradient_ids[1]
    found = await world.verify()
    assert found.verdict == "FRAUD"
    assert "[0, 2]" in found.reason


async def test_merkle_root_of_other_updates_is_fraud(world, chain):
    _, _, updates = await _on_chain(chain, 0)
    world.revealed.merkle_root = root_of(updates[:2], "remes")
    found = await world.verify()
    assert found.verdict == "FRAUD"
    assert "Merkle root" in found.reason


async def test_package_that_is_no_adapter_is_fraud(world, tmp_path):
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "r3mes.json").write_text("{}")
    await world.republish(tmp_path / "junk")
    found = await world.verify()
    assert found.verdict == "FRAUD"
    assert found.reason.startswith("the published package breaks the rule")


async def test_proof_of_an_accepted_update_is_verified_offline(world, chain):
    for update_id in world.report.accepted:
        claim = await inclusion_proof(chain, 0, update_id, "remes")
        assert list(proof_differences(claim, "remes")) == []
        forged = claim.model_copy(update={"index": (claim.index + 1) % claim.total})
        assert list(proof_differences(forged, "remes"))


async def test_proof_of_a_refused_update_is_refused(world, chain):
    with pytest.raises(InvalidInput, match="not among"):
        await inclusion_proof(chain, 0, 3, "remes")
