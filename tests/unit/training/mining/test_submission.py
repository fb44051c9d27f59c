import secrets
from types import SimpleNamespace

import pytest

from r3mes_ray.chain import queries
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.content import open_store
from r3mes_ray.errors import ContentNotFound, NoRound, RoundClosed, TxRejected
from r3mes_ray.models.adapters import UpdateOrigin, make_package
from r3mes_ray.settings import Settings
from r3mes_ray.training.mining.submission import Outbox, submit_update, wait_for_round
from r3mes_ray.wire.r3mes.v1 import query_pb2 as ours
from r3mes_ray.wire.r3mes.v1.types_pb2 import ExpertVersion
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient


@pytest.fixture
def miner(chain, clock, packages, tmp_path):
    """A miner's ports over the fake chain, which takes updates while the submit phase lasts."""
    key = PrivateKey(secrets.token_bytes(32))
    chain.address = key.address("remes")
    real = chain.query

    async def query(request):
        if isinstance(request, ours.QueryParamsRequest):
            return ours.QueryParamsResponse(rule_set="v2", denom="uremes", proposer_stake="1", expert_bond="1")
        answer = await real(request)
        if isinstance(request, ours.QueryExpertRequest):
            answer.expert.has_open_round = chain.round.opened_height <= chain.height
        return answer

    def include(message):
        assert chain.height <= chain.round.submit_end
        chain.updates.append(
            StoredGradient(
                id=len(chain.updates),
                miner=message.miner,
                ipfs_hash=message.ipfs_hash,
                gradient_hash=message.gradient_hash,
                model_version=message.model_version,
                submitted_at_height=chain.height,
                status="pending",
            )
        )

    chain.query, chain._on_MsgSubmitGradient = query, include
    settings = Settings(home=tmp_path / "miner")
    return SimpleNamespace(settings=settings, client=chain, key=key, store=open_store(settings), clock=clock)


@pytest.fixture
def package(miner, packages):
    made = packages.make(1)
    return make_package(
        made.config,
        made.tensors,
        base_id="tiny",
        expert="python",
        version=1,
        origin=UpdateOrigin(miner.client.address, 0),
    )


async def test_submitted_update_is_on_chain_with_the_cid_that_is_then_fetchable(miner, chain, package, tmp_path):
    opened = await queries.round_of(chain, 0)
    outbox = Outbox(miner.settings.home)
    submitted = await submit_update(miner, outbox, opened, package, 3.25)
    assert chain.updates[0].ipfs_hash == submitted.cid
    assert chain.accepted[0].claimed_loss == "3.250000"
    await miner.store.get(submitted.cid, tmp_path / "got")
    assert not outbox.folder("remes-test", 0).exists()


async def test_submitted_update_cannot_be_fetched_before_it_is_in_a_block(miner, chain, package, tmp_path):
    opened = await queries.round_of(chain, 0)
    real, seen = chain.broadcast, []

    async def broadcast(tx):
        from r3mes_ray.content import cid_of_path

        cid = cid_of_path(Outbox(miner.settings.home).folder("remes-test", 0))
        with pytest.raises(ContentNotFound):
            await miner.store.get(cid, tmp_path / "early")
        seen.append(cid)
        return await real(tx)

    chain.broadcast = broadcast
    assert (await submit_update(miner, Outbox(miner.settings.home), opened, package, 1.0)).cid == seen[0]


async def test_submitted_update_whose_answers_are_lost_is_submitted_once(miner, chain, package):
    chain.lose_answers = True
    opened = await queries.round_of(chain, 0)
    await submit_update(miner, Outbox(miner.settings.home), opened, package, 1.0)
    assert len(chain.updates) == 1


async def test_submitted_update_that_is_refused_stays_unpublished(miner, chain, package):
    chain.refuse_next = [4]
    opened = await queries.round_of(chain, 0)
    outbox = Outbox(miner.settings.home)
    with pytest.raises(TxRejected):
        await submit_update(miner, outbox, opened, package, 1.0)
    assert await outbox.publish_included(chain, miner.store) == ()


async def test_submitted_update_after_the_phase_is_closed(miner, chain, package):
    chain.swallow = 100
    opened = await queries.round_of(chain, 0)
    with pytest.raises(RoundClosed, match="block 15 was the last"):
        await submit_update(miner, Outbox(miner.settings.home), opened, package, 1.0)


async def test_outbox_of_a_miner_that_died_after_inclusion_is_published_by_the_next_run(
    miner, chain, package, tmp_path
):
    opened = await queries.round_of(chain, 0)
    outbox, dead = Outbox(miner.settings.home), SimpleNamespace(**vars(miner))

    class Dies:
        async def add(self, source):
            raise KeyboardInterrupt

    dead.store = Dies()
    with pytest.raises(KeyboardInterrupt):
        await submit_update(dead, outbox, opened, package, 1.0)
    (cid,) = await outbox.publish_included(chain, miner.store)
    assert cid == chain.updates[0].ipfs_hash
    await miner.store.get(cid, tmp_path / "got")
    assert await outbox.publish_included(chain, miner.store) == ()


async def test_waiting_miner_takes_the_round_that_opens(miner, chain):
    chain.round.opened_height, chain.round.submit_end = 14, 30
    expert = await queries.expert(chain, "python")
    opened = await wait_for_round(miner, expert)
    assert (opened.round_id, chain.height >= 14) == (0, True)


async def test_waiting_miner_without_a_round_gives_up_by_name(miner, chain):
    chain.round.opened_height = 10**9
    with pytest.raises(NoRound, match="no round of expert python"):
        await wait_for_round(miner, await queries.expert(chain, "python"))


async def test_waiting_miner_whose_expert_moved_on_is_told_to_mine_again(miner, chain):
    expert = await queries.expert(chain, "python")
    chain.history.append(ExpertVersion(version=1, adapter_cid="bafy", round_id=0))
    with pytest.raises(RoundClosed, match="mine again"):
        await wait_for_round(miner, expert)


async def test_waiting_miner_who_has_submitted_already_is_told(miner, chain, package):
    opened = await queries.round_of(chain, 0)
    await submit_update(miner, Outbox(miner.settings.home), opened, package, 1.0)
    with pytest.raises(RoundClosed, match="has one in it already"):
        await wait_for_round(miner, await queries.expert(chain, "python"))
