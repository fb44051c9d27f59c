"""`r3mes round verify` and `r3mes round proof`: anyone can check a round."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from r3mes_ray.chain import open_chain
from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.cli.tables import fields
from r3mes_ray.content import open_store
from r3mes_ray.models.base import load_base
from r3mes_ray.training.verification import inclusion_proof, verify_round
from r3mes_ray.types import RoundId, UpdateId

app = typer.Typer()

Number = Annotated[int, typer.Argument(min=0, help="Number of the round.")]


@app.command("verify")
def verify_command(number: Number) -> None:
    """Recompute a round's aggregate from chain and content: EXACT, EQUIVALENT or FRAUD (exit code 1)."""
    settings = current().settings
    client, store = open_chain(settings, None), open_store(settings)
    with tempfile.TemporaryDirectory(prefix="r3mes-verify-") as folder:
        base = partial(load_base, settings.model.path, threads=settings.model.threads)
        found = run(verify_round(settings, client, store, base, RoundId(number), Path(folder)))
    emit(found, fields(found))
    if found.verdict == "FRAUD":
        raise typer.Exit(1)


@app.command("proof")
def proof_command(
    number: Number, gradient: Annotated[int, typer.Option(min=0, help="Id of the update on chain.")]
) -> None:
    """Print a proof that an update was accepted; `r3mes verify proof FILE` checks it offline."""
    settings = current().settings
    client = open_chain(settings, None)
    found = run(inclusion_proof(client, RoundId(number), UpdateId(gradient), settings.chain.bech32_prefix)).model_dump()
    emit(found, json.dumps(found, indent=2))
