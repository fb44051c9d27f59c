"""What a fetched update may do wrong: each ends as a value with its rule, never as an exception."""

import asyncio
import dataclasses
import itertools
import json
import pickle

import pytest
import torch

from r3mes_ray.chain.decode import round_record, update_record
from r3mes_ray.content import open_store
from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import AggregateOrigin, make_package, write_package
from r3mes_ray.models.adapters.history import PastRound, SketchedUpdate, encode_sketch
from r3mes_ray.settings import Settings
from r3mes_ray.training.gate.update import FetchJob, fetch_update
from r3mes_ray.training.gate.validation import Demand, check_effect
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.stored import StoredAdapter
from r3mes_ray.training.stored import stored as stored_package
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient

Q = "base_model.model.model.layers.0.self_attn.q_proj"


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


@pytest.fixture
def verdict(chain, base, settings, packages, tmp_path):
    """Publishes a package (or a changed record) and fetches it as the proposer does."""
    chain.round.phase = 2
    demand = Demand(round_record(chain.round), base.base_id, base.base_hash, base.linear_shapes, 2**20)

    numbers = itertools.count()

    async def judge(package, **changes):
        await packages.publish(chain, open_store(settings), package, **changes)
        job = FetchJob(settings, update_record(chain.updates[-1]), demand)
        return await asyncio.to_thread(fetch_update, job, tmp_path / f"fetched-{next(numbers)}")

    return judge


def changed(package, **tensors):
    """The package with other tensors, its hashes recomputed: an honest container of dishonest numbers."""
    manifest = package.manifest
    return make_package(
        package.config,
        {**package.tensors, **{f"{Q}.{name}": tensor for name, tensor in tensors.items()}},
        base_id=manifest.base_id,
        expert=manifest.expert,
        version=manifest.version,
        origin=manifest.origin,
    )


async def test_update_as_the_chain_says_is_fetched_with_its_files(verdict, packages):
    result = await verdict(packages.make(1))
    assert isinstance(result, StoredAdapter)
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "r3mes.json",
    ]
    assert [(layer.path, layer.scale) for layer in result.layers] == [
        ("model.layers.0.mlp.down_proj", 2.0),
        ("model.layers.0.self_attn.q_proj", 2.0),
    ]
    assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.parametrize(
    ("options", "record", "rule"),
    [
        ({"round_id": 4}, {}, "manifest"),
        ({"expert": "legal"}, {}, "manifest"),
        ({"version": 2}, {}, "manifest"),
        ({}, {"miner": "remes1y2ga3nwrzpq3ulkzwdu2vcwfx5v8cplysaeauk"}, "manifest"),
        ({}, {"gradient_hash": "11" * 32}, "gradient-hash"),
        ({}, {"ipfs_hash": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"}, "content-missing"),
        ({}, {"ipfs_hash": "not a cid"}, "content"),
    ],
)
async def test_update_that_differs_from_the_chains_record_is_excluded(verdict, packages, options, record, rule):
    result = await verdict(packages.make(1, **options), **record)
    assert isinstance(result, Excluded)
    assert result.rule == rule


@pytest.mark.parametrize(
    ("tensors", "rule"),
    [
        ({"lora_A.weight": torch.full((3, 10), torch.nan)}, "finite"),
        ({"lora_B.weight": torch.full((12, 3), torch.inf)}, "finite"),
        ({"lora_A.weight": torch.zeros(3, 11)}, "shape"),
        ({"lora_B.weight": torch.zeros(11, 3), "lora_magnitude_vector": torch.ones(11)}, "shape"),
        ({"lora_magnitude_vector": -torch.ones(12)}, "magnitude"),
        ({"lora_magnitude_vector": torch.zeros(12)}, "magnitude"),
    ],
)
async def test_update_with_impossible_tensors_is_excluded(verdict, packages, tensors, rule):
    result = await verdict(changed(packages.make(1), **tensors))
    assert isinstance(result, Excluded)
    assert result.rule == rule


async def test_update_of_another_base_is_excluded(verdict, packages):
    package = packages.make(1)
    config = dataclasses.replace(package.config, base_hash="cd" * 32)
    other = make_package(
        config, package.tensors, base_id="tiny", expert="python", version=1, origin=package.manifest.origin
    )
    assert (await verdict(other)).rule == "base"


async def test_update_that_is_an_aggregate_is_excluded(verdict, packages, chain, settings):
    package = packages.make(1)
    history = (PastRound(1, (SketchedUpdate(0, encode_sketch(torch.ones(64))),)),)
    origin = AggregateOrigin(0, "mean", {}, (0,), (1.0,), (), 0, 0.0, history)
    other = make_package(package.config, package.tensors, base_id="tiny", expert="python", version=1, origin=origin)
    folder = settings.home / "aggregate"
    write_package(other, folder)
    cid = await open_store(settings).add(folder)
    result = await verdict(package, ipfs_hash=cid, gradient_hash=other.manifest.gradient_hash)
    assert (result.rule, result.detail) == ("manifest", "origin: is an aggregate, not an update")


@pytest.mark.parametrize("key", ["\u0001" * 900, "\u4e16" * 900])
async def test_reason_that_quotes_a_hostile_manifest_is_short_printable_ascii(verdict, packages, settings, key):
    """All reasons are published in the aggregate's manifest, which has a limit."""
    package, folder = packages.make(1), settings.home / "hostile"
    write_package(package, folder)
    manifest = folder / "r3mes.json"
    manifest.write_text(json.dumps({key: 1, **json.loads(manifest.read_text())}, ensure_ascii=False))
    result = await verdict(package, ipfs_hash=await open_store(settings).add(folder))
    assert isinstance(result, Excluded)
    assert (len(result.detail), result.detail.isascii(), result.detail.isprintable()) == (200, True, True)


async def test_update_larger_than_the_limit_is_excluded(verdict, packages):
    big = changed(packages.make(1, rank=3), **{"lora_A.weight": torch.zeros(3, 10)})
    tensors = {**big.tensors, f"{Q}.lora_A.weight": torch.zeros(3, 2**18)}
    fat = make_package(big.config, tensors, base_id="tiny", expert="python", version=1, origin=big.manifest.origin)
    assert (await verdict(fat)).rule in ("size", "content")


async def test_update_that_is_one_file_is_excluded(verdict, packages, settings, tmp_path):
    (tmp_path / "file").write_bytes(b"\x80\x04pickle")
    cid = await open_store(settings).add(tmp_path / "file")
    assert (await verdict(packages.make(1), ipfs_hash=cid)).rule == "files"


def stored(package, folder):
    write_package(package, folder)
    return stored_package(folder, package)


def test_effect_of_an_honest_update_passes(base, packages, tmp_path):
    check_effect(stored(packages.make(1), tmp_path / "a"), base)
    check_effect(stored(packages.make(2, dora=False), tmp_path / "b"), base)


def test_effect_of_a_huge_product_is_refused_whatever_its_gauge(base, packages, tmp_path):
    huge = changed(
        packages.make(1, dora=False),
        **{"lora_A.weight": torch.full((3, 10), 1e-20), "lora_B.weight": torch.full((12, 3), 1e25)},
    )
    with pytest.raises(PackageRejected, match="rule norm"):
        check_effect(stored(huge, tmp_path / "a"), base)


def test_effect_of_a_row_that_cancels_the_base_is_refused(base, packages, tmp_path):
    """B·A = −W₀ in one row: its norm is 0, and a gain would be infinite."""
    weight = base.effective_weight("model.layers.0.self_attn.q_proj")
    a, b = torch.zeros(3, 10), torch.zeros(12, 3)
    a[0], b[0, 0] = weight[0], -0.5
    with pytest.raises(PackageRejected, match="rule gain"):
        check_effect(
            stored(changed(packages.make(1), **{"lora_A.weight": a, "lora_B.weight": b}), tmp_path / "a"), base
        )


def test_effect_of_an_exploding_magnitude_is_refused(base, packages, tmp_path):
    loud = changed(packages.make(1), **{"lora_magnitude_vector": torch.full((12,), 1e6)})
    with pytest.raises(PackageRejected, match="rule gain"):
        check_effect(stored(loud, tmp_path / "a"), base)


async def test_update_whose_only_peer_is_dead_is_missing_and_not_this_nodes_failure(chain, base, tmp_path):
    """It is asked for again: a dead gateway must not end a round."""
    content = {"kind": "disk", "peers": ["http://127.0.0.1:9"], "peer_timeout_s": 1}
    chain.round.phase = 2
    demand = Demand(round_record(chain.round), base.base_id, base.base_hash, base.linear_shapes, 2**20)
    record = StoredGradient(miner="remes1a", ipfs_hash="bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")
    job = FetchJob(Settings.model_validate({"home": tmp_path, "content": content}), update_record(record), demand)
    result = await asyncio.to_thread(fetch_update, job, tmp_path)
    assert (result.rule, "127.0.0.1:9" in result.detail) == ("content-missing", True)
