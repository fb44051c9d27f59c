"""Questions about the network as a whole, answered as records."""

from __future__ import annotations

from dataclasses import dataclass

from r3mes_ray.chain.base import ChainClient
from r3mes_ray.chain.queries import ask, paged
from r3mes_ray.types import Address, Cid
from r3mes_ray.wire.remes.remes.v1 import query_pb2 as remes


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """The aggregate that was finalised last."""

    aggregate: Cid
    model_version: str
    updated_height: int


@dataclass(frozen=True, slots=True)
class MinerRecord:
    """What a miner submitted, and how many of it a finalised round accepted."""

    address: Address
    status: str
    submissions: int
    accepted: int
    slashings: int
    last_submission: int


async def model(client: ChainClient) -> ModelRecord:
    """The model. Raises NotOnChain before the first round is finalised."""
    found = await ask(client, remes.QueryGetModelParamsRequest(), remes.QueryGetModelParamsResponse)
    return ModelRecord(Cid(found.model_ipfs_hash), found.model_version, found.last_updated_height)


async def miners(client: ChainClient) -> list[MinerRecord]:
    """All miners, by address."""
    pages = paged(client, lambda page: remes.QueryMinersRequest(pagination=page), remes.QueryMinersResponse)
    return [
        MinerRecord(
            Address(entry.address),
            entry.status,
            entry.total_submissions,
            entry.successful_submissions,
            entry.slashing_events,
            entry.last_submission_height,
        )
        async for answer in pages
        for entry in answer.miners
    ]
