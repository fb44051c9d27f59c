"""`r3mes demo`: the whole loop, with a table at the end."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.cli.node import say
from r3mes_ray.node.demo import QUESTION, DemoResult, run_demo

app = typer.Typer()

WIDTH = 132
"""Room for a CID or a transaction's hash in one line."""


@app.command()
def demo() -> None:
    """Start a network of its own, train with three miners, aggregate, answer, and check that it helped."""
    result = run(run_demo(current().settings, say))
    emit(result, render(result))


def render(result: DemoResult) -> str:
    """The summary: losses, transactions, seconds, and the answer with its record."""
    console = Console(width=WIDTH, highlight=False)
    with console.capture() as captured:
        for table in (_losses(result), _transactions(result), _seconds(result)):
            console.print(table)
    answer = result.answer
    lines = (
        f"Merkle root  {result.merkle_root}",
        f"aggregate    {result.cid}",
        f"question     {QUESTION}",
        f"answered by  {answer.version}, adapter {answer.cid}",
        f"route        {answer.how}",
        f"passages     {', '.join(answer.passages) or 'none'}",
        f"answer       {answer.text.strip()}",
    )
    return captured.get() + "\n".join(lines)


def _losses(result: DemoResult) -> Table:
    table = Table(title=f"Held-out loss of expert {result.expert}, nats per token", title_justify="left")
    for heading in ("version", "loss", "difference to base", "95 % interval", "fetched by CID"):
        table.add_column(heading, justify="left" if heading in ("version", "fetched by CID") else "right")
    for score in result.scores:
        interval = f"[{score.low:+.3f}, {score.high:+.3f}]" if score.cid else ""
        difference = f"{score.difference:+.3f}" if score.cid else ""
        table.add_row(score.who, f"{score.loss:.3f}", difference, interval, score.cid)
    return table


def _transactions(result: DemoResult) -> Table:
    table = Table(title=f"Transactions of round {result.round_id}, all with code 0", title_justify="left")
    table.add_column("what")
    table.add_column("hash")
    for what, tx_hash in result.transactions:
        table.add_row(what, tx_hash)
    return table


def _seconds(result: DemoResult) -> Table:
    table = Table(title="Seconds", title_justify="left")
    table.add_column("stage")
    table.add_column("s", justify="right")
    for stage, seconds in result.stages.items():
        table.add_row(stage, f"{seconds:.1f}")
    return table
