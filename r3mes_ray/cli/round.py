"""`r3mes round`: open, run, resume and inspect training rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.chain.records import RoundRecord
from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.cli.passphrases import open_key
from r3mes_ray.cli.phase_blocks import with_phase_blocks
from r3mes_ray.cli.round_tables import render_report, render_round
from r3mes_ray.cli.round_verify import app as verifying
from r3mes_ray.cli.tables import fields, table
from r3mes_ray.errors import ConfigError
from r3mes_ray.training.geometry import read_geometry
from r3mes_ray.training.journal import journalled_rounds, read_journal
from r3mes_ray.training.pictures import RoundPicture, draw_round
from r3mes_ray.training.proposer.opening import PhaseBlocks, open_round, parameters_of
from r3mes_ray.training.proposer.report import RoundReport, report_of
from r3mes_ray.types import RoundId

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Open, run, resume and inspect training rounds.")
app.registered_commands += verifying.registered_commands

Expert = Annotated[str, typer.Option(help="Name of the expert.")]
Key = Annotated[str | None, typer.Option(help="Name of the proposer's key.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help="A round that is opened considers only so many updates, the first on chain.")
]
Number = Annotated[int | None, typer.Option("--round", min=0, help="Number of the round; default: the latest here.")]

LIST_COLUMNS = ("round_id", "expert", "start_version", "phase", "updates", "submit_end", "challenge_end", "opened_by")


@app.command("open")
@with_phase_blocks
def open_command(expert: Expert, key: Key = None, limit: Limit = None, *, blocks: PhaseBlocks) -> None:
    """Open a round that starts from the expert's current version."""
    settings = current().settings
    client = open_chain(settings, open_key(key))
    opened = run(open_round(client, expert, parameters_of(settings.training, limit), blocks, settings.training.rule))
    emit(opened, fields(opened))


@app.command("run")
def run_command(expert: Expert, key: Key = None, limit: Limit = None) -> None:
    """Run the expert's open round to its end: nine steps on Ray; opens a round where there is none."""
    from r3mes_ray.cli.proposing import propose

    _finish(run(propose(current().settings, key, expert=expert, limit=limit)))


@app.command("resume")
def resume_command(number: Number = None, key: Key = None) -> None:
    """Go on with a round that was interrupted, from its journal and the chain."""
    from r3mes_ray.cli.proposing import resume

    _finish(run(resume(current().settings, key, _latest(number))))


@app.command("status")
def status_command(number: Number = None) -> None:
    """Say how far this node is in a round."""
    report = _report(_latest(number))
    emit(report, render_report(report))


@app.command("list")
def list_command(expert: Annotated[str, typer.Option(help="Only rounds of this expert.")] = "") -> None:
    """List the rounds on chain, newest first."""
    rounds = run(queries.rounds(open_chain(current().settings, None), expert))
    emit(rounds, table(rounds, LIST_COLUMNS, "no rounds yet"))


@app.command("show")
def show_command(
    number: Annotated[int, typer.Argument(min=0, help="Number of the round.")],
    pictures: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for PNGs of a round that this node aggregated.")
    ] = None,
) -> None:
    """Show a round with its updates, and what this node made of it."""
    client, round_id = open_chain(current().settings, None), RoundId(number)
    record = run(queries.round_of(client, round_id))
    updates = run(queries.round_updates(client, round_id))
    report = _report(round_id) if round_id in _known() else None
    drawn = () if pictures is None else _draw(record, report, pictures)
    shown = {"round": record, "updates": updates, "report": report, "pictures": drawn}
    emit(shown, "\n".join([render_round(record, updates, report), *map(str, drawn)]))


def _draw(record: RoundRecord, report: RoundReport | None, folder: Path) -> tuple[Path, ...]:
    settings = current().settings
    geometry = read_geometry(settings.home, settings.chain.chain_id, record.round_id)
    if geometry is None or report is None:
        hint = f"`r3mes round verify {record.round_id} --pictures DIR` draws it from chain and content"
        raise ConfigError("--pictures", f"this home has not aggregated round {record.round_id}; {hint}")
    picture = RoundPicture(record.round_id, record.expert, record.rule, geometry, report.accepted, report.excluded)
    return draw_round(picture, folder)


def _finish(report: RoundReport) -> None:
    emit(report, render_report(report))
    if report.outcome in ("forfeited", "failed"):
        raise typer.Exit(1)


def _known() -> tuple[RoundId, ...]:
    settings = current().settings
    return journalled_rounds(settings.home, settings.chain.chain_id)


def _latest(number: int | None) -> RoundId:
    """The round that was asked for, else the newest that is not over, else the newest."""
    if number is not None:
        return RoundId(number)
    settings, known = current().settings, _known()
    if not known:
        raise ConfigError("--round", f"this home has worked on no round of {settings.chain.chain_id} yet")
    going = [number for number in known if _report(number).outcome is None]
    return (going or list(known))[-1]


def _report(round_id: RoundId) -> RoundReport:
    settings = current().settings
    progress = read_journal(settings.home, settings.chain.chain_id, round_id)
    if progress is None:
        raise ConfigError("--round", f"this home has no journal of round {round_id}")
    return report_of(round_id, progress.began.expert if progress.began else "", progress)
