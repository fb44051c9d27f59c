"""A published aggregate's layers beside our own, in threads."""

import threading

import pytest
import torch

from r3mes_ray.chain.decode import round_record
from r3mes_ray.models.adapters import make_package, read_package, write_package
from r3mes_ray.training.aggregation import aggregate_updates, write_aggregate
from r3mes_ray.training.checking.recompute import Recomputed
from r3mes_ray.training.checking.verify import judge
from r3mes_ray.training.gate.admission import admit
from r3mes_ray.training.geometry import geometry_of
from r3mes_ray.training.round import plan_round
from r3mes_ray.training.steps import compare_steps
from r3mes_ray.training.stored import FROM_BASE, stored

ACCEPTED = (0, 1, 2)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def own(base, chain, packages, tmp_path):
    """What a checker has recomputed of a round, and its package in `own`."""
    chain.round.phase = 2
    plan, adapters = plan_round(round_record(chain.round), []), []
    for number in ACCEPTED:
        package = packages.make(number, dora=number != 1)
        write_package(package, tmp_path / str(number))
        adapters.append(stored(tmp_path / str(number), package))
    aggregate = aggregate_updates(base, plan, adapters)
    found = admit(plan, dict(zip(ACCEPTED, adapters, strict=True)), compare_steps(base, adapters, None), ())
    assert found.accepted == ACCEPTED
    write_aggregate(aggregate, "tiny", plan, ACCEPTED, [], found.history, tmp_path / "own")
    geometry = geometry_of(ACCEPTED, found.gram, dict.fromkeys(ACCEPTED, 1 / 3))
    return Recomputed(found, tuple(adapters), FROM_BASE, aggregate, (), geometry)


@pytest.mark.parametrize(("rule", "change", "verdict"), [("mean", 1e-6, "EQUIVALENT"), ("median", 0.01, "FRAUD")])
def test_layers_are_compared_side_by_side_with_the_verdict_of_one_thread(
    base, own, tmp_path, threads, rule, change, verdict
):
    mine = read_package(tmp_path / "own", max_bytes=2**20)
    tensors, said = {name: tensor * (1 + change) for name, tensor in mine.tensors.items()}, mine.manifest
    package = make_package(
        mine.config, tensors, base_id="tiny", expert=said.expert, version=said.version, origin=said.origin
    )
    write_package(package, tmp_path / "published")
    adapter, weight = stored(tmp_path / "published", package), base.effective_weight

    def found():
        return judge(base, rule, package, adapter, own, said, ACCEPTED, ("theirs", "ours"))

    threads(1)
    alone = found()
    assert (alone.verdict, alone.excess != 0.0) == (verdict, True)
    meeting = threading.Barrier(2, timeout=30)

    def meet(name):
        meeting.wait()
        return weight(name)

    threads(2)
    base.effective_weight = meet
    assert found() == alone
