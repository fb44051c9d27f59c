"""Seconds of the whole loop by stage, beside the time that the chain's phases take by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from r3mes_ray.bench.report import Report, machine, row
from r3mes_ray.node.demo import run_demo
from r3mes_ray.settings import Settings


def measure(settings: Settings, say: Callable[[str], None]) -> Report:
    """Run the demo once; its stages are the rows, and the round is set beside the length of its phases."""
    result = asyncio.run(run_demo(settings, say))
    rows = [row(name, [seconds], "s") for name, seconds in result.stages.items() if name != "round"]
    phases = row(
        "round", [result.stages["round"]], "s", peer="its phases on chain", peer_samples=[result.phase_seconds]
    )
    return Report(machine(), (*rows, phases, row("total", [sum(result.stages.values())], "s")))
