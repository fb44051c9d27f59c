from __future__ import annotations

from collections.abc import Sequence

import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainStatus, SignedTx, TxResult
from r3mes_ray.chain.decode import round_record
from r3mes_ray.chain.records import Coin, RoundPhase
from r3mes_ray.chain.tx import pack_any
from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.types import Address, RoundId
from r3mes_ray.wire.cosmos.auth.v1beta1 import auth_pb2
from r3mes_ray.wire.cosmos.auth.v1beta1 import query_pb2 as auth
from r3mes_ray.wire.cosmos.bank.v1beta1 import query_pb2 as bank
from r3mes_ray.wire.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest, PageResponse
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin as CoinMessage
from r3mes_ray.wire.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from r3mes_ray.wire.r3mes.v1 import query_pb2 as ours
from r3mes_ray.wire.r3mes.v1 import types_pb2
from r3mes_ray.wire.remes.remes.v1.state_pb2 import AggregationCommitment
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient
from r3mes_ray.wire.tendermint.types.block_pb2 import Block
from r3mes_ray.wire.tendermint.types.types_pb2 import Header

ALICE = Address("remes1alice")


class FakeChain:
    """Answers from a table of request types; lists are cut into pages of two."""

    address = ALICE

    def __init__(self) -> None:
        self.heights = iter(range(100))
        self.answers: dict[type[Message], Message] = {}
        self.pages: list[PageRequest] = []

    async def status(self) -> ChainStatus:
        return ChainStatus("remes-test", next(self.heights), "", "")

    async def query(self, request: Message) -> Message:
        if isinstance(request, ours.QueryRoundGradientsRequest):
            self.pages.append(request.pagination)
            return self.page(int(request.pagination.key or b"0"))
        try:
            return self.answers[type(request)]
        except KeyError:
            raise NotOnChain("record", "1") from None

    def page(self, start: int) -> ours.QueryRoundGradientsResponse:
        following = b"%d" % (start + 2) if start < 4 else b""
        updates = [StoredGradient(id=number, ipfs_hash="b") for number in range(start, start + 2)]
        return ours.QueryRoundGradientsResponse(gradients=updates, pagination=PageResponse(next_key=following))

    async def sign(self, messages: Sequence[Message], *, gas: int | None = None, memo: str = "") -> SignedTx:
        raise NotImplementedError

    async def broadcast(self, tx: SignedTx) -> TxResult:
        raise NotImplementedError


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain()


async def test_round_updates_are_read_to_the_end(chain: FakeChain) -> None:
    updates = await queries.round_updates(chain, RoundId(0))
    assert [entry.update_id for entry in updates] == [0, 1, 2, 3, 4, 5]
    assert [page.key for page in chain.pages] == [b"", b"2", b"4"]
    assert all(page.limit == queries.PAGE for page in chain.pages)


async def test_round_updates_page_that_names_itself_is_refused(
    chain: FakeChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    looping = ours.QueryRoundGradientsResponse(pagination=PageResponse(next_key=b"2"))
    monkeypatch.setattr(chain, "page", lambda start: looping)
    with pytest.raises(InvalidInput, match="same page"):
        await queries.round_updates(chain, RoundId(0))


async def test_round_updates_endless_list_is_refused(chain: FakeChain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        chain,
        "page",
        lambda start: ours.QueryRoundGradientsResponse(pagination=PageResponse(next_key=b"%d" % (start + 1))),
    )
    with pytest.raises(InvalidInput, match="more than 100000"):
        await queries.round_updates(chain, RoundId(0))


def earlier_round(number: int) -> types_pb2.Round:
    phase = types_pb2.ROUND_PHASE_DONE
    return types_pb2.Round(round_id=number, expert="python", start_version=number // 3, phase=phase)


async def test_rounds_of_earlier_versions_are_read_no_further_than_needed(
    chain: FakeChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page names another one, so a reader that goes on to the end is refused."""
    asked: list[bytes] = []

    async def query(request: Message) -> Message:
        assert isinstance(request, ours.QueryRoundsRequest)
        asked.append(request.pagination.key)
        first = 20 - 2 * len(asked)
        rounds = [earlier_round(number) for number in (first + 1, first)]
        return ours.QueryRoundsResponse(rounds=rounds, pagination=PageResponse(next_key=b"%d" % first))

    monkeypatch.setattr(chain, "query", query)
    record = round_record(earlier_round(19))
    found = await queries.rounds_of_earlier_versions(chain, record, 3)
    assert [entry.round_id for entry in found] == [17, 16, 15]
    assert len(asked) == 3


async def test_expert_round_0_is_an_open_round(chain: FakeChain) -> None:
    history = [
        types_pb2.ExpertVersion(version=2, adapter_cid="c2", round_id=1),
        types_pb2.ExpertVersion(version=1, adapter_cid="c1"),
    ]
    chain.answers[ours.QueryExpertRequest] = ours.QueryExpertResponse(
        expert=types_pb2.Expert(name="python", version=2, history=history, has_open_round=True, open_round_id=0)
    )
    chain.answers[ours.QueryRoundRequest] = ours.QueryRoundResponse(
        round=types_pb2.Round(expert="python", phase=types_pb2.ROUND_PHASE_REVEAL, has_aggregation=True)
    )
    found = await queries.expert(chain, "python")
    assert [entry.version for entry in found.history] == [1, 2]
    assert (found.adapter, found.open_round, found.description) == ("c2", 0, None)
    opened = await queries.open_round(chain, "python")
    assert opened is not None
    assert (opened.round_id, opened.phase, opened.aggregation, opened.start) == (0, RoundPhase.REVEAL, 0, None)


async def test_open_round_none_is_under_way(chain: FakeChain) -> None:
    chain.answers[ours.QueryExpertRequest] = ours.QueryExpertResponse(expert=types_pb2.Expert(name="python"))
    assert await queries.open_round(chain, "python") is None


async def test_round_of_unknown_phase_is_refused(chain: FakeChain) -> None:
    chain.answers[ours.QueryRoundRequest] = ours.QueryRoundResponse(round=types_pb2.Round())
    with pytest.raises(InvalidInput, match="phase 0"):
        await queries.round_of(chain, RoundId(0))


async def test_commitment_aggregation_counts_only_when_revealed(chain: FakeChain) -> None:
    assert await queries.commitment(chain, RoundId(0), ALICE) is None
    stored = AggregationCommitment(status="committed", participant_gradient_ids=[0, 3])
    chain.answers[ours.QueryCommitmentRequest] = ours.QueryCommitmentResponse(commitment=stored)
    waiting = await queries.commitment(chain, RoundId(0), ALICE)
    assert waiting is not None
    assert (waiting.aggregation, waiting.participants) == (None, (0, 3))
    stored.status = "revealed"
    chain.answers[ours.QueryCommitmentRequest] = ours.QueryCommitmentResponse(commitment=stored)
    revealed = await queries.commitment(chain, RoundId(0), ALICE)
    assert revealed is not None
    assert revealed.aggregation == 0


async def test_account_base_and_module_kinds_are_read(chain: FakeChain) -> None:
    base = auth_pb2.BaseAccount(address=ALICE, account_number=2, sequence=9, pub_key=pack_any(PubKey(key=b"\x02" * 33)))
    for account in (base, auth_pb2.ModuleAccount(base_account=base, name="gov")):
        chain.answers[auth.QueryAccountRequest] = auth.QueryAccountResponse(account=pack_any(account))
        found = await queries.account(chain, ALICE)
        assert (found.number, found.sequence, found.public_key) == (2, 9, b"\x02" * 33)


async def test_account_other_kind_is_refused(chain: FakeChain) -> None:
    chain.answers[auth.QueryAccountRequest] = auth.QueryAccountResponse(account=pack_any(PubKey()))
    with pytest.raises(InvalidInput, match="not supported"):
        await queries.account(chain, ALICE)


async def test_account_bytes_that_cannot_be_read_are_refused(chain: FakeChain) -> None:
    account = Any(type_url="/cosmos.auth.v1beta1.BaseAccount", value=b"\xff")
    chain.answers[auth.QueryAccountRequest] = auth.QueryAccountResponse(account=account)
    with pytest.raises(InvalidInput, match="cannot be read"):
        await queries.account(chain, ALICE)


async def test_block_time_outside_the_calendar_is_refused(chain: FakeChain) -> None:
    header = Header(time=Timestamp(seconds=2**60))
    chain.answers[tendermint.GetLatestBlockRequest] = tendermint.GetLatestBlockResponse(block=Block(header=header))
    with pytest.raises(InvalidInput, match="time of a block"):
        await queries.block(chain)


@pytest.mark.parametrize("text", ["-1", "1.5", "1e9", "١", "9" * 79])
async def test_balance_amount_that_is_no_number_is_refused(chain: FakeChain, text: str) -> None:
    coin = CoinMessage(denom="uremes", amount=text)
    chain.answers[bank.QueryBalanceRequest] = bank.QueryBalanceResponse(balance=coin)
    with pytest.raises(InvalidInput, match="amount"):
        await queries.balance(chain, ALICE, "uremes")


async def test_balance_and_balances_are_numbers(chain: FakeChain) -> None:
    coin = CoinMessage(denom="uremes", amount=str(2**100))
    chain.answers[bank.QueryBalanceRequest] = bank.QueryBalanceResponse(balance=coin)
    chain.answers[bank.QueryAllBalancesRequest] = bank.QueryAllBalancesResponse(balances=[coin])
    assert await queries.balance(chain, ALICE, "uremes") == 2**100
    assert await queries.balances(chain, ALICE) == [Coin(2**100, "uremes")]


async def test_ask_answer_of_another_type_is_refused(chain: FakeChain) -> None:
    chain.answers[ours.QueryParamsRequest] = ours.QueryRoundResponse()
    with pytest.raises(InvalidInput, match=r"answered with r3mes\.v1\.QueryRoundResponse"):
        await queries.params(chain)


async def test_wait_for_height_returns_when_it_is_reached(chain: FakeChain) -> None:
    assert await queries.wait_for_height(chain, 5, poll_s=0) == 5


async def test_node_registration_unknown_is_none(chain: FakeChain) -> None:
    assert await queries.node_registration(chain, ALICE) is None
