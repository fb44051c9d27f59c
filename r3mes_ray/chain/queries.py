"""Questions to the chain, answered as records; lists are read page by page to their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from google.protobuf.message import Message

from r3mes_ray.chain import decode
from r3mes_ray.chain.base import ChainClient
from r3mes_ray.chain.records import (
    Account,
    AggregationRecord,
    BlockRecord,
    Coin,
    CommitmentRecord,
    ExpertRecord,
    NodeRecord,
    ParamsRecord,
    RoundRecord,
    StatisticsRecord,
    TxRecord,
    UpdateRecord,
    UpdateWeightRecord,
)
from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.types import Address, RoundId, TxHash
from r3mes_ray.wire.cosmos.auth.v1beta1 import query_pb2 as auth
from r3mes_ray.wire.cosmos.bank.v1beta1 import query_pb2 as bank
from r3mes_ray.wire.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest, PageResponse
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from r3mes_ray.wire.cosmos.tx.v1beta1 import service_pb2 as service
from r3mes_ray.wire.r3mes.v1 import query_pb2 as ours
from r3mes_ray.wire.remes.remes.v1 import query_pb2 as remes

PAGE = 200
"""Records asked for at a time."""

MAX_RECORDS = 100_000
"""A list that is longer is refused rather than read for ever."""

R = TypeVar("R", bound=Message)


async def expert(client: ChainClient, name: str) -> ExpertRecord:
    """An expert with its history. Raises NotOnChain."""
    answer = await ask(client, ours.QueryExpertRequest(name=name), ours.QueryExpertResponse)
    return decode.expert_record(answer.expert)


async def experts(client: ChainClient) -> list[ExpertRecord]:
    """All experts."""
    pages = paged(client, lambda page: ours.QueryExpertsRequest(pagination=page), ours.QueryExpertsResponse)
    return [decode.expert_record(entry) async for answer in pages for entry in answer.experts]


async def round_of(client: ChainClient, round_id: RoundId) -> RoundRecord:
    """One round, with its phase at the node's height. Raises NotOnChain."""
    answer = await ask(client, ours.QueryRoundRequest(round_id=round_id), ours.QueryRoundResponse)
    return decode.round_record(answer.round)


async def open_round(client: ChainClient, expert_name: str) -> RoundRecord | None:
    """The round of an expert that is under way. Raises NotOnChain for an unknown expert."""
    found = await expert(client, expert_name)
    return None if found.open_round is None else await round_of(client, found.open_round)


async def rounds(client: ChainClient, expert_name: str = "") -> list[RoundRecord]:
    """The rounds of one expert (or of all, by default), newest first."""
    pages = paged(
        client,
        lambda page: ours.QueryRoundsRequest(expert=expert_name, pagination=page),
        ours.QueryRoundsResponse,
    )
    return [decode.round_record(entry) async for answer in pages for entry in answer.rounds]


async def rounds_of_earlier_versions(client: ChainClient, record: RoundRecord, count: int) -> list[RoundRecord]:
    """The latest rounds, at most `count`, whose updates start from an earlier version of the expert; newest first.

    Only the pages that are needed are read.
    """
    found: list[RoundRecord] = []
    pages = paged(
        client,
        lambda page: ours.QueryRoundsRequest(expert=record.expert, pagination=page),
        ours.QueryRoundsResponse,
    )
    async for answer in pages:
        read = map(decode.round_record, answer.rounds)
        found.extend(entry for entry in read if entry.start_version < record.start_version)
        if len(found) >= count:
            break
    return found[:count]


async def round_updates(client: ChainClient, round_id: RoundId) -> list[UpdateRecord]:
    """The updates of one round, by ascending id. Raises NotOnChain for an unknown round."""
    pages = paged(
        client,
        lambda page: ours.QueryRoundGradientsRequest(round_id=round_id, pagination=page),
        ours.QueryRoundGradientsResponse,
    )
    return [decode.update_record(entry) async for answer in pages for entry in answer.gradients]


async def round_weights(client: ChainClient, round_id: RoundId) -> list[UpdateWeightRecord]:
    """What weighs the updates of one round, by ascending id; empty until its submit phase is over."""
    pages = paged(
        client,
        lambda page: ours.QueryRoundWeightsRequest(round_id=round_id, pagination=page),
        ours.QueryRoundWeightsResponse,
    )
    return [decode.weight_record(entry) async for answer in pages for entry in answer.weights]


async def update(client: ChainClient, update_id: int) -> UpdateRecord:
    """One update. Raises NotOnChain."""
    request = remes.QueryGetStoredGradientRequest(id=update_id)
    answer = await ask(client, request, remes.QueryGetStoredGradientResponse)
    return decode.update_record(answer.stored_gradient)


async def commitment(client: ChainClient, round_id: RoundId, proposer: Address) -> CommitmentRecord | None:
    """The one commitment of a proposer in a round, or `None` when there is none."""
    request = ours.QueryCommitmentRequest(round_id=round_id, proposer=proposer)
    try:
        answer = await ask(client, request, ours.QueryCommitmentResponse)
    except NotOnChain:
        return None
    return decode.commitment_record(answer.commitment)


async def aggregation(client: ChainClient, aggregation_id: int) -> AggregationRecord:
    """A revealed aggregate. Raises NotOnChain."""
    request = ours.QueryAggregationRequest(aggregation_id=aggregation_id)
    answer = await ask(client, request, ours.QueryAggregationResponse)
    return decode.aggregation_record(answer.aggregation)


async def next_nonce(client: ChainClient) -> int:
    """The nonce of this account's next update: one more than the updates that the chain has counted."""
    try:
        answer = await ask(
            client, remes.QueryGetMinerScoreRequest(miner=client.address), remes.QueryGetMinerScoreResponse
        )
    except NotOnChain:
        return 1
    return answer.total_submissions + 1


async def params(client: ChainClient) -> ParamsRecord:
    """The chain's parameters."""
    return decode.params_record(await ask(client, ours.QueryParamsRequest(), ours.QueryParamsResponse))


async def account(client: ChainClient, address: Address) -> Account:
    """An account's number and sequence. Raises NotOnChain for one that never had coins."""
    answer = await ask(client, auth.QueryAccountRequest(address=address), auth.QueryAccountResponse)
    return decode.account_record(answer.account)


async def balance(client: ChainClient, address: Address, denom: str) -> int:
    """Spendable coins of an account in one denomination; 0 for an unknown account."""
    request = bank.QueryBalanceRequest(address=address, denom=denom)
    answer = await ask(client, request, bank.QueryBalanceResponse)
    return decode.amount(answer.balance.amount) if answer.HasField("balance") else 0


async def balances(client: ChainClient, address: Address) -> list[Coin]:
    """All coins of an account."""
    pages = paged(
        client,
        lambda page: bank.QueryAllBalancesRequest(address=address, pagination=page),
        bank.QueryAllBalancesResponse,
    )
    return [decode.coin(entry) async for answer in pages for entry in answer.balances]


async def node_registration(client: ChainClient, address: Address) -> NodeRecord | None:
    """A node with its roles and stake, or `None` when the account is no node."""
    request = remes.QueryGetNodeRegistrationRequest(node_address=address)
    try:
        answer = await ask(client, request, remes.QueryGetNodeRegistrationResponse)
    except NotOnChain:
        return None
    return decode.node_record(answer.registration)


async def content_urls(client: ChainClient) -> list[str]:
    """Base URLs of the nodes that announced where they serve content; what they send proves itself."""
    pages = paged(
        client, lambda page: ours.QueryContentEndpointsRequest(pagination=page), ours.QueryContentEndpointsResponse
    )
    return [entry.content_url async for answer in pages for entry in answer.endpoints]


async def statistics(client: ChainClient) -> StatisticsRecord:
    """Counts of the whole chain."""
    answer = await ask(client, remes.QueryStatisticsRequest(), remes.QueryStatisticsResponse)
    return decode.statistics_record(answer)


async def transaction(client: ChainClient, tx_hash: TxHash) -> TxRecord:
    """A transaction that is in a block, also one that failed. Raises NotOnChain."""
    answer = await ask(client, service.GetTxRequest(hash=tx_hash), service.GetTxResponse)
    return decode.tx_record(answer)


async def block(client: ChainClient, height: int | None = None) -> BlockRecord:
    """The block of a height, the latest by default. Raises NotOnChain."""
    if height is None:
        latest = await ask(client, tendermint.GetLatestBlockRequest(), tendermint.GetLatestBlockResponse)
        return decode.block_record(latest.block_id, latest.block)
    request = tendermint.GetBlockByHeightRequest(height=height)
    found = await ask(client, request, tendermint.GetBlockByHeightResponse)
    return decode.block_record(found.block_id, found.block)


async def wait_for_height(client: ChainClient, height: int, poll_s: float = 0.25) -> int:
    """Wait until the chain has a block of `height`, and return the height that it has then."""
    while (reached := (await client.status()).height) < height:
        await asyncio.sleep(poll_s)
    return reached


async def ask(client: ChainClient, request: Message, answer_type: type[R]) -> R:
    """Send a query whose answer must be of a type.

    Raises:
        InvalidInput: the node answers something else.
    """
    answer = await client.query(request)
    if not isinstance(answer, answer_type):
        raise InvalidInput(request.DESCRIPTOR.full_name, f"answered with {answer.DESCRIPTOR.full_name}")
    return answer


async def paged(
    client: ChainClient, request: Callable[[PageRequest], Message], answer_type: type[R]
) -> AsyncIterator[R]:
    """All pages of a list, by the key that each page names for the next one.

    Raises:
        InvalidInput: a page that names itself as the next, or more than `MAX_RECORDS` records.
    """
    page = PageRequest(limit=PAGE)
    for _ in range(MAX_RECORDS // PAGE):
        answer = await ask(client, request(page), answer_type)
        yield answer
        following: PageResponse = getattr(answer, "pagination")  # noqa: B009
        if not following.next_key:
            return
        if following.next_key == page.key:
            raise InvalidInput(answer.DESCRIPTOR.full_name, "the node names the same page as the next one")
        page = PageRequest(limit=PAGE, key=following.next_key)
    raise InvalidInput(request(page).DESCRIPTOR.full_name, f"the list has more than {MAX_RECORDS} records")
