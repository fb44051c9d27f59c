"""Three rules under every attack, on updates that miners of the shipped model train, computed as they are published."""

import math
from pathlib import Path

import pytest

from r3mes_ray.bench.attacks import EXPERT, _Bench, _cut, _plan, digest_of
from r3mes_ray.bench.bounds import bound, distance_to_mean
from r3mes_ray.bench.liars import ATTACKS
from r3mes_ray.models.adapters import UpdateOrigin, make_package, modules_of, write_package
from r3mes_ray.models.base import load_base
from r3mes_ray.models.finetune import train_adapter
from r3mes_ray.node.bootstrap import shipped_experts
from r3mes_ray.node.shards import split_corpus
from r3mes_ray.settings import MiningSettings, Settings
from r3mes_ray.training.aggregation import aggregate_updates
from r3mes_ray.training.algebra import LAPACK
from r3mes_ray.training.rules import RuleParameters
from r3mes_ray.training.steps import compare_steps
from r3mes_ray.training.stored import stored
from r3mes_ray.types import Address, RoundId

pytestmark = pytest.mark.e2e

HONEST, FAULTS = 4, 1
MINING = MiningSettings(rank=4, alpha=8, steps=4, batch=2, window_tokens=32)
RULES = ("krum", "geometric-median", "median")


@pytest.fixture(scope="module")
def base():
    return load_base(Settings().model.path, threads=1)


@pytest.fixture(scope="module")
def honest(base):
    """Four miners, each of its own part of an expert's corpus."""
    expert = next(expert for expert in shipped_experts() if expert.name == EXPERT)
    made = []
    for seed, text in enumerate(split_corpus((expert.folder / "train.txt").read_text(), HONEST)):
        trained = train_adapter(base, text, MINING, method="lora", start=None, seed=seed, on_step=lambda _: None)
        made.append(modules_of(trained.config, trained.tensors))
    return made


@pytest.fixture(scope="module")
def bench(base, tmp_path_factory):
    return _Bench(base, tmp_path_factory.mktemp("attacks"), "")


def test_rules_keep_their_bounds_on_trained_updates_under_every_attack(bench, honest, tmp_path):
    known, rounds = None, {}
    for attack, make in ATTACKS.items():
        admitted = bench.admitted(attack, [*honest, *make(honest, FAULTS)])
        known = known or bench.geometry(admitted)
        rounds[tuple(map(digest_of, admitted))] = (attack, admitted)
    beyond = []
    for number, (attack, admitted) in enumerate(rounds.values()):
        for rule in RULES:
            distance, allowed = measured(bench.base, rule, admitted, known, tmp_path / f"{number}-{rule}")
            if not distance <= allowed:
                beyond.append((rule, attack, distance, allowed))
    assert len(rounds) >= 4
    assert beyond == []


def measured(base, rule, updates, known, folder: Path):
    """How far the published package is from the honest mean, and what bound and rank allow."""
    liars = len(updates) - HONEST
    parameters = RuleParameters(faults=FAULTS, if_too_few="lower")
    aggregate = aggregate_updates(base, _plan(rule, parameters), updates)
    origin = UpdateOrigin(Address("bench"), RoundId(0))
    package = make_package(
        aggregate.config, aggregate.tensors, base_id=base.base_id, expert=EXPERT, version=1, origin=origin
    )
    folder.mkdir()
    write_package(package, folder)
    gram = compare_steps(base, [*updates[:HONEST], stored(folder, package)], None, LAPACK).gram
    borne = FAULTS if liars or rule != "krum" else 0
    allowed = bound(rule, known, len(updates), borne, liars) + _cut(aggregate, math.sqrt(float(gram[-1, -1])))
    return distance_to_mean(gram, range(HONEST), HONEST), allowed
