"""A round's CID does not know in which order its updates arrived, nor from how many workers."""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.settings import Settings
from r3mes_ray.training.context import RoundPorts
from r3mes_ray.training.coordinator import RoundCoordinator
from r3mes_ray.training.ports import Lost, serial_map

UPDATES = 5


def reversed_map(task, items, label):
    return reversed(list(serial_map(task, items, label)))


def shuffled_map(task, items, label):
    return iter(random.Random(3).sample(found := list(serial_map(task, items, label)), len(found)))


def threads(count):
    def run(task, items, label):
        with ThreadPoolExecutor(count) as pool:
            running = {pool.submit(task, item): index for index, item in enumerate(items)}
            for future in as_completed(running):
                yield running[future], future.result()

    return run


def forgetful():
    """Loses the worker of every item at its first try; the proposer then fetches by itself."""

    def run(task, items, label):
        for index, _ in enumerate(items):
            yield index, Lost("its worker died")

    return run


@pytest.mark.parametrize("order", [reversed_map, shuffled_map, threads(1), threads(8), forgetful()])
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
        ports = RoundPorts(settings, chain, open_store(settings), lambda: base, parallel=parallel, clock=clock)
        report = await RoundCoordinator(ports).run(0)
        assert report.accepted == tuple(range(UPDATES))
        cids.append(report.cid)
    assert cids[0] == cids[1]
