"""A round's CID does not know in which order its updates arrived, nor from how many workers."""

import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.settings import Settings
from r3mes_ray.training.gate.update import decode_update
from r3mes_ray.training.layers import LayerWork
from r3mes_ray.training.objects import Here
from r3mes_ray.training.ports import Lost, ParallelMap, serial_map
from r3mes_ray.training.proposer import collection
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator

UPDATES = 5


def in_reverse(task, items, label):
    return reversed(list(serial_map(task, items, label)))


def shuffled(task, items, label):
    return iter(random.Random(3).sample(found := list(serial_map(task, items, label)), len(found)))


def threads(count):
    def run(task, items, label):
        with ThreadPoolExecutor(count) as pool:
            running = {pool.submit(task, item): index for index, item in enumerate(items)}
            for future in as_completed(running):
                yield running[future], future.result()

    return run


def forgetful(task, items, label):
    """Loses the worker of every update at its first try; the proposer then fetches by itself."""
    if task is decode_update:
        return iter([(index, Lost("its worker died")) for index, _ in enumerate(items)])
    return serial_map(task, items, label)


@dataclass(frozen=True)
class Objects:
    """Scatters by the given map."""

    parallel: ParallelMap

    def share(self, value):
        return Here(value)

    def scatter(self, task, items, label, pieces):
        for index, result in self.parallel(task, items, label):
            yield index, result if isinstance(result, Lost) else (result[0], tuple(map(Here, result[1])))


@pytest.mark.parametrize("order", [in_reverse, shuffled, threads(1), threads(8), forgetful])
async def test_round_has_the_same_cid_in_any_order_of_arrival(chain, clock, base, packages, tmp_path, order):
    shared = {"kind": "disk", "path": tmp_path / "content"}
    homes = (Settings.model_validate({"home": tmp_path / str(n), "content": shared}) for n in itertools.count())
    store = open_store(next(homes))
    for number in range(UPDATES):
        await packages.publish(chain, store, packages.make(number, dora=number % 2 == 0))
    chain.round.submit_end, chain.round.commit_end = 15, 400
    chain.round.reveal_end, chain.round.challenge_end = 900, 1000
    cids = []
    for parallel in (serial_map, order):
        chain.commitments.clear()
        chain.aggregations.clear()
        chain.history.clear()
        chain.round.has_aggregation, chain.height = False, 16
        settings = next(homes)
        layers = LayerWork(parallel, Objects(parallel))
        ports = RoundPorts(settings, chain, open_store(settings), lambda: base, layers=layers, clock=clock)
        report = await RoundCoordinator(ports).run(0)
        assert report.accepted == tuple(range(UPDATES))
        cids.append(report.cid)
    assert cids[0] == cids[1]


@pytest.mark.parametrize("hangs_here", [False, True])
async def test_round_does_not_wait_for_a_peer_that_hangs(
    chain, clock, base, packages, tmp_path, hangs_here, monkeypatch
):
    """By half of the commit phase nothing more is waited for but one look from this process, which may hang too."""
    settings = Settings(home=tmp_path / "home")
    for number in range(3):
        await packages.publish(chain, open_store(settings), packages.make(number))
    chain.round.submit_end, chain.round.commit_end = 15, 400
    chain.round.reveal_end, chain.round.challenge_end = 900, 1000
    let_go = threading.Event()

    def hanging(task, items, label):
        for index, item in enumerate(items):
            if index == 1:
                chain.height = 208
                assert let_go.wait(60)
            yield index, task(item)

    if hangs_here:
        monkeypatch.setattr(collection, "LocalObjects", lambda: Objects(hanging))
    layers = LayerWork(serial_map, Objects(hanging))
    ports = RoundPorts(settings, chain, open_store(settings), lambda: base, layers=layers, clock=clock)
    try:
        report = await RoundCoordinator(ports).run(0)
    finally:
        let_go.set()
    missing = [2] if hangs_here else []
    assert (report.outcome, list(report.accepted)) == ("finalized", [n for n in range(3) if n not in missing])
    assert [(entry.update_id, entry.rule) for entry in report.excluded] == [(n, "content-missing") for n in missing]
