"""Rules beside Flower and byzfl on the same arrays in one run, the published path beside LAPACK, memory, a round."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from r3mes_ray.bench.peak_memory import measure_memory
from r3mes_ray.bench.peers import FAULTS, Peers, require_equal
from r3mes_ray.bench.read_limit import READERS, limit_row
from r3mes_ray.bench.report import Report, Row, machine, row
from r3mes_ray.bench.round_limit import measure_round
from r3mes_ray.settings import Settings
from r3mes_ray.training.algebra import LAPACK, REPRODUCIBLE, Algebra
from r3mes_ray.training.effects import Part
from r3mes_ray.training.exact import mean_of_module
from r3mes_ray.training.rules import RuleParameters
from r3mes_ray.training.rules.dense import aggregate_rows

UPDATES, COLUMNS = 32, 2_000_000
LONG_COLUMNS, LONG_NEEDS = 8_000_000, 8 * 2**30
"""The mean's rows are longer than any cache where so many bytes are available: a read of them is one of memory."""
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
    """Interleave ours and the peers', rule by rule; the peers' environment is made in `.cache` on first use.

    Raises:
        UnequalResult: a peer computes something else than ours.
    """
    CACHE.mkdir(exist_ok=True)
    columns = LONG_COLUMNS if _available() >= LONG_NEEDS else COLUMNS
    with _beside_peers(columns) as (rows, peers):
        found = _mean(rows, peers, say)
    with _beside_peers(COLUMNS) as (rows, peers):
        found += [_rule(name, rule, names, rows, peers, say) for name, (rule, names) in RULES.items()]
    del rows
    gc.collect()
    found += _reproducible(say)
    found += measure_memory(say)
    found += measure_round(settings, say)
    return Report(machine(), tuple(found))


@contextmanager
def _beside_peers(columns: int) -> Iterator[tuple[Tensor, Peers]]:
    """Rows of normal numbers, (32, columns) float32, and the peers with the same."""
    rows = np.random.default_rng(0).standard_normal((UPDATES, columns), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npy"
        np.save(file, rows)
        with Peers(CACHE, file) as peers:
            yield torch.from_numpy(rows), peers


def _mean(rows: Tensor, peers: Peers, say: Callable[[str], None]) -> list[Row]:
    say(f"mean: {rows.nbytes / 2**30:.2f} GiB, beside one read of the input, Flower and byzfl")
    flat = rows.view(-1)
    ours: list[float] = []
    reads: list[float] = []
    theirs: dict[str, list[float]] = {"flower": [], "byzfl": []}
    _compare("mean", RuleParameters(), tuple(theirs), rows, peers)
    for _ in range(RUNS):
        for read in READERS.values():
            reads.append(_seconds(partial(read, flat)))
            ours.append(_seconds(lambda: aggregate_rows(rows, "mean", RuleParameters())))
        for peer, samples in theirs.items():
            samples.append(peers.seconds(peer, "mean"))
    peer = min(theirs, key=lambda peer: float(np.median(theirs[peer])))
    return [
        limit_row("mean", ours, reads),
        row("mean, beside the best peer", ours, "s", peer=peer, peer_samples=theirs[peer]),
    ]


def _rule(name: str, rule: str, names: tuple[str, ...], rows: Tensor, peers: Peers, say: Callable[[str], None]) -> Row:
    say(f"{name}: beside {' and '.join(names)}")
    # byzfl's default of three Weiszfeld steps, for both.
    steps = 3 if rule == "geometric-median" else None
    parameters = RuleParameters(faults=FAULTS, iterations=steps)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {peer: [] for peer in names}
    _compare(rule, parameters, names, rows, peers)
    for _ in range(RUNS):
        ours.append(_seconds(lambda: aggregate_rows(rows, rule, parameters)))
        for peer, samples in theirs.items():
            samples.append(peers.seconds(peer, rule))
    best = min(theirs, key=lambda peer: float(np.median(theirs[peer])))
    return row(name, ours, "s", peer=best, peer_samples=theirs[best])


def _compare(rule: str, parameters: RuleParameters, names: tuple[str, ...], rows: Tensor, peers: Peers) -> None:
    """Results before times; these first calls also make each library start its threads."""
    ours = aggregate_rows(rows, rule, parameters).numpy()
    for peer in names:
        require_equal(peer, rule, peers.result(peer, rule), ours)


def _reproducible(say: Callable[[str], None]) -> list[Row]:
    """The published mean of a layer from its updates' factors, and the part of it that truncates."""
    say(f"reproducible: {UPDATES} updates of rank {RANK} and {LAYER} x {LAYER}, beside LAPACK")
    parts, weight = _parts(), torch.zeros(LAYER, LAYER)
    shares = [1.0 / UPDATES] * UPDATES

    def mean(algebra: Algebra) -> object:
        return mean_of_module(weight, parts, shares, rank=RANK, with_magnitude=False, algebra=algebra)

    whole = _beside_lapack("reproducible", mean)
    b, a = torch.cat([part.b for part in parts], dim=1) / UPDATES, torch.cat([part.a for part in parts])
    alone = _beside_lapack("reproducible, truncation alone", lambda algebra: algebra.truncate(b, a, RANK))
    return [whole, alone]


def _parts() -> list[Part]:
    """Updates around a shared step, with singular values that fall as trained ones do."""
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).double()

    shared = normal(RANK, LAYER) * 0.02
    decay = 2.0 ** -(torch.arange(RANK) / 3).double()
    return [Part(normal(LAYER, RANK) * 0.01 * decay, shared + 0.006 * normal(RANK, LAYER)) for _ in range(UPDATES)]


def _beside_lapack(name: str, call: Callable[[Algebra], object]) -> Row:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(RUNS + 1):
        ours.append(_seconds(lambda: call(REPRODUCIBLE)))
        theirs.append(_seconds(lambda: call(LAPACK)))
    # The first call of each makes its library start its threads.
    return row(name, ours[1:], "s", peer="LAPACK (QR, SVD)", peer_samples=theirs[1:])


def _available() -> int:
    """Bytes of memory that can be had without swapping."""
    found = Path("/proc/meminfo").read_text().partition("MemAvailable:")[2]
    return int(found.split()[0]) * 1024


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
