"""Flower's and byzfl's own rules, in a process and an environment of their own, on arrays of a file.

This file is also that process: `python peers.py ROWS.npy SITE-PACKAGES` reads lines "peer rule" and answers seconds;
after "peer rule FILE.npy" the result lies in that file.
Both packages import much that their rules do not use (simulation, vision, plotting); only the files with rules are run.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGES = ("byzfl==0.0.11", "flwr==1.41.0")
FAULTS = 2
TOLERANCE = 1e-5
"""Share of the result's length by which a peer's result may differ: both sum up float32."""


class UnequalResult(ValueError):
    """A peer's result is not ours, so their times are not those of one computation."""

    def __init__(self, peer: str, rule: str, distance: float) -> None:
        super().__init__(peer, rule, distance)
        self.peer, self.rule, self.distance = peer, rule, distance

    def __str__(self) -> str:
        return (
            f"{self.rule} of {self.peer} is {self.distance:.3g} of the result's length from ours, over {TOLERANCE:g}: "
            "another definition of the rule, another input, or an error of ours"
        )


class Peers:
    """A running process of peers; it ends with the `with` block."""

    def __init__(self, cache: Path, rows: Path) -> None:
        python = _environment(cache)
        site = next((python.parent.parent / "lib").glob("python3*/site-packages"))
        command = [str(python), str(Path(__file__)), str(rows), str(site)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)

    def seconds(self, peer: str, rule: str) -> float:
        """How long one call took, measured by that process."""
        return self._ask(f"{peer} {rule}")

    def result(self, peer: str, rule: str) -> NDArray[np.floating]:
        """What one call finds, (d,)."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "result.npy"
            self._ask(f"{peer} {rule} {file}")
            found: NDArray[np.floating] = np.load(file)
        return found

    def _ask(self, line: str) -> float:
        if self._process.stdin is None or self._process.stdout is None:
            raise OSError("the peers' process has no pipes")
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise OSError(f"the peers' process ended at {line!r}; its own error is above")
        return float(answer)


def require_equal(
    peer: str, rule: str, theirs: NDArray[np.floating], ours: NDArray[np.floating], tolerance: float = TOLERANCE
) -> None:
    """Compare two results (d,).

    Raises:
        UnequalResult: they differ by more than that share of our result's length, or have other shapes.
    """
    if theirs.shape != ours.shape:
        raise UnequalResult(peer, rule, math.inf)
    wide = ours.astype(np.float64)
    distance = float(np.linalg.norm(theirs - wide) / np.linalg.norm(wide))
    if not distance <= tolerance:
        raise UnequalResult(peer, rule, distance)


def _environment(cache: Path) -> Path:
    """Python of an environment with the peers, made on first use; it borrows torch and numpy from ours."""
    folder = cache / "venv-peers"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *PACKAGES]
        subprocess.run(install, check=True)
        ours = Path(str(importlib.import_module("numpy").__file__)).parent.parent
        site = next((folder / "lib").glob("python3*/site-packages"))
        (site / "ours.pth").write_text(f"{ours}\n")
        (folder / "ready").touch()
    return python


def _rules(rows: Any, site: Path) -> dict[str, Callable[[], object]]:
    byzfl = types.ModuleType("byzfl")
    byzfl.__path__ = [str(site / "byzfl")]
    sys.modules["byzfl"] = byzfl
    aggregators = importlib.import_module("byzfl.aggregators.aggregators")
    flower = _flower(site)
    torch = importlib.import_module("torch")
    tensor = torch.from_numpy(rows)
    results = [([row], 1) for row in rows]
    share = FAULTS / len(rows)
    return {
        "byzfl mean": lambda: aggregators.Average()(tensor),
        "byzfl median": lambda: aggregators.Median()(tensor),
        "byzfl trimmed-mean": lambda: aggregators.TrMean(f=FAULTS)(tensor),
        # byzfl scores by n − f − 1 neighbours, the paper, Flower and ours by n − f − 2: one fault more, the same score.
        "byzfl krum": lambda: aggregators.Krum(f=FAULTS + 1)(tensor),
        "byzfl geometric-median": lambda: aggregators.GeometricMedian(nu=1e-6, T=3)(tensor),
        "flower mean": lambda: flower.aggregate(results),
        "flower median": lambda: flower.aggregate_median(results),
        "flower trimmed-mean": lambda: flower.aggregate_trimmed_avg(results, share),
        "flower krum": lambda: flower.aggregate_krum(results, FAULTS, 0),
    }


def _flower(site: Path) -> Any:
    """Flower's `server/strategy/aggregate.py`; what it imports besides numpy are types."""
    common = types.ModuleType("flwr.common")
    proxy = types.ModuleType("flwr.server.client_proxy")
    for name in ("FitRes", "NDArray", "NDArrays", "parameters_to_ndarrays"):
        setattr(common, name, list[Any])
    proxy.ClientProxy = object  # type: ignore[attr-defined]
    for name in ("flwr", "flwr.server"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["flwr.common"], sys.modules["flwr.server.client_proxy"] = common, proxy
    path = site / "flwr" / "server" / "strategy" / "aggregate.py"
    spec = importlib.util.spec_from_file_location("flower_aggregate", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _serve(rows_file: str, site: str) -> None:
    rules = _rules(np.load(rows_file), Path(site))
    for line in sys.stdin:
        peer, rule, *file = line.split()
        began = time.perf_counter()
        found: Any = rules[f"{peer} {rule}"]()
        seconds = time.perf_counter() - began
        for name in file:
            # Flower answers with a list of arrays, one for each layer.
            np.save(name, np.asarray(found[0] if isinstance(found, list) else found))
        print(seconds, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2])
