"""No wrong adapter, no illegal eviction, no growth: two minutes of vLLM in CI, twenty of each with `make soak`."""

import asyncio
import os
import random
import statistics
from importlib.util import find_spec

import pytest
from soak import Soak, growth, told_apart
from soak_library import Library

from r3mes_ray.models.base import load_base
from r3mes_ray.serving.memory import bound_arenas

SECONDS = int(os.environ.get("R3MES_SOAK_SECONDS", "1200"))
pytestmark = pytest.mark.e2e
without_vllm = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")


def check(kind, folder, experts, versions, seconds):
    bound_arenas()
    library = Library(folder, load_base("tiny", threads=1), experts, versions)
    soak = Soak(kind, library, folder, versions)
    outcome = asyncio.run(soak.run(seconds))
    quarter = len(outcome.rss_mib) // 4
    first, last = (statistics.median(part) for part in (outcome.rss_mib[:quarter], outcome.rss_mib[-quarter:]))
    apart = told_apart(soak.heard, random.Random(3))
    print(
        f"{kind}: {outcome.requests} requests, {outcome.adapters_used} adapters, {outcome.switches} switches, "
        f"RSS {first:.0f} then {last:.0f} MiB, in the second half {growth(outcome.rss_mib):+.3f}, "
        f"{apart:.4f} of the pairs of adapters are told apart, "
        f"{outcome.stats.slot_hits} slot hits, {outcome.stats.ram_hits} RAM hits, {outcome.stats.fetches} fetches, "
        f"{outcome.stats.slot_evictions} and {outcome.stats.ram_evictions} evictions"
    )
    assert outcome.wrong == []
    assert outcome.illegal == []
    assert apart == 1.0, "an answer is to tell which adapter gave it"
    assert outcome.adapters_used > experts / 3
    assert outcome.stats.slot_evictions > experts
    assert growth(outcome.rss_mib) < 0.05, "memory grows"


@without_vllm
def test_zipf_traffic_while_versions_change_gives_no_wrong_answer(tmp_path):
    check("vllm", tmp_path, experts=80, versions=3, seconds=120)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["transformers", pytest.param("vllm", marks=without_vllm)])
def test_twenty_minutes_over_two_thousand_adapters_give_no_wrong_answer(kind, tmp_path):
    check(kind, tmp_path, experts=500, versions=4, seconds=SECONDS)
