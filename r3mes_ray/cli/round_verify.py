"""`r3mes round verify` and `r3mes round proof`: anyone can check a round."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from r3mes_ray.chain import open_chain
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.cli.context import current, emit, plain, progress, run
from r3mes_ray.cli.passphrases import open_key
from r3mes_ray.cli.tables import fields
from r3mes_ray.content import open_store
from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.base import load_base
from r3mes_ray.node.content_peers import peers_from_chain
from r3mes_ray.settings import Settings
from r3mes_ray.training.checking.challenge import Challenge, challenge_round
from r3mes_ray.training.checking.verification import Checked, check_round, inclusion_proof
from r3mes_ray.training.pictures import RoundPicture, draw_round
from r3mes_ray.types import RoundId, UpdateId

app = typer.Typer()

Number = Annotated[int, typer.Argument(min=0, help="Number of the round.")]


@app.command("verify")
def verify_command(
    number: Number,
    challenge: Annotated[bool, typer.Option("--challenge", help="Challenge FRAUD on chain; costs a bond.")] = False,
    key: Annotated[str | None, typer.Option(help="Name of the key that challenges.")] = None,
    pictures: Annotated[Path | None, typer.Option(file_okay=False, help="Folder for PNGs of the round.")] = None,
) -> None:
    """Recompute a round's aggregate from chain and content: EXACT, EQUIVALENT or FRAUD (exit code 1).

    With --challenge, FRAUD is disputed on chain with the recomputed package as evidence, and the exit code is 0 when
    the challenge is in a block; an honest aggregate is not challenged.
    """
    settings, round_id = current().settings, RoundId(number)
    private = open_key(key) if challenge else None
    with tempfile.TemporaryDirectory(prefix="r3mes-verify-") as scratch:
        checked, landed = run(_check(settings, round_id, private, Path(scratch)))
    if pictures is not None:
        _draw(checked, pictures)
    _emit(checked, landed)
    if landed is None and checked.verification.verdict == "FRAUD":
        raise typer.Exit(1)


async def _check(
    settings: Settings, round_id: RoundId, challenger: PrivateKey | None, folder: Path
) -> tuple[Checked, Challenge | None]:
    """Check a round, and with a challenger's key dispute it."""
    client, store = open_chain(settings, challenger), open_store(settings)
    base = partial(load_base, settings.model.path, threads=settings.model.threads)
    async with peers_from_chain(settings, client, _say):
        checked = await check_round(settings, client, store, base, round_id, folder)
    if challenger is None:
        return checked, None
    return checked, await challenge_round(client, store, round_id, checked, folder)


def _say(text: str) -> None:
    progress.print(text, markup=False, soft_wrap=True)


def _draw(checked: Checked, folder: Path) -> None:
    found, own = checked.round, checked.own
    if own is None:
        raise InvalidInput("--pictures", "the published package cannot be read, so nothing was recomputed")
    admitted = own.admission
    picture = RoundPicture(found.round_id, found.expert, found.rule, own.geometry, admitted.accepted, admitted.excluded)
    for path in draw_round(picture, folder):
        _say(str(path))


def _emit(checked: Checked, landed: Challenge | None) -> None:
    found = checked.verification
    if landed is None:
        emit(found, fields(found))
    else:
        emit(plain(found) | {"challenge": plain(landed)}, f"{fields(found)}\n\n{fields(landed)}")


@app.command("proof")
def proof_command(
    number: Number, gradient: Annotated[int, typer.Option(min=0, help="Id of the update on chain.")]
) -> None:
    """Print a proof that an update was accepted; `r3mes verify proof FILE` checks it offline."""
    settings = current().settings
    client = open_chain(settings, None)
    found = run(inclusion_proof(client, RoundId(number), UpdateId(gradient), settings.chain.bech32_prefix)).model_dump()
    emit(found, json.dumps(found, indent=2))
