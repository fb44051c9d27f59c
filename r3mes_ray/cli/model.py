"""`r3mes model`: the base model."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer

from r3mes_ray.cli.context import current, emit, progress, run
from r3mes_ray.content import Limits, open_store
from r3mes_ray.errors import DeadlineExceeded
from r3mes_ray.models.adapters import AdapterPackage, read_package
from r3mes_ray.models.base import BaseModel, load_base, shipped_path
from r3mes_ray.models.corpus import read_text
from r3mes_ray.models.evaluate import bootstrap_interval, window_losses
from r3mes_ray.models.pretrain import PretrainReport, PretrainSettings
from r3mes_ray.models.release import train_base
from r3mes_ray.protocol.cid import parse_cid
from r3mes_ray.settings import Settings
from r3mes_ray.types import Cid

app = typer.Typer(no_args_is_help=True, help="Train, inspect and evaluate the base model.")

DataOption = Annotated[
    list[Path] | None, typer.Option("--data", exists=True, dir_okay=False, help="Text or .xz of text; may be repeated.")
]
ThreadsOption = Annotated[int, typer.Option(min=0, help="CPU threads; 0 leaves it to torch.")]
DEFAULTS = PretrainSettings()


@dataclass(frozen=True, slots=True)
class Info:
    """What a base is."""

    base_id: str
    base_hash: str
    parameters: int
    layers: int
    hidden: int
    vocabulary: int
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Row:
    """Losses of the base (`adapter` none) or of an adapter: nats per token; the interval is of the difference."""

    adapter: str | None
    cid: str | None
    loss: float
    difference: float
    low: float
    high: float
    windows: int


@app.command("train-base")
def train_base_command(
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the model; a checkpoint in it is continued.")],
    data: DataOption = None,
    seconds: Annotated[float, typer.Option(min=1, help="Ends here, counted over all continuations.")] = 300.0,
    steps: Annotated[int, typer.Option(min=1, help="Ends here, when that is sooner.")] = DEFAULTS.steps,
    seed: Annotated[int, typer.Option(min=0, help="Of initial weights and order of the text.")] = 0,
    threads: ThreadsOption = 0,
) -> None:
    """Train a BitNet of 4 M parameters and its tokenizer, and pack it with two bits a weight."""
    _set_threads(threads)
    texts = tuple(data) if data else (shipped_path("base.txt.xz"),)
    experts = () if data else tuple(sorted(shipped_path("experts").glob("*/train.txt")))
    settings = PretrainSettings(steps=steps, seconds=seconds, seed=seed)
    own_text = "".join(f" --data {path.name}" for path in data or ())
    limits = f"--seconds {seconds:g} --steps {steps} --seed {seed} --threads {threads}"
    command = f"r3mes model train-base --out {out.name}{own_text} {limits}"
    result = train_base(texts, experts, out, settings, _show, command)
    losses = f"loss {result.loss_before:.3f} -> {result.loss_after:.3f} nats per token on held-out text"
    emit(result, f"{out}: {result.parameters / 1e6:.1f} M parameters, {result.steps} steps, {losses}")


@app.command()
def info(
    path: Annotated[str | None, typer.Argument(help="Model folder, or `tiny`; default: the setting.")] = None,
) -> None:
    """Show what a base is, with the hash that chain and adapters know it by."""
    base = load_base(path or current().settings.model.path)
    config = base.model.config
    size = sum(parameter.numel() for parameter in base.model.parameters())
    found = Info(
        base.base_id,
        base.base_hash,
        size,
        config.num_hidden_layers,
        config.hidden_size,
        config.vocab_size,
        base.context_tokens,
    )
    emit(
        found, f"{found.base_id}  {size / 1e6:.1f} M parameters, context {found.context_tokens}\nhash {found.base_hash}"
    )


@app.command()
def evaluate(
    data: Annotated[list[Path], typer.Option("--data", exists=True, dir_okay=False, help="Held-out text.")],
    adapter: Annotated[
        list[str] | None, typer.Option("--adapter", help="Folder or CID of a package; repeatable.")
    ] = None,
    window_tokens: Annotated[int, typer.Option(min=8, help="Tokens in one window.")] = 128,
    threads: ThreadsOption = 0,
) -> None:
    """Compare the base and adapters on a text: loss, and difference to the base with its bootstrap 95 % interval."""
    settings = current().settings
    _set_threads(threads or settings.model.threads)
    base = load_base(settings.model.path)
    text = "\n\n".join(read_text(path) for path in data)
    own = window_losses(base, None, text, window_tokens)
    low, high = bootstrap_interval(own)
    rows = [Row(None, None, float(own.mean()), 0.0, 0.0, 0.0, len(own))]
    lines = [f"base  {own.mean():.4f}  [{low:.4f}, {high:.4f}]  {len(own)} windows of {window_tokens} tokens"]
    for name in adapter or ():
        losses = window_losses(base, _package(settings, base, name), text, window_tokens)
        low, high = bootstrap_interval(losses - own)
        change = float((losses - own).mean())
        cid = None if Path(name).is_dir() else name
        rows.append(Row(name, cid, float(losses.mean()), change, low, high, len(own)))
        lines.append(f"{name}  {losses.mean():.4f}  difference {change:+.4f}  [{low:+.4f}, {high:+.4f}]")
    emit({"base_id": base.base_id, "rows": rows}, "\n".join(lines))


def _package(settings: Settings, base: BaseModel, name: str) -> AdapterPackage:
    """Read a package from its folder, or fetch it by its CID."""
    limit = settings.training.max_update_bytes
    if Path(name).is_dir():
        return read_package(Path(name), max_bytes=limit)
    parse_cid(name)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "package"
        run(_fetch(settings, Cid(name), target, limit))
        return read_package(target, max_bytes=limit)


async def _fetch(settings: Settings, cid: Cid, target: Path, limit: int) -> None:
    timeout_s = settings.training.fetch_timeout_s
    try:
        await asyncio.wait_for(open_store(settings).get(cid, target, Limits(max_bytes=limit)), timeout_s)
    except TimeoutError as error:
        raise DeadlineExceeded(f"fetching {cid}", timeout_s) from error


def _set_threads(threads: int) -> None:
    if threads > 0:
        torch.set_num_threads(threads)


def _show(report: PretrainReport) -> None:
    progress.print(
        f"step {report.step}  {report.seconds:.0f} s  {report.tokens:,} tokens  "
        f"loss {report.loss:.3f}  {report.tokens_per_second:.0f} tokens/s"
    )
