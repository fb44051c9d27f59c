"""The evaluation gate: an update that predicts held-out text worse than the start version does not enter.

A loss depends on the machine in its last digits, so it is a recorded input: the manifest names both losses and the
text's hash, and whoever recomputes the round takes the verdict from there, if the round declares that text on chain.
"""

from __future__ import annotations

import asyncio
import functools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.content import open_store
from r3mes_ray.content.base import Limits
from r3mes_ray.errors import ContentError, InvalidInput, WorkLost
from r3mes_ray.models.adapters import AdapterPackage, read_package
from r3mes_ray.models.base import BaseModel, load_base
from r3mes_ray.models.evaluate import window_losses
from r3mes_ray.settings import Settings
from r3mes_ray.training.gate.held_out import HeldOut, refusal
from r3mes_ray.training.gate.update import MISSING
from r3mes_ray.training.ports import ParallelMap, serial_map
from r3mes_ray.training.records import Excluded
from r3mes_ray.types import Cid, UpdateId


@dataclass(frozen=True, slots=True)
class Scored:
    """A package that is to be scored: in content, and perhaps on the disk of one machine; at most so many bytes."""

    folder: Path | None
    cid: Cid
    max_bytes: int


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """Score one package, or with None the base, on a text's windows of so many tokens."""

    settings: Settings
    package: Scored | None
    text: str
    window_tokens: int


def evaluate(job: EvaluationJob) -> float | None:
    """Mean next-token loss in nats; None where the package is not to be had on this machine.

    Raises:
        InvalidInput: the text is shorter than one window.
    """
    base = _base(job.settings.model.path, job.settings.model.threads)
    try:
        package = None if job.package is None else _read(job.settings, job.package)
    except (ContentError, InvalidInput, OSError):
        return None
    return float(window_losses(base, package, job.text, job.window_tokens).mean())


def worse_than_start(
    settings: Settings,
    gate: HeldOut,
    start: Scored | None,
    updates: Sequence[tuple[UpdateId, Scored]],
    parallel: ParallelMap,
) -> tuple[Excluded, ...]:
    """Score the start version and the updates, anywhere in the cluster; what no worker could score is scored here.

    An update that could not be scored here either is not to be had any more, which says nothing about its loss.

    Raises:
        WorkLost: the start version could not be scored, so nothing can be compared with it.
    """
    packages = (start, *(scored for _, scored in updates))
    jobs = [EvaluationJob(settings, package, gate.text, gate.window_tokens) for package in packages]
    losses: dict[int, float] = {}
    for mapped in (parallel, serial_map):
        open_jobs = [index for index in range(len(jobs)) if index not in losses]
        for place, loss in mapped(evaluate, [jobs[index] for index in open_jobs], _label):
            if isinstance(loss, float):
                losses[open_jobs[place]] = loss
    if 0 not in losses:
        raise WorkLost(_label(jobs[0]), "the start version is not to be had, or no worker could score it")
    verdicts = (
        _verdict(gate, losses[0], losses.get(index), update_id, scored)
        for index, (update_id, scored) in enumerate(updates, start=1)
    )
    return tuple(verdict for verdict in verdicts if verdict is not None)


def _verdict(gate: HeldOut, start: float, loss: float | None, update_id: UpdateId, scored: Scored) -> Excluded | None:
    if loss is None:
        return Excluded(update_id, MISSING, f"{scored.cid} is not to be had any more: it could not be scored")
    # A loss that is not a number is above every limit.
    if loss <= start + gate.margin_nats:
        return None
    return refusal(update_id, gate.sha256, loss, start)


def _label(job: EvaluationJob) -> str:
    return "evaluate the base" if job.package is None else f"evaluate {job.package.cid}"


@functools.lru_cache(maxsize=1)
def _base(path: str, threads: int) -> BaseModel:
    return load_base(path, threads=threads)


def _read(settings: Settings, scored: Scored) -> AdapterPackage:
    limit = scored.max_bytes
    if scored.folder is not None and scored.folder.is_dir():
        return read_package(scored.folder, max_bytes=limit)
    with tempfile.TemporaryDirectory(prefix="r3mes-evaluate-") as scratch:
        folder = Path(scratch) / "package"
        asyncio.run(open_store(settings).get(scored.cid, folder, Limits(max_bytes=limit)))
        return read_package(folder, max_bytes=limit)
