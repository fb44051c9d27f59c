"""Accounts and balances: every movement of coins goes through here, so supply is conserved in one place."""

from __future__ import annotations

import hashlib

from r3mes_ray.localnet.addresses import format_address
from r3mes_ray.localnet.codes import INSUFFICIENT_FUNDS, Refused
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.records import ACCOUNTS, BALANCES, SUPPLY, next_id
from r3mes_ray.localnet.state import State
from r3mes_ray.wire.cosmos.auth.v1beta1.auth_pb2 import BaseAccount


def module_account(name: str) -> bytes:
    """Address of an account that no key controls: the first 20 bytes of the name's SHA-256, as in the SDK."""
    return hashlib.sha256(name.encode()).digest()[:20]


FEE_COLLECTOR = module_account("fee_collector")
"""Where fees go."""
STAKE_ESCROW = module_account("remes_stake")
"""Where nodes' stakes lie."""
BOND_ESCROW = module_account("r3mes_bond")
"""Where experts' bonds lie."""
CHALLENGE_ESCROW = module_account("remes_challenge")
"""Where challengers' bonds lie."""
SLASH_ESCROW = module_account("r3mes_slash")
"""Where slashed stake lies until the time for an appeal is over."""
TREASURY = module_account("remes_treasury")
"""Where forfeited coins and the network's part of inference fees go."""
INFERENCE_ESCROW = module_account("remes_inference")
"""Where the fees of open inference requests lie."""
MINER_POOL = module_account("remes_miner_pool")
"""The miners' part of inference fees; a finalised round shares it among its accepted updates."""
DATASET_ESCROW = module_account("remes_dataset")
"""Where the deposits of proposed datasets lie."""
GOV = module_account("gov")
"""The authority: it holds proposals' deposits, and passed proposals execute as it."""
GENESIS_MODULES = (FEE_COLLECTOR, STAKE_ESCROW, BOND_ESCROW)
"""Module accounts that block 0 creates; the others begin with their first coin."""
MODULE_ACCOUNTS = {
    FEE_COLLECTOR: "fee_collector",
    STAKE_ESCROW: "remes_stake",
    BOND_ESCROW: "r3mes_bond",
    CHALLENGE_ESCROW: "remes_challenge",
    SLASH_ESCROW: "r3mes_slash",
    TREASURY: "remes_treasury",
    INFERENCE_ESCROW: "remes_inference",
    MINER_POOL: "remes_miner_pool",
    DATASET_ESCROW: "remes_dataset",
    GOV: "gov",
}
"""Accounts that cannot be paid directly."""


def balance(state: State, owner: bytes, denom: str) -> int:
    """What an account has."""
    return BALANCES.get(state, owner, denom.encode()) or 0


def ensure_account(ctx: Context, owner: bytes) -> None:
    """Create the account with the next number unless it is there."""
    if ACCOUNTS.get(ctx.state, owner) is None:
        number = next_id(ctx.state, "account")
        address = format_address(owner, ctx.chain.prefix)
        ACCOUNTS.put(ctx.state, BaseAccount(address=address, account_number=number), owner)


def move(ctx: Context, source: bytes, target: bytes, denom: str, amount: int) -> None:
    """Pay from one account to another, creating the other when it is new, with the bank module's events.

    Raises:
        Refused: INSUFFICIENT_FUNDS.
    """
    has = balance(ctx.state, source, denom)
    if has < amount:
        raise Refused(INSUFFICIENT_FUNDS, f"spendable balance {has}{denom} is smaller than {amount}{denom}")
    _set_balance(ctx, source, denom, has - amount)
    ensure_account(ctx, target)
    _set_balance(ctx, target, denom, balance(ctx.state, target, denom) + amount)
    sender, recipient = (format_address(owner, ctx.chain.prefix) for owner in (source, target))
    coins = f"{amount}{denom}"
    ctx.emit("coin_spent", spender=sender, amount=coins)
    ctx.emit("coin_received", receiver=recipient, amount=coins)
    ctx.emit("transfer", recipient=recipient, sender=sender, amount=coins)


def mint(ctx: Context, target: bytes, amount: int) -> int:
    """Create base coins for an account, up to the supply cap; returns what was created."""
    denom = ctx.chain.denom
    supply = SUPPLY.get(ctx.state, denom.encode()) or 0
    created = max(0, min(amount, ctx.parameters.supply_cap - supply))
    if created:
        credit_genesis(ctx, target, created)
        ctx.emit("coinbase", minter=format_address(target, ctx.chain.prefix), amount=f"{created}{denom}")
    return created


def credit_genesis(ctx: Context, target: bytes, amount: int) -> None:
    """Create base coins for an account without a cap: only genesis does so."""
    denom = ctx.chain.denom
    ensure_account(ctx, target)
    _set_balance(ctx, target, denom, balance(ctx.state, target, denom) + amount)
    SUPPLY.put(ctx.state, (SUPPLY.get(ctx.state, denom.encode()) or 0) + amount, denom.encode())


def _set_balance(ctx: Context, owner: bytes, denom: str, amount: int) -> None:
    if amount:
        BALANCES.put(ctx.state, amount, owner, denom.encode())
    else:
        BALANCES.delete(ctx.state, owner, denom.encode())
