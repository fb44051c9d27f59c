"""Rules beside Flower and byzfl on the same arrays in one run, the published path beside LAPACK, memory, a round."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from r3mes_ray.bench.peak_memory import measure_memory
from r3mes_ray.bench.peers import FAULTS, Peers
from r3mes_ray.bench.report import Report, Row, machine, row
from r3mes_ray.bench.round_limit import measure_round
from r3mes_ray.settings import Settings
from r3mes_ray.training.algebra import LAPACK
from r3mes_ray.training.reproducible import truncate_reproducibly
from r3mes_ray.training.rules import RuleParameters
from r3mes_ray.training.rules.dense import aggregate_rows

UPDATES, COLUMNS = 32, 2_000_000
RUNS = 5
CACHE = Path(".cache")
RULES = {
    "median": ("median", ("flower", "byzfl")),
    "trimmed": ("trimmed-mean", ("flower", "byzfl")),
    "krum": ("krum", ("flower", "byzfl")),
    "geometric": ("geometric-median", ("byzfl",)),
}
LAYER, RANK = 4096, 16


def measure(settings: Settings, say: Callable[[str], None]) -> Report:
    """Interleave ours and the peers', rule by rule; the peers' environment is made in `.cache` on first use."""
    rows = np.random.default_rng(0).standard_normal((UPDATES, COLUMNS)).astype(np.float32)
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npy"
        np.save(file, rows)
        CACHE.mkdir(exist_ok=True)
        with Peers(CACHE, file) as peers:
            found += _mean(torch.from_numpy(rows), peers, say)
            for name, (rule, names) in RULES.items():
                found.append(_rule(name, rule, names, torch.from_numpy(rows), peers, say))
    del rows
    gc.collect()
    say("reproducible: 32 updates of rank 16 and 4096 x 4096, beside LAPACK")
    found.append(_reproducible())
    found += measure_memory(say)
    found.append(measure_round(settings, say))
    return Report(machine(), tuple(found))


def _mean(rows: Tensor, peers: Peers, say: Callable[[str], None]) -> list[Row]:
    say("mean: beside one read of the input, Flower and byzfl")
    ours: list[float] = []
    read: list[float] = []
    theirs: dict[str, list[float]] = {"flower": [], "byzfl": []}
    _seconds(lambda: aggregate_rows(rows, "mean", RuleParameters()))
    for _ in range(2 * RUNS):
        read.append(_seconds(lambda: rows.sum()))
        ours.append(_seconds(lambda: aggregate_rows(rows, "mean", RuleParameters())))
        for peer, samples in theirs.items():
            samples.append(peers.seconds(peer, "mean"))
    best = min(theirs, key=lambda peer: float(np.median(theirs[peer])))
    return [
        row("mean", ours, "s", peer="one read of the input", peer_samples=read),
        row("mean, beside the best peer", ours, "s", peer=best, peer_samples=theirs[best]),
    ]


def _rule(name: str, rule: str, names: tuple[str, ...], rows: Tensor, peers: Peers, say: Callable[[str], None]) -> Row:
    say(f"{name}: beside {' and '.join(names)}")
    # byzfl's default of three Weiszfeld steps, for both.
    steps = 3 if rule == "geometric-median" else None
    parameters = RuleParameters(faults=FAULTS, iterations=steps)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {peer: [] for peer in names}
    for _ in range(RUNS):
        ours.append(_seconds(lambda: aggregate_rows(rows, rule, parameters)))
        for peer, samples in theirs.items():
            samples.append(peers.seconds(peer, rule))
    best = min(theirs, key=lambda peer: float(np.median(theirs[peer])))
    return row(name, ours, "s", peer=best, peer_samples=theirs[best])


def _reproducible() -> Row:
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).double()

    shared = normal(RANK, LAYER) * 0.02
    decay = 2.0 ** -(torch.arange(RANK) / 3).double()
    b = torch.cat([normal(LAYER, RANK) * 0.01 * decay for _ in range(UPDATES)], dim=1) / UPDATES
    a = torch.cat([shared + 0.006 * normal(RANK, LAYER) for _ in range(UPDATES)])
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(RUNS + 1):
        ours.append(_seconds(lambda: truncate_reproducibly(b, a, RANK)))
        theirs.append(_seconds(lambda: LAPACK.truncate(b, a, RANK)))
    # The first call of each makes its library start its threads.
    return row("reproducible", ours[1:], "s", peer="LAPACK (QR, SVD)", peer_samples=theirs[1:])


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
