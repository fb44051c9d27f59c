"""What a round is aggregated from does not depend on a node's own limits."""

from r3mes_ray.content import open_store
from r3mes_ray.settings import Settings
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator


async def test_round_is_aggregated_whatever_the_nodes_own_byte_limit(chain, clock, base, packages, tmp_path):
    settings = Settings.model_validate({"home": tmp_path / "home", "training": {"max_update_bytes": 1}})
    store = open_store(settings)
    for number in range(2):
        await packages.publish(chain, store, packages.make(number))
    report = await RoundCoordinator(RoundPorts(settings, chain, store, lambda: base, clock=clock)).run(0)
    assert (report.accepted, report.outcome) == ((0, 1), "finalized")
