"""A chain that answers nothing the first time."""

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.errors import ChainUnavailable
from r3mes_ray.settings import Settings
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator

AWAY = ChainUnavailable("127.0.0.1:9", "away for one call")


@pytest.fixture
async def coordinator(chain, clock, base, packages, tmp_path):
    settings = Settings(home=tmp_path / "home")
    store = open_store(settings)
    for number in range(2):
        await packages.publish(chain, store, packages.make(number))
    return RoundCoordinator(RoundPorts(settings, chain, store, lambda: base, clock=clock))


async def test_round_whose_every_question_and_sending_fails_once_goes_on(coordinator, chain, monkeypatch):
    calls = {"status": 1}

    def flaky(name):
        verb = getattr(chain, name)

        async def call(*arguments, **options):
            kind = type(arguments[0]).__name__ if name == "query" else name
            calls[kind] = calls.get(kind, 0) + 1
            if calls[kind] % 2:
                raise AWAY
            return await verb(*arguments, **options)

        monkeypatch.setattr(chain, name, call)

    for name in ("status", "query", "sign", "broadcast"):
        flaky(name)
    report = await coordinator.run(0)
    assert report.outcome == "finalized"
    assert [message.DESCRIPTOR.name for message in chain.accepted] == [
        "MsgCommitAggregation",
        "MsgRevealAggregation",
        "MsgSubmitAggregation",
    ]
    assert len(calls) == 10


async def test_round_is_not_begun_where_no_node_ever_answered(coordinator, chain, clock):
    """It says so at once: the address may be wrong."""
    chain.down = 1
    began = clock.now()
    with pytest.raises(ChainUnavailable):
        await coordinator.run(0)
    assert clock.now() == began
