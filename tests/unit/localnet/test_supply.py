"""Coins are neither made nor lost by any sequence of sends, and nobody's move without the owner's signature."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.records import BALANCES, SUPPLY
from r3mes_ray.localnet.store import open_store

STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 2 * 10**12)), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_supply_equals_the_sum_of_balances_after_any_sends(lab, first_genesis, steps: list) -> None:
    store = open_store(Path(":memory:"), first_genesis)
    lab.node = ChainNode(first_genesis, store)
    keys = [lab.alice, lab.bob, lab.carol, lab.dave, lab.stranger]
    for source, target, amount in steps:
        lab.deliver(keys[source], lab.transfer(keys[source], keys[target], amount))
    total = sum(amount for _, amount in BALANCES.items(store))
    assert total == SUPPLY.get(store, b"uremes") == 4 * 10**12
    assert all(amount > 0 for _, amount in BALANCES.items(store))
    store.close()


def test_supply_grows_by_the_rewards_alone(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    assert SUPPLY.get(lab.node.store, b"uremes") == 4 * 10**12 + 500_000_000 + 2 * 100_000_000
    assert sum(amount for _, amount in BALANCES.items(lab.node.store)) == SUPPLY.get(lab.node.store, b"uremes")


def test_supply_cap_stops_rewards(make_lab) -> None:
    lab = make_lab(supply_cap=4 * 10**12 + 150_000_000)
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    assert SUPPLY.get(lab.node.store, b"uremes") == 4 * 10**12 + 150_000_000
