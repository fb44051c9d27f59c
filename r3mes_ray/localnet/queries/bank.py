"""Balances, as `cosmos.bank.v1beta1.Query` answers about them."""

from __future__ import annotations

from collections.abc import Iterator

from r3mes_ray.errors import NotOnChain
from r3mes_ray.localnet.addresses import format_address, parse_address
from r3mes_ray.localnet.ledger import balance as balance_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries.paging import page
from r3mes_ray.localnet.records import BALANCES, SUPPLY
from r3mes_ray.wire.cosmos.bank.v1beta1.bank_pb2 import Params
from r3mes_ray.wire.cosmos.bank.v1beta1.query_pb2 import (
    DenomOwner,
    QueryAllBalancesRequest,
    QueryAllBalancesResponse,
    QueryBalanceRequest,
    QueryBalanceResponse,
    QueryDenomMetadataRequest,
    QueryDenomMetadataResponse,
    QueryDenomOwnersRequest,
    QueryDenomOwnersResponse,
    QueryDenomsMetadataRequest,
    QueryDenomsMetadataResponse,
    QueryParamsRequest,
    QueryParamsResponse,
    QuerySpendableBalancesRequest,
    QuerySpendableBalancesResponse,
    QuerySupplyOfRequest,
    QuerySupplyOfResponse,
    QueryTotalSupplyRequest,
    QueryTotalSupplyResponse,
)
from r3mes_ray.wire.cosmos.base.query.v1beta1.pagination_pb2 import PageResponse
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin

_ACCOUNT_BYTES = 20


def balance(node: ChainNode, request: QueryBalanceRequest) -> QueryBalanceResponse:
    """One balance; an unknown account has nothing."""
    owner = parse_address(request.address, node.chain.prefix)
    return QueryBalanceResponse(balance=_coin(request.denom, balance_of(node.store, owner, request.denom)))


def all_balances(node: ChainNode, request: QueryAllBalancesRequest) -> QueryAllBalancesResponse:
    """An account's balances, by denomination."""
    taken, answer = page(_coins(node, request.address), request.pagination)
    return QueryAllBalancesResponse(balances=taken, pagination=answer)


def spendable_balances(node: ChainNode, request: QuerySpendableBalancesRequest) -> QuerySpendableBalancesResponse:
    """The same: nothing is locked inside an account here, stakes and bonds lie in escrow."""
    taken, answer = page(_coins(node, request.address), request.pagination)
    return QuerySpendableBalancesResponse(balances=taken, pagination=answer)


def total_supply(node: ChainNode, request: QueryTotalSupplyRequest) -> QueryTotalSupplyResponse:
    """What exists, by denomination."""
    rows = ((key, _coin(key.decode(), amount)) for key, amount in SUPPLY.items(node.store))
    taken, answer = page(rows, request.pagination)
    return QueryTotalSupplyResponse(supply=taken, pagination=answer)


def supply_of(node: ChainNode, request: QuerySupplyOfRequest) -> QuerySupplyOfResponse:
    """What exists of one denomination."""
    return QuerySupplyOfResponse(amount=_coin(request.denom, SUPPLY.get(node.store, request.denom.encode()) or 0))


def params(node: ChainNode, request: QueryParamsRequest) -> QueryParamsResponse:
    """Everything can be sent."""
    return QueryParamsResponse(params=Params(default_send_enabled=True))


def denoms_metadata(node: ChainNode, request: QueryDenomsMetadataRequest) -> QueryDenomsMetadataResponse:
    """None: the chain keeps no names or exponents of its denominations."""
    return QueryDenomsMetadataResponse(pagination=PageResponse())


def denom_metadata(node: ChainNode, request: QueryDenomMetadataRequest) -> QueryDenomMetadataResponse:
    """None, as the SDK says it."""
    raise NotOnChain("client metadata for denom", request.denom[:128])


def denom_owners(node: ChainNode, request: QueryDenomOwnersRequest) -> QueryDenomOwnersResponse:
    """Who has coins of a denomination, by address."""
    wanted = request.denom.encode()
    rows = (
        (key, _owner(node, key[:_ACCOUNT_BYTES], request.denom, amount))
        for key, amount in BALANCES.items(node.store)
        if key[_ACCOUNT_BYTES:] == wanted
    )
    taken, answer = page(rows, request.pagination)
    return QueryDenomOwnersResponse(denom_owners=taken, pagination=answer)


def _coins(node: ChainNode, address: str) -> Iterator[tuple[bytes, Coin]]:
    owner = parse_address(address, node.chain.prefix)
    return ((key, _coin(key.decode(), amount)) for key, amount in BALANCES.items(node.store, owner))


def _owner(node: ChainNode, owner: bytes, denom: str, amount: int) -> DenomOwner:
    return DenomOwner(address=format_address(owner, node.chain.prefix), balance=_coin(denom, amount))


def _coin(denom: str, amount: int) -> Coin:
    return Coin(denom=denom, amount=str(amount))
