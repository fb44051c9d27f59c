"""`r3mes gov`: propose, deposit, vote, and read proposals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from r3mes_ray.chain import governance, open_chain
from r3mes_ray.chain.document import MAX_CHARS
from r3mes_ray.chain.gas import parse_coins
from r3mes_ray.chain.registry import classes
from r3mes_ray.chain.tx import coin_messages
from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.cli.passphrases import read_text
from r3mes_ray.cli.signing import Signing, conclude, signing
from r3mes_ray.cli.tables import fields, table
from r3mes_ray.errors import InvalidInput
from r3mes_ray.wire.cosmos.gov.v1.tx_pb2 import MsgDeposit, MsgSubmitProposal, MsgVote

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Propose, deposit, vote, and read proposals.")

Number = Annotated[int, typer.Argument(min=0, help="Number of the proposal.")]


class ProposalFile(BaseModel):
    """What `submit` reads: messages in the SDK's JSON with `@type`, and coins as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[dict[str, object], ...] = Field(max_length=16)
    title: str = Field(min_length=1, max_length=255)
    summary: str = Field(min_length=1, max_length=10_000)
    metadata: str = Field("", max_length=255)
    deposit: str = ""


@app.command()
@signing
def vote(
    proposal_id: Number,
    option: Annotated[str, typer.Argument(help="yes, no, abstain or no_with_veto.")],
    signing: Signing,
) -> None:
    """Vote on a proposal; a later vote replaces an earlier one."""
    message = MsgVote(proposal_id=proposal_id, voter=signing.sender, option=governance.vote_option(option))
    conclude([message], signing, f"voted {option} on proposal {proposal_id}")


@app.command()
@signing
def deposit(
    proposal_id: Number,
    amount: Annotated[str, typer.Argument(help="Coins, like 1000000uremes.")],
    signing: Signing,
) -> None:
    """Add to the deposit of a proposal."""
    coins = parse_coins(amount)
    message = MsgDeposit(proposal_id=proposal_id, depositor=signing.sender, amount=coin_messages(coins))
    conclude([message], signing, f"deposited {', '.join(map(str, coins))} on proposal {proposal_id}")


@app.command()
@signing
def submit(
    document: Annotated[Path, typer.Argument(help="JSON with messages, title, summary and deposit; - is stdin.")],
    signing: Signing,
) -> None:
    """Propose that the chain executes messages."""
    proposed = _read(read_text(document, MAX_CHARS))
    message = MsgSubmitProposal(
        messages=[_packed(entry) for entry in proposed.messages],
        initial_deposit=coin_messages(parse_coins(proposed.deposit)) if proposed.deposit else [],
        proposer=signing.sender,
        title=proposed.title,
        summary=proposed.summary,
        metadata=proposed.metadata,
    )
    conclude([message], signing, f"proposed {proposed.title!r}; `r3mes gov proposals` lists its number")


@app.command()
def proposals(
    status: Annotated[str, typer.Option(help="deposit_period, voting_period, passed, rejected or failed.")] = "",
) -> None:
    """All proposals."""
    wanted = governance.proposal_status(status)

    async def asked() -> list[governance.ProposalRecord]:
        return await governance.proposals(open_chain(current().settings, None), wanted)

    records = run(asked())
    emit(records, table(records, ("proposal_id", "status", "title", "voting_end"), "no proposal"))


@app.command()
def proposal(proposal_id: Number) -> None:
    """One proposal with its votes."""

    async def asked() -> governance.ProposalRecord:
        return await governance.proposal(open_chain(current().settings, None), proposal_id)

    record = run(asked())
    emit(record, fields(record))


def _read(text: str) -> ProposalFile:
    try:
        return ProposalFile.model_validate(json.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput("proposal", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput("proposal", "the file is not JSON") from error


def _packed(entry: dict[str, object]) -> AnyMessage:
    classes()
    try:
        return json_format.ParseDict(entry, AnyMessage(), max_recursion_depth=40)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput("proposal", f"a message cannot be read: {str(error)[:200]}") from error
