"""`r3mes propose`: a proposer that opens and follows rounds of several experts until it is stopped.

With --json standard output has one JSON document a line for each event; else each is a line of text on standard error.
"""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from r3mes_ray.cli.context import current, emit, plain, progress, run
from r3mes_ray.cli.phase_blocks import with_phase_blocks
from r3mes_ray.cli.proposing import proposer_ports
from r3mes_ray.cli.round_tables import render_report
from r3mes_ray.settings import Settings
from r3mes_ray.training.ports import STEPS
from r3mes_ray.training.proposer.daemon import Proposer
from r3mes_ray.training.proposer.following import ProposerEvent, ProposerPlan, Stop
from r3mes_ray.training.proposer.opening import PhaseBlocks

app = typer.Typer(add_completion=False)


@app.command()
@with_phase_blocks
def propose(
    expert: Annotated[
        list[str] | None, typer.Option("--expert", help="Expert to follow; repeatable; default: all on chain.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Name of the proposer's key.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Rounds that it opens consider only so many updates.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="End after so many rounds of each expert.")] = None,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between the end of a round and the next.")] = 5.0,
    at_once: Annotated[int, typer.Option(min=1, help="Rounds that are aggregated at a time.")] = 1,
    join: Annotated[bool, typer.Option("--join", help="Open no rounds: take part in those that others open.")] = False,
    drain: Annotated[
        bool, typer.Option("--drain", help="On the first signal, finish the rounds under way; on the second, stop.")
    ] = False,
    *,
    blocks: PhaseBlocks,
) -> None:
    """Open and follow rounds of several experts until Ctrl-C or SIGTERM.

    What is under way is journalled: start it again, and it goes on where it was.
    """
    plan = ProposerPlan(tuple(expert or ()), limit, rounds, pause, not join, blocks)
    if not run(_propose(current().settings, key, plan, at_once=at_once, drain=drain)):
        raise typer.Exit(1)


async def _propose(settings: Settings, key: str | None, plan: ProposerPlan, *, at_once: int, drain: bool) -> bool:
    stop = Stop()
    turn = asyncio.Semaphore(at_once)
    _stop_on_signals(stop, drain=drain)
    async with proposer_ports(settings, key, lambda event: None, turn) as ports:
        # Once more after Ray, which sets handlers of its own when it is joined.
        if not stop.now.is_set():
            _stop_on_signals(stop, drain=drain)
        return await Proposer(ports, plan, _tell, stop).run()


def _stop_on_signals(stop: Stop, *, drain: bool) -> None:
    """The first signal stops (with `drain` softly), the next ones at once; after that they are the system's again."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def on_signal() -> None:
        if drain and not stop.soon.is_set():
            stop.soon.set()
            _line("stopping", "", None, "finishing the rounds under way; once more stops at once")
            return
        stop.at_once()
        _line("stopping", "", None, "rounds under way are left in their journals")
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, on_signal)


def _tell(event: ProposerEvent) -> None:
    step = event.step
    if step is None:
        extra = {} if event.report is None else {"report": plain(event.report)}
        _line(event.what, event.expert, event.round_id, event.detail, extra)
        if event.report is not None and not current().json and event.what in ("ended", "given-up"):
            progress.print(render_report(event.report), markup=False, soft_wrap=True)
        return
    text = f"[{STEPS.index(step.step) + 1}/{len(STEPS)}] {step.step} {event.detail}"
    _line("step", event.expert, event.round_id, text, {"step": step.step, "state": step.state})


def _line(what: str, expert: str, round_id: int | None, detail: str, extra: dict[str, Any] | None = None) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if current().json:
        record = {"time": now, "event": what, "expert": expert, "round_id": round_id, "detail": detail, **(extra or {})}
        emit(record, "")
        return
    where = expert if round_id is None else f"{expert} round {round_id}"
    said = detail if what == "step" else f"{what} {detail}".rstrip()
    progress.print(f"{now}  {where:<20}  {said}", markup=False, soft_wrap=True)
