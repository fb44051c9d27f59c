"""`r3mes chain`: run the embedded chain."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from r3mes_ray.chain.faucet import faucet_url, request_coins
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.cli.accounts import address_argument
from r3mes_ray.cli.context import current, emit, progress, run
from r3mes_ray.errors import ConfigError
from r3mes_ray.localnet.faucet.account import faucet_funds, faucet_key
from r3mes_ray.localnet.genesis import Genesis, genesis_of, genesis_path, read_genesis
from r3mes_ray.localnet.homes import export_chain, import_chain, reset_chain
from r3mes_ray.localnet.join import join_network
from r3mes_ray.localnet.server import serve_chain
from r3mes_ray.localnet.servers import Endpoints
from r3mes_ray.settings import Settings, parse_settings

app = typer.Typer(no_args_is_help=True, help="Run the embedded chain.")


@app.callback()
def group() -> None:
    """Run the embedded chain."""


@app.command()
def start(
    rpc_port: Annotated[int | None, typer.Option(help="CometBFT JSON-RPC port; 0 takes a free one.")] = None,
    grpc_port: Annotated[int | None, typer.Option(help="gRPC port; 0 takes a free one.")] = None,
    rest_port: Annotated[int | None, typer.Option(help="REST port; 0 takes a free one; none starts none.")] = None,
    chain_id: Annotated[str | None, typer.Option(help="Chain-id of a new chain.")] = None,
    faucet: Annotated[
        str | None, typer.Option(help="AMOUNTuremes that a faucet pays at a time; for test networks.")
    ] = None,
    faucet_port: Annotated[int | None, typer.Option(help="Port of the faucet; 0 takes a free one.")] = None,
    block_time_ms: Annotated[int | None, typer.Option(help="Milliseconds between blocks while there is work.")] = None,
    genesis_balance: Annotated[
        list[str] | None, typer.Option(help="ADDRESS=AMOUNTuremes of a new chain; may be repeated.")
    ] = None,
) -> None:
    """Run the chain of this home until Ctrl-C; a home without one gets a new chain."""
    flags = {"rpc_port": rpc_port, "grpc_port": grpc_port, "rest_port": rest_port, "block_time_ms": block_time_ms}
    flags["faucet_port"] = faucet_port
    if faucet is not None:
        flags["faucet_amount"] = _amount("--faucet", faucet, current().settings.chain.denom)
    settings = _with_flags(current().settings, flags, chain_id)
    key = faucet_key(settings)
    run(_serve(settings, _genesis(settings, genesis_balance or [], key), key))


@app.command()
def init(
    join: Annotated[Path, typer.Option(help="Genesis file of the network.")],
    node: Annotated[str, typer.Option(help="host:port of the gRPC server of one of its nodes.")],
    faucet: Annotated[str | None, typer.Option(help="Base URL of its faucet, where it has one.")] = None,
) -> None:
    """Set a home up for a network that others run."""
    joined = run(join_network(current().settings, join, node, faucet))
    emit(joined, f"{joined.config} names chain {joined.chain_id} at {joined.node}, which is at block {joined.height}")


@app.command("faucet")
def faucet_(
    who: Annotated[str | None, typer.Argument(help="Address or name of a key; default: this node's key.")] = None,
    node: Annotated[str | None, typer.Option(help="Base URL of the faucet; default: that of the network.")] = None,
) -> None:
    """Ask a test network's faucet for coins, and wait until they are in a block."""
    settings, address = current().settings, address_argument(who)
    credit = run(request_coins(settings, node or faucet_url(settings), address))
    emit(credit, f"{credit.address} got {credit.amount} in block {credit.height}, transaction {credit.txhash}")


@app.command("export")
def export_(file: Annotated[Path, typer.Argument(help="File to write; it must not exist.")]) -> None:
    """Write the home's chain, which must not run, to one file: its genesis and every block."""
    moved = export_chain(current().settings, file)
    emit(moved, f"chain {moved.chain_id} up to block {moved.height} is in {moved.path}")


@app.command("import")
def import_(file: Annotated[Path, typer.Argument(help="File that `chain export` wrote.")]) -> None:
    """Replay a file into a home without a chain; every block must come to the hash that the file names."""
    moved = import_chain(current().settings, file)
    emit(moved, f"chain {moved.chain_id} is replayed up to block {moved.height}; every app hash agrees")


@app.command()
def reset(
    chain_id: Annotated[str | None, typer.Option(help="Id of the new chain; by default the old one, numbered.")] = None,
) -> None:
    """Begin anew from the same balances under another chain-id; the old chain is moved aside, not deleted."""
    moved = reset_chain(current().settings, chain_id)
    text = f"chain {moved.chain_id} begins at block 0; the old chain is in {moved.path}"
    emit(moved, f"{text}\nstart it with `r3mes chain start --chain-id {moved.chain_id}`, or set chain.chain_id")


async def _serve(settings: Settings, genesis: Genesis, key: PrivateKey | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve_chain(settings, genesis, faucet_key=key, ready=_announce, stop=stop)
    progress.print("chain stopped")


def _announce(endpoints: Endpoints) -> None:
    text = f"chain {endpoints.chain_id} is running\n  gRPC          {endpoints.grpc}"
    text += f"\n  CometBFT RPC  {endpoints.rpc}"
    if endpoints.rest:
        text += f"\n  REST          {endpoints.rest}"
    if endpoints.faucet:
        text += f"\n  faucet        {endpoints.faucet}"
    emit(endpoints, text)


def _with_flags(settings: Settings, local: dict[str, int | None], chain_id: str | None) -> Settings:
    data = settings.model_dump()
    data["localnet"].update({name: value for name, value in local.items() if value is not None})
    if chain_id is not None:
        data["chain"]["chain_id"] = chain_id
    return parse_settings(data)


def _genesis(settings: Settings, balances: list[str], key: PrivateKey | None) -> Genesis:
    """The genesis that the flags ask for; without balances, a home's chain keeps its own."""
    stored = read_genesis(genesis_path(settings))
    named = dict(_balance(text, settings.chain.denom) for text in balances)
    wanted = genesis_of(settings, {**faucet_funds(settings, key, stored), **named})
    if stored is None or balances:
        return wanted
    return wanted.model_copy(update={"balances": stored.balances})


def _balance(text: str, denom: str) -> tuple[str, int]:
    address, _, amount = text.partition("=")
    if not address:
        raise ConfigError("--genesis-balance", f"{text!r}: expected ADDRESS=AMOUNT{denom}, such as remes1…=1000{denom}")
    return address, _amount("--genesis-balance", amount, denom)


def _amount(flag: str, text: str, denom: str) -> int:
    number = text.removesuffix(denom)
    if not (number.isascii() and number.isdigit()) or number == text:
        raise ConfigError(flag, f"{text!r} is no amount with its denomination, such as 1000000{denom}")
    return int(number)
