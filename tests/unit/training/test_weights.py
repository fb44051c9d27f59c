"""The chain's weights decide the coefficients, and whoever recomputes the round has the same ones."""

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.adapters import read_package
from r3mes_ray.settings import Settings
from r3mes_ray.training.checking.verification import verify_round
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.r3mes.v1.types_pb2 import UpdateWeight


def weight(update_id, trust, stake):
    return UpdateWeight(gradient_id=update_id, trust=trust, stake=Coin(denom="uremes", amount=str(stake)))


@pytest.fixture
async def run(chain, clock, base, packages, tmp_path):
    settings = Settings(home=tmp_path / "home")
    store = open_store(settings)
    for number in range(4):
        await packages.publish(chain, store, packages.make(number, dora=False))

    async def run():
        report = await RoundCoordinator(RoundPorts(settings, chain, store, lambda: base, clock=clock)).run(0)
        chain.aggregations[0].participant_gradient_ids.extend(report.accepted)
        chain.aggregations[0].merkle_root = report.merkle_root
        await store.get(report.cid, tmp_path / "package")
        return read_package(tmp_path / "package", max_bytes=2**20).manifest.origin

    async def verify():
        (tmp_path / "verify").mkdir()
        return await verify_round(settings, chain, store, lambda: base, 0, tmp_path / "verify")

    run.verify = verify
    return run


async def test_round_weighs_updates_by_trust_and_stake_on_chain(chain, run):
    chain.weights = (weight(0, 500, 0), weight(1, 1000, 0), weight(2, 500, 10_000_000), weight(3, 0, 0))
    origin = await run()
    assert origin.weights == pytest.approx((2 / 11, 4 / 11, 4 / 11, 1 / 11), abs=1e-15)
    assert (await run.verify()).verdict == "EXACT"


async def test_round_caps_the_heaviest_at_two_equal_shares(chain, run):
    chain.weights = (weight(0, 250, 0), weight(1, 250, 0), weight(2, 250, 0), weight(3, 1000, 10**9))
    origin = await run()
    assert origin.weights == (1 / 6, 1 / 6, 1 / 6, 0.5)


async def test_round_verified_against_other_weights_on_chain_is_fraud(chain, run):
    """A proposer that weighs as it likes gives itself away."""
    await run()
    chain.weights = (weight(0, 1000, 10_000_000), weight(1, 500, 0), weight(2, 500, 0), weight(3, 500, 0))
    found = await run.verify()
    assert (found.verdict, found.reason[:31]) == ("FRAUD", "its manifest names other weight")


async def test_round_whose_chain_weighs_some_updates_only_is_refused(chain, run):
    """One that is left out would count 1 beside 10^10, and nobody would be told."""
    chain.weights = (weight(0, 500, 0), weight(1, 1000, 0), weight(3, 250, 0))
    with pytest.raises(InvalidInput, match=r"weights of round 0: the chain names none of updates \[2\]"):
        await run()
    assert chain.accepted == []


async def test_round_whose_chain_weighs_no_update_counts_all_alike(run):
    assert (await run()).weights == (0.25,) * 4
