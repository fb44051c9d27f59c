"""What a benchmark says: rows with a peer's figure of the same run, and the machine they were measured on."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        name: what was measured.
        value: median of our runs, in `unit`; the best one where the peer is a limit.
        peer: what it is compared with, or None.
        peer_value: median of the peer's runs, interleaved with ours, or the best as above.
        ratio: how many times better we are than the peer (above 1 is better), or None.
        lower_is_better: whether a smaller `value` is better.
        spread: half the distance between the quartiles of our runs, as a share of the median; 0 for a single run.
        interval: 95 % interval of the ratio, where it was measured in pairs.
    """

    name: str
    value: float
    unit: str
    peer: str | None
    peer_value: float | None
    ratio: float | None
    lower_is_better: bool
    spread: float
    interval: tuple[float, float] | None = None

    def beside(self, peer: str) -> Row:
        """The same figures beside a peer of that description, without a ratio."""
        return replace(self, peer=peer, ratio=None)


@dataclass(frozen=True, slots=True)
class Report:
    """All rows of one benchmark."""

    machine: str
    rows: tuple[Row, ...]


def machine() -> str:
    """The machine in words: processor, cores, accelerator."""
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {gpu}"


def row(
    name: str,
    samples: Sequence[float],
    unit: str,
    *,
    lower_is_better: bool = True,
    peer: str | None = None,
    peer_samples: Sequence[float] = (),
) -> Row:
    """Summarise samples of one run: medians, spread, and the ratio to the peer where there is one."""
    value = statistics.median(samples)
    peer_value = statistics.median(peer_samples) if peer_samples else None
    ratio = None
    if peer_value is not None and value > 0 and peer_value > 0:
        ratio = peer_value / value if lower_is_better else value / peer_value
    return Row(name, value, unit, peer, peer_value, ratio, lower_is_better, _spread(samples, value))


def best(name: str, samples: Sequence[float], unit: str, *, peer: str, peer_samples: Sequence[float]) -> Row:
    """Best times beside the best of a limit: what disturbs a run makes it slower, and never faster."""
    plain = row(name, samples, unit, peer=peer, peer_samples=peer_samples)
    ours, limit = min(samples), min(peer_samples)
    return replace(plain, value=ours, peer_value=limit, ratio=limit / ours)


def paired(name: str, samples: Sequence[float], unit: str, *, peer: str, peer_samples: Sequence[float]) -> Row:
    """Times in pairs, one after the other: the ratio is the geometric mean of peer ÷ ours, with Student's interval."""
    logs = [math.log(theirs / ours) for ours, theirs in zip(samples, peer_samples, strict=True)]
    middle = statistics.fmean(logs)
    # Student's t at 97.5 % is within 2 % of this for 5 pairs and more (Abramowitz and Stegun 26.7.5).
    freedom, normal = len(logs) - 1, 1.959964
    t = (
        normal
        + (normal**3 + normal) / (4 * freedom)
        + (5 * normal**5 + 16 * normal**3 + 3 * normal) / (96 * freedom**2)
    )
    half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    plain = row(name, samples, unit, peer=peer, peer_samples=peer_samples)
    return replace(plain, ratio=math.exp(middle), interval=(math.exp(middle - half), math.exp(middle + half)))


def _spread(samples: Sequence[float], median: float) -> float:
    if len(samples) < 2 or median == 0:
        return 0.0
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return (high - low) / 2 / abs(median)


def table(report: Report) -> str:
    """The report as a Markdown table."""
    lines = [f"Machine: {report.machine}", "", "| name | value | unit | peer | peer's value | ratio | spread |"]
    lines.append("|---|---:|---|---|---:|---:|---:|")
    for item in report.rows:
        peer_value = "" if item.peer_value is None else f"{item.peer_value:.3g}"
        ratio = "" if item.ratio is None else f"{item.ratio:.2f}" if item.ratio >= 0.1 else f"{item.ratio:.2g}"
        ratio += "" if item.interval is None else f" [{item.interval[0]:.2f}, {item.interval[1]:.2f}]"
        cells = (item.name, f"{item.value:.3g}", item.unit, item.peer or "", peer_value, ratio, f"{item.spread:.0%}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
