"""How often a faucet pays one name."""

from __future__ import annotations

import pytest

from r3mes_ray.localnet.faucet import limits
from r3mes_ray.localnet.faucet.limits import Limit, source_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_limit_counts_each_name_for_itself_until_its_span_is_over(clock: Clock) -> None:
    limit = Limit(2, 60.0, clock)
    limit.use("a")
    clock.now += 10
    limit.use("a")
    assert (limit.wait_s("a"), limit.wait_s("b")) == (50.0, 0.0)
    clock.now += 50
    assert limit.wait_s("a") == 0.0
    limit.use("a")
    assert limit.wait_s("a") == 10.0


def test_limit_use_that_came_to_nothing_is_given_back(clock: Clock) -> None:
    limit = Limit(1, 60.0, clock)
    limit.use("a")
    limit.give_back("a")
    assert limit.wait_s("a") == 0.0
    limit.give_back("never used")
    assert limit.wait_s("never used") == 0.0


def test_limit_remembers_no_more_names_than_it_may_and_forgets_old_ones(clock: Clock, monkeypatch) -> None:
    monkeypatch.setattr(limits, "MAX_REMEMBERED", 2)
    limit = Limit(1, 60.0, clock)
    limit.use("a")
    clock.now += 1
    limit.use("b")
    assert limit.wait_s("c") > 0
    clock.now += 59
    assert limit.wait_s("c") == 0.0
    assert limit.wait_s("b") == 1.0


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_source_is_an_address_or_the_network_of_one_customer(host: str, source: str) -> None:
    assert source_of(host) == source
