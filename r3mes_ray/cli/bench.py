"""`r3mes bench NAME`: the one place where speed is claimed."""

from __future__ import annotations

import importlib

import typer

from r3mes_ray.bench import BENCHMARKS
from r3mes_ray.cli.context import current, emit, progress
from r3mes_ray.errors import InvalidInput

app = typer.Typer()


@app.command()
def bench(
    name: str = typer.Argument("", help="Which benchmark; without it the names are listed."),
) -> None:
    """Measure, beside peers and in one run; every ratio above 1 is in our favour."""
    if not name:
        emit(BENCHMARKS, "\n".join(f"{key:12}{text}" for key, (_, text) in BENCHMARKS.items()))
        return
    if name not in BENCHMARKS:
        raise InvalidInput(f"benchmark {name!r}", f"there are {', '.join(BENCHMARKS)}")
    from r3mes_ray.bench.report import table

    module = importlib.import_module(f"r3mes_ray.bench.{BENCHMARKS[name][0]}")
    report = module.measure(current().settings, lambda text: progress.print(text, markup=False, soft_wrap=True))
    emit(report, table(report))
