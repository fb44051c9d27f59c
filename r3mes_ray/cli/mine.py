"""`r3mes mine`: train an update of an expert on local text and submit it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from r3mes_ray.cli.context import current, emit, progress, run
from r3mes_ray.cli.passphrases import open_key
from r3mes_ray.cli.tables import fields
from r3mes_ray.settings import Settings

app = typer.Typer(add_completion=False)

_SAY_EVERY_S = 5.0


class Method(StrEnum):
    """What kind of adapter is trained."""

    DORA = "dora"
    LORA = "lora"


@app.command()
def mine(
    expert: Annotated[str, typer.Option(help="Expert on chain that the update is for.")],
    data: Annotated[Path, typer.Option(help="UTF-8 text to train on; it stays on this machine.")],
    method: Annotated[Method, typer.Option(help="Kind of adapter.")] = Method.DORA,
    key: Annotated[str | None, typer.Option(help="Name of the key that signs.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps; default from the settings.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of initial values and of the order of the text.")] = 0,
    wait: Annotated[float | None, typer.Option(min=1, help="Longest wait for a round, in seconds.")] = None,
) -> None:
    """Train an update, wait for a round that takes it, submit it, and let others fetch it."""
    from r3mes_ray.chain import open_chain
    from r3mes_ray.content import open_store
    from r3mes_ray.models.base import load_base
    from r3mes_ray.models.finetune import StepReport
    from r3mes_ray.node.content_peers import peers_from_chain
    from r3mes_ray.training.mining.miner import MinedUpdate, MinerPorts
    from r3mes_ray.training.mining.miner import mine as mine_update

    settings = _settings(steps, wait)
    private = open_key(key)
    said = [0.0]

    def on_step(report: StepReport) -> None:
        if report.seconds - said[0] >= _SAY_EVERY_S or report.step == report.steps:
            said[0] = report.seconds
            rate = report.tokens / report.seconds
            _say(f"step {report.step}/{report.steps}  loss {report.loss:.3f}  {rate:.0f} tokens/s")

    ports = MinerPorts(
        settings=settings,
        client=open_chain(settings, private),
        key=private,
        store=open_store(settings),
        base=lambda: load_base(settings.model.path, threads=settings.model.threads),
        tell=_say,
        on_step=on_step,
    )

    async def mining() -> MinedUpdate:
        async with peers_from_chain(settings, ports.client, _say):
            return await mine_update(ports, expert, data, method.value, seed)

    mined = run(mining())
    emit(mined, fields(mined))


def _settings(steps: int | None, wait: float | None) -> Settings:
    settings = current().settings
    changes: dict[str, float] = {}
    if steps is not None:
        changes["steps"] = steps
    if wait is not None:
        changes["wait_for_round_s"] = wait
    mining = settings.training.mining.model_copy(update=changes)
    return settings.model_copy(update={"training": settings.training.model_copy(update={"mining": mining})})


def _say(text: str) -> None:
    progress.print(text, markup=False, soft_wrap=True)
