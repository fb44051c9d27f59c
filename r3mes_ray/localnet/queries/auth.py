"""Accounts, as `cosmos.auth.v1beta1.Query` answers about them."""

from __future__ import annotations

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.localnet import gas, ledger
from r3mes_ray.localnet.addresses import format_address, parse_address
from r3mes_ray.localnet.genesis import parameters_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries.paging import page
from r3mes_ray.localnet.records import ACCOUNTS
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.wire.cosmos.auth.v1beta1.auth_pb2 import BaseAccount, ModuleAccount, Params
from r3mes_ray.wire.cosmos.auth.v1beta1.query_pb2 import (
    AddressBytesToStringRequest,
    AddressBytesToStringResponse,
    AddressStringToBytesRequest,
    AddressStringToBytesResponse,
    Bech32PrefixRequest,
    Bech32PrefixResponse,
    QueryAccountRequest,
    QueryAccountResponse,
    QueryAccountsRequest,
    QueryAccountsResponse,
    QueryModuleAccountsRequest,
    QueryModuleAccountsResponse,
    QueryParamsRequest,
    QueryParamsResponse,
)

_ACCOUNT_BYTES = 20


def account(node: ChainNode, request: QueryAccountRequest) -> QueryAccountResponse:
    """One account."""
    owner = parse_address(request.address, node.chain.prefix)
    found = ACCOUNTS.get(node.store, owner)
    if found is None:
        raise NotOnChain("account", request.address)
    return QueryAccountResponse(account=_packed(owner, found))


def accounts(node: ChainNode, request: QueryAccountsRequest) -> QueryAccountsResponse:
    """All accounts, by address."""
    rows = ((key, _packed(key, found)) for key, found in ACCOUNTS.items(node.store))
    taken, answer = page(rows, request.pagination)
    return QueryAccountsResponse(accounts=taken, pagination=answer)


def module_accounts(node: ChainNode, request: QueryModuleAccountsRequest) -> QueryModuleAccountsResponse:
    """The accounts that no key controls, as far as they have had coins."""
    known = ((owner, ACCOUNTS.get(node.store, owner)) for owner in ledger.MODULE_ACCOUNTS)
    return QueryModuleAccountsResponse(accounts=[_packed(owner, found) for owner, found in known if found is not None])


def params(node: ChainNode, request: QueryParamsRequest) -> QueryParamsResponse:
    """Limits and prices of the ante."""
    limits = parameters_of(node.store)
    return QueryParamsResponse(
        params=Params(
            max_memo_characters=limits.max_memo_chars,
            tx_sig_limit=limits.max_signatures,
            tx_size_cost_per_byte=gas.TX_BYTE,
            sig_verify_cost_secp256k1=gas.SIGNATURE,
        )
    )


def bech32_prefix(node: ChainNode, request: Bech32PrefixRequest) -> Bech32PrefixResponse:
    """Prefix of account addresses."""
    return Bech32PrefixResponse(bech32_prefix=node.chain.prefix)


def address_text(node: ChainNode, request: AddressBytesToStringRequest) -> AddressBytesToStringResponse:
    """An account's bytes as bech32."""
    if len(request.address_bytes) != _ACCOUNT_BYTES:
        raise InvalidInput("address_bytes", f"an account has {_ACCOUNT_BYTES} bytes, not {len(request.address_bytes)}")
    return AddressBytesToStringResponse(address_string=format_address(request.address_bytes, node.chain.prefix))


def address_bytes(node: ChainNode, request: AddressStringToBytesRequest) -> AddressStringToBytesResponse:
    """An account's bech32 as bytes."""
    return AddressStringToBytesResponse(address_bytes=parse_address(request.address_string, node.chain.prefix))


def _packed(owner: bytes, found: BaseAccount) -> AnyMessage:
    record: Message = found
    if owner in ledger.MODULE_ACCOUNTS:
        record = ModuleAccount(base_account=found, name=ledger.MODULE_ACCOUNTS[owner])
    return AnyMessage(type_url=type_url(record), value=record.SerializeToString(deterministic=True))
