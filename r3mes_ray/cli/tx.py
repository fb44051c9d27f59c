"""`r3mes tx`: send and look up transactions."""

from __future__ import annotations

from typing import Annotated

import typer

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.chain.base import TxResult, send
from r3mes_ray.chain.gas import parse_coins
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import Coin
from r3mes_ray.chain.tx import coin_messages
from r3mes_ray.cli.accounts import address_argument, tx_hash_argument
from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.cli.passphrases import open_key
from r3mes_ray.cli.tables import fields
from r3mes_ray.errors import ConfigError
from r3mes_ray.settings import Settings
from r3mes_ray.types import Address
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Send and look up transactions.")


@app.command("send")
def send_coins(
    to: Annotated[str, typer.Argument(help="Address, or name of a key, that gets the coins.")],
    amount: Annotated[str, typer.Option(help="Coins, like 5uremes or 5uremes,1aaa; a bare number is in --denom.")],
    from_name: Annotated[str | None, typer.Option("--from", help="Name of the key that pays.")] = None,
    denom: Annotated[str | None, typer.Option(help="Denomination of a bare number.")] = None,
    gas: Annotated[str, typer.Option(help="Gas limit, or auto to simulate.")] = "auto",
    gas_price: Annotated[str | None, typer.Option(help="Price of one unit of gas, like 0.025uremes.")] = None,
    memo: Annotated[str, typer.Option(help="Text that everybody can read.")] = "",
) -> None:
    """Send coins, and wait until they are in a block."""
    settings = _priced(current().settings, gas_price)
    coins = parse_coins(f"{amount}{denom or settings.chain.denom}" if amount.isdigit() else amount)
    recipient = address_argument(to)
    result = run(_send(settings, open_key(from_name), recipient, coins, _gas_limit(gas), memo))
    record = {"txhash": result.tx_hash, "height": result.height, "code": 0, "gas_used": result.gas_used}
    paid = ", ".join(map(str, coins))
    emit(record, f"sent {paid} to {recipient}\ntransaction {result.tx_hash} is in block {result.height}")


@app.command()
def show(tx_hash: Annotated[str, typer.Argument(help="64 hex digits.")]) -> None:
    """Show a transaction that is in a block, also one that failed."""
    client = open_chain(current().settings, None)
    record = run(queries.transaction(client, tx_hash_argument(tx_hash)))
    emit(record, fields(record))


async def _send(
    settings: Settings, key: PrivateKey, recipient: Address, coins: tuple[Coin, ...], gas: int | None, memo: str
) -> TxResult:
    client = open_chain(settings, key)
    message = MsgSend(from_address=client.address, to_address=recipient, amount=coin_messages(coins))
    return await send(client, [message], gas=gas, memo=memo)


def _gas_limit(text: str) -> int | None:
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise ConfigError("--gas", f"{text[:40]!r} is neither auto nor a positive number")
    return int(text)


def _priced(settings: Settings, price: str | None) -> Settings:
    if price is None:
        return settings
    denom = settings.chain.denom
    chain = settings.chain.model_copy(update={"gas_price": price.removesuffix(denom)})
    return settings.model_copy(update={"chain": chain})
