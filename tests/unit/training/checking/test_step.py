"""A step far beyond all others is refused by the proposer, and by whoever recomputes the round."""

from r3mes_ray.content import open_store
from r3mes_ray.settings import Settings
from r3mes_ray.training.checking.verification import verify_round
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator


async def test_step_beyond_a_hundred_medians_is_refused_by_proposer_and_checker(chain, clock, base, packages, tmp_path):
    settings = Settings(home=tmp_path / "home")
    store = open_store(settings)
    for number, scale in enumerate((0.01, 0.01, 0.3, 0.01)):
        await packages.publish(chain, store, packages.make(number, dora=False, scale=scale))
    report = await RoundCoordinator(RoundPorts(settings, chain, store, lambda: base, clock=clock)).run(0)
    assert [(entry.update_id, entry.rule) for entry in report.excluded] == [(2, "step")]
    chain.aggregations[0].participant_gradient_ids.extend(report.accepted)
    chain.aggregations[0].merkle_root = report.merkle_root
    (tmp_path / "verify").mkdir()
    found = await verify_round(settings, chain, store, lambda: base, 0, tmp_path / "verify")
    assert (found.verdict, found.accepted, found.on_trust) == ("EXACT", (0, 1, 3), ())
