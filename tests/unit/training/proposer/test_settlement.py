import pytest

from r3mes_ray.chain import queries
from r3mes_ray.errors import ChainUnavailable, RoundClosed, TxRejected
from r3mes_ray.training.journal import open_journal
from r3mes_ray.training.proposer.settlement import MAX_REFUSALS, Settlement
from r3mes_ray.training.records import Committed, TxDropped, TxSigned
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgCommitAggregation

LAST = 40


@pytest.fixture
def journal(tmp_path):
    with open_journal(tmp_path, "remes-test", 0) as journal:
        yield journal


@pytest.fixture
def settle(chain, clock, journal):
    chain.height = 16
    settlement = Settlement(chain, journal, 0, clock, patience_s=30.0)
    message = MsgCommitAggregation(proposer=chain.address, commitment_hash="v2:" + "00" * 32, training_round_id=0)

    async def find():
        found = await queries.commitment(chain, 0, chain.address)
        return None if found is None else Committed(found.commitment_id, found.committed_height, "")

    async def run(last_height=LAST):
        return await settlement.settle("commit", find, lambda: [message], last_height)

    return run


def signed(journal):
    return [record for record in journal.records if isinstance(record, TxSigned)]


async def test_settle_journals_the_bytes_before_and_the_effect_after(settle, chain, journal):
    committed = await settle()
    assert committed == Committed(0, 17, signed(journal)[0].tx_hash)
    assert journal.progress.committed == committed
    assert [record.kind for record in journal.records] == ["tx_signed", "committed"]
    assert len(chain.accepted) == 1


async def test_settle_whose_answer_is_lost_finds_the_effect_and_sends_nothing_more(settle, chain, journal):
    chain.lose_answers = True
    await settle()
    assert len(chain.accepted) == 1
    assert len(signed(journal)) == 1


async def test_settle_whose_bytes_never_arrived_sends_the_same_bytes_again(settle, chain, journal):
    chain.swallow = 3
    committed = await settle()
    assert [tx.tx_hash for tx in signed(journal)] == [committed.tx_hash]
    assert len(chain.accepted) == 1


async def test_settle_whose_effect_is_there_already_signs_nothing(settle, chain, journal):
    await settle()
    again = await settle()
    assert len(chain.accepted) == 1
    assert len(signed(journal)) == 1
    assert again.height == 17


async def test_settle_goes_on_when_the_chain_was_down(settle, chain):
    chain.down = 12
    await settle()
    assert len(chain.accepted) == 1


async def test_settle_gives_up_when_the_chain_stays_down(settle, chain, journal):
    chain.down = 10**6
    with pytest.raises(ChainUnavailable):
        await settle()
    assert signed(journal) == []


@pytest.mark.parametrize("code", [11, 13, 30, 32])
async def test_settle_signs_again_when_that_cures_the_refusal(settle, chain, journal, code):
    chain.refuse_next = [code]
    await settle()
    assert len(chain.accepted) == 1
    assert [record.kind for record in journal.records] == ["tx_signed", "tx_dropped", "tx_signed", "committed"]


async def test_settle_with_a_full_mempool_keeps_the_bytes(settle, chain, journal):
    chain.refuse_next = [20, 20, 19]
    await settle()
    assert len(signed(journal)) == 1


async def test_settle_refused_for_good_raises_and_drops_the_bytes(settle, chain, journal):
    chain.refuse_next = [5]
    with pytest.raises(TxRejected, match="sdk 5"):
        await settle()
    assert isinstance(journal.records[-1], TxDropped)
    assert chain.accepted == []


async def test_settle_refused_again_and_again_raises(settle, chain):
    chain.refuse_next = [32] * 100
    with pytest.raises(TxRejected):
        await settle()
    assert len(chain.refuse_next) == 100 - MAX_REFUSALS


async def test_settle_past_the_timeout_height_signs_new_bytes(settle, chain, journal):
    chain.round.commit_end = 200
    chain.swallow = 25
    committed = await settle(last_height=200)
    assert len(signed(journal)) == 2
    assert committed.tx_hash == signed(journal)[1].tx_hash
    assert len(chain.accepted) == 1


async def test_settle_after_the_deadline_signs_nothing(settle, chain, journal):
    chain.height = LAST
    with pytest.raises(RoundClosed, match="block 40 was the last"):
        await settle()
    assert journal.records == ()


async def test_settle_swallowed_until_the_deadline_closes_the_round(settle, chain):
    chain.swallow = 1000
    with pytest.raises(RoundClosed):
        await settle()
    assert chain.accepted == []
