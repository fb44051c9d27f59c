"""What is committed to must be there: the package is looked for again before the commitment is sent."""

import shutil

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.errors import RoundClosed
from r3mes_ray.settings import Settings
from r3mes_ray.training.journal import read_journal
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.training.proposer.workspace import workspace_of


class Died(BaseException):
    """The process ends here."""


@pytest.fixture
async def prepared(chain, clock, base, packages, tmp_path, monkeypatch):
    """A round that ended right after its commitment was prepared, and whose store was wiped since; goes on with it."""
    settings = Settings(home=tmp_path / "home")
    store = open_store(settings)
    for number in range(2):
        await packages.publish(chain, store, packages.make(number))

    def coordinator():
        return RoundCoordinator(RoundPorts(settings, chain, open_store(settings), lambda: base, clock=clock))

    async def die(messages, **options):
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(chain, "sign", die)
        with pytest.raises(Died):
            await coordinator().run(0)
    assert read_journal(settings.home, "remes-test", 0).prepared is not None
    shutil.rmtree(settings.content_path)
    return settings, coordinator


async def test_package_that_the_store_lost_is_stored_again_before_the_commitment(prepared):
    settings, coordinator = prepared
    report = await coordinator().run(0)
    assert report.outcome == "finalized"
    assert (await open_store(settings).stat(report.cid)).blocks > 0


async def test_package_that_is_nowhere_any_more_is_not_committed_to(prepared, chain):
    settings, coordinator = prepared
    shutil.rmtree(workspace_of(settings.home, "remes-test", 0).aggregate)
    with pytest.raises(RoundClosed, match="is neither in the content store nor in the workspace any more"):
        await coordinator().run(0)
    assert chain.accepted == []
