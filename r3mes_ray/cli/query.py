"""`r3mes query`: ask the chain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import typer

from r3mes_ray.chain import network, open_chain, queries
from r3mes_ray.chain.base import ChainClient
from r3mes_ray.chain.records import Coin, NodeRecord
from r3mes_ray.cli.accounts import address_argument, tx_hash_argument
from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.cli.tables import fields, table
from r3mes_ray.errors import NotOnChain
from r3mes_ray.types import Address, RoundId

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Ask the chain.")

Who = Annotated[str | None, typer.Argument(help="Address or name of a key; default: this node's key.")]
RoundNumber = Annotated[int, typer.Argument(min=0, help="Number of the round; the first one is 0.")]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BalanceView:
    """All coins of an account."""

    address: Address
    coins: tuple[Coin, ...]


@app.command()
def account(who: Who = None) -> None:
    """Number, sequence and public key of an account."""
    address = address_argument(who)
    _show(lambda client: queries.account(client, address))


@app.command()
def balance(who: Who = None) -> None:
    """All coins of an account."""
    address = address_argument(who)
    view = BalanceView(address, tuple(_ask(lambda client: queries.balances(client, address))))
    emit(view, "\n".join(map(str, view.coins)) or f"{address} has no coins")


@app.command()
def tx(tx_hash: Annotated[str, typer.Argument(help="64 hex digits.")]) -> None:
    """A transaction that is in a block, also one that failed."""
    wanted = tx_hash_argument(tx_hash)
    _show(lambda client: queries.transaction(client, wanted))


@app.command()
def block(height: Annotated[int | None, typer.Argument(min=1, help="Default: the latest.")] = None) -> None:
    """One block."""
    _show(lambda client: queries.block(client, height))


@app.command()
def params() -> None:
    """The chain's parameters."""
    _show(queries.params)


@app.command()
def node(who: Who = None) -> None:
    """A registered node with its roles and stake."""
    address = address_argument(who)

    async def registered(client: ChainClient) -> NodeRecord:
        found = await queries.node_registration(client, address)
        if found is None:
            raise NotOnChain("node", address)
        return found

    _show(registered)


@app.command()
def gradients(round_id: Annotated[int, typer.Option("--round", min=0, help="Number of the round.")]) -> None:
    """The updates of a round, by ascending id."""
    records = _ask(lambda client: queries.round_updates(client, RoundId(round_id)))
    emit(records, table(records, ("update_id", "miner", "cid", "status", "submitted_height"), "no update"))


@app.command()
def aggregation(aggregation_id: Annotated[int, typer.Argument(min=0, help="The first one is 0.")]) -> None:
    """A revealed aggregate."""
    _show(lambda client: queries.aggregation(client, aggregation_id))


@app.command()
def commitment(
    round_id: RoundNumber,
    proposer: Annotated[str, typer.Argument(help="Address or name of a key.")],
) -> None:
    """The one commitment of a proposer in a round."""
    address = address_argument(proposer)
    found = _ask(lambda client: queries.commitment(client, RoundId(round_id), address))
    if found is None:
        raise NotOnChain("commitment", f"of {address} in round {round_id}")
    emit(found, fields(found))


@app.command("round")
def one_round(round_id: RoundNumber) -> None:
    """One round with its phase."""
    _show(lambda client: queries.round_of(client, RoundId(round_id)))


@app.command()
def rounds(expert: Annotated[str, typer.Option(help="Only of this expert.")] = "") -> None:
    """All rounds, newest first."""
    records = _ask(lambda client: queries.rounds(client, expert))
    columns = ("round_id", "expert", "phase", "start_version", "updates", "opened_height", "challenge_end")
    emit(records, table(records, columns, "no round"))


@app.command("expert")
def one_expert(name: Annotated[str, typer.Argument(help="Name of the expert.")]) -> None:
    """One expert with its current version."""
    _show(lambda client: queries.expert(client, name))


@app.command()
def experts() -> None:
    """All experts."""
    records = _ask(queries.experts)
    emit(records, table(records, ("name", "version", "adapter", "base_model", "open_round"), "no expert"))


@app.command()
def statistics() -> None:
    """Counts of the whole chain."""
    _show(queries.statistics)


@app.command()
def model() -> None:
    """The aggregate that was finalised last."""
    _show(network.model)


@app.command()
def miners() -> None:
    """All miners with what they submitted."""
    records = _ask(network.miners)
    emit(records, table(records, ("address", "status", "submissions", "accepted", "last_submission"), "no miner"))


def _ask(question: Callable[[ChainClient], Awaitable[T]]) -> T:
    async def asked() -> T:
        return await question(open_chain(current().settings, None))

    return run(asked())


def _show(question: Callable[[ChainClient], Awaitable[object]]) -> None:
    record = _ask(question)
    emit(record, fields(record))
