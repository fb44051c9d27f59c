"""No wrong adapter, no illegal eviction, no growth: two minutes in CI, twenty with `make soak`."""

import asyncio
import random
import statistics

import pytest
from soak import Library, Soak, told_apart

from r3mes_ray.models.base import load_base

pytestmark = pytest.mark.e2e


def check(folder, experts, versions, seconds):
    library = Library(folder, load_base("tiny", threads=1), experts, versions)
    soak = Soak(library, folder, versions)
    outcome = asyncio.run(soak.run(seconds))
    quarter = len(outcome.rss_mib) // 4
    settled = statistics.median(outcome.rss_mib[quarter : 2 * quarter])
    last = statistics.median(outcome.rss_mib[-quarter:])
    apart = told_apart(soak.heard, random.Random(3))
    print(
        f"{outcome.requests} requests, {outcome.adapters_used} adapters, {outcome.switches} switches, "
        f"RSS {settled:.0f} then {last:.0f} MiB, "
        f"{apart:.4f} of the pairs of adapters are told apart, "
        f"{outcome.stats.slot_hits} slot hits, {outcome.stats.ram_hits} RAM hits, {outcome.stats.fetches} fetches, "
        f"{outcome.stats.slot_evictions} and {outcome.stats.ram_evictions} evictions"
    )
    assert outcome.wrong == []
    assert outcome.illegal == []
    assert apart > 0.97, "an answer is to tell which adapter gave it"
    assert outcome.adapters_used > experts / 3
    assert outcome.stats.slot_evictions > experts
    assert last < 1.1 * settled, "memory grows"


def test_zipf_traffic_while_versions_change_gives_no_wrong_answer(tmp_path):
    check(tmp_path, experts=80, versions=3, seconds=120)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_minutes_over_two_thousand_adapters_give_no_wrong_answer(tmp_path):
    check(tmp_path, experts=500, versions=4, seconds=1200)
