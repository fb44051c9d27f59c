"""Adapters on vLLM: ours beside its own base, stock vLLM and PEFT; then the working set, cold loads and start-up.

A ratio above 1 is in our favour; it is the geometric mean over interleaved pairs, with its 95 % interval. `decode` is a
batch of short prompts and `NEW_TOKENS` tokens each (`PEER_TOKENS` beside stock vLLM and PEFT), `prefill` one of long
prompts and one token each. Every row of a batch has an adapter of its own unless the name says how many there are. Each
engine has one core, and its times are processor time.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.bench.engine_cache import measure_cache
from r3mes_ray.bench.engine_model import make_adapters, make_bitnet, make_llama, parameters
from r3mes_ray.bench.engine_worker import SLOTS, Job, Worker
from r3mes_ray.bench.report import Report, Row, machine, paired, row
from r3mes_ray.settings import Settings

PAIRS = 15
BATCHES = (8, 32)
PROMPT_TOKENS, NEW_TOKENS, LONG_PROMPT = 16, 32, 256
COUNTS = (0, 1, 8, 32)
DENSE_ROWS = 32
PEER_TOKENS = 8
"""New tokens of each row beside stock vLLM and PEFT, where a round waits for four engines."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Models and adapters on disk."""

    bitnet: Path
    llama: Path
    lora: tuple[str, ...]
    dora: tuple[str, ...]
    plain: tuple[str, ...]


def measure(settings: Settings, say: Callable[[str], None]) -> Report:
    """Run all; each engine is a process of its own, and all but one are idle at any time."""
    with tempfile.TemporaryDirectory(prefix="r3mes-bench-") as folder:
        say(f"making a BitNet and a Llama of {parameters() / 1e6:.0f} million parameters, and adapters of rank 8")
        prepared = _prepare(Path(folder))
        rows = [*_ours(prepared, say), *_peers(prepared, say)]
        say("working set, cold loads")
        rows += measure_cache(prepared.bitnet, Path(folder) / "home", (*prepared.lora, *prepared.dora), say)
    return Report(machine(), tuple(rows))


def _prepare(folder: Path) -> Prepared:
    bitnet, llama = folder / "bitnet", folder / "llama"
    make_bitnet(bitnet)
    make_llama(llama)
    lora = make_adapters(folder / "packages", bitnet, SLOTS, dora=False, of_packages=True)
    dora = make_adapters(folder / "packages", bitnet, SLOTS, dora=True, of_packages=True)
    plain = make_adapters(folder / "plain", bitnet, SLOTS, dora=False, of_packages=False)
    return Prepared(bitnet, llama, *(tuple(map(str, paths)) for paths in (lora, dora, plain)))


def _ours(prepared: Prepared, say: Callable[[str], None]) -> list[Row]:
    """Base, LoRA and DoRA on the BitNet, one after the other in every round."""
    found: list[Row] = []
    with Worker("ours", prepared.bitnet) as worker:
        found.append(row("start-up", [worker.start_s], "s"))
        found.append(_memory(worker, prepared))
        for batch in BATCHES:
            say(f"decode {batch}: base, {batch} LoRA, {batch} DoRA, {PAIRS} times")
            among = "dora/lora" if batch == BATCHES[0] else f"dora/lora, decode {batch}"
            names = (f"decode {batch} lora", f"decode {batch} dora", among)
            found += _triple(worker, prepared, names, batch, PROMPT_TOKENS, NEW_TOKENS)
        say(f"decode 32 to 1, a row ends at every step: base, LoRA, DoRA, {PAIRS} times")
        names = ("decode 32 to 1 lora", "decode 32 to 1 dora", "dora/lora, decode 32 to 1")
        found += _triple(worker, prepared, names, NEW_TOKENS, PROMPT_TOKENS, NEW_TOKENS, apart=True)
        say(f"prefill 8: base, 8 LoRA, 8 DoRA, {PAIRS} times")
        names = ("prefill 8 lora", "prefill 8", "dora/lora, prefill 8")
        found += _triple(worker, prepared, names, 8, LONG_PROMPT, 1)
    return found


def _triple(
    worker: Worker,
    prepared: Prepared,
    names: tuple[str, str, str],
    batch: int,
    prompt: int,
    new: int,
    *,
    apart: bool = False,
) -> list[Row]:
    """LoRA beside the base, DoRA beside the base, and DoRA's time as a share of LoRA's."""
    jobs = {
        "base": Job(("",) * batch, prompt, new, apart),
        "lora": Job(prepared.lora[:batch], prompt, new, apart),
        "dora": Job(prepared.dora[:batch], prompt, new, apart),
    }
    times = _interleaved({key: (worker, job) for key, job in jobs.items()}, PAIRS)
    lora, dora, among = names
    shares = [ours / theirs for ours, theirs in zip(times["dora"], times["lora"], strict=True)]
    return [
        paired(lora, times["lora"], "CPU s", peer="our base", peer_samples=times["base"]),
        paired(dora, times["dora"], "CPU s", peer="our base", peer_samples=times["base"]),
        paired(among, shares, "of LoRA's time", peer="our LoRA", peer_samples=[1.0] * len(shares)),
    ]


def _peers(prepared: Prepared, say: Callable[[str], None]) -> list[Row]:
    """Throughput with 0, 1, 8 and 32 adapters over a dense model, beside stock vLLM and PEFT in the same round."""
    found: list[Row] = []
    with ExitStack() as stack:
        workers = {
            kind: stack.enter_context(Worker(kind, prepared.llama))
            for kind in ("ours", "stock", "peft-mixed", "peft-swap")
        }
        for count in COUNTS:
            say(f"{count} adapters among {DENSE_ROWS} rows beside stock vLLM and PEFT, {PAIRS} times")
            adapters = _spread(prepared.plain[:count], DENSE_ROWS)
            job = Job(adapters, PROMPT_TOKENS, PEER_TOKENS)
            kinds = [kind for kind in workers if count > 1 or kind != "peft-swap"]
            times = _interleaved({kind: (workers[kind], job) for kind in kinds}, PAIRS)
            found += [
                paired(
                    f"{count} adapters, batch {DENSE_ROWS}", times["ours"], "CPU s", peer=kind, peer_samples=times[kind]
                )
                for kind in kinds
                if kind != "ours"
            ]
    return found


def _spread(adapters: Iterable[str], rows: int) -> tuple[str, ...]:
    return tuple(itertools.islice(itertools.cycle(tuple(adapters) or ("",)), rows))


def _interleaved(jobs: dict[str, tuple[Worker, Job]], rounds: int) -> dict[str, list[float]]:
    """Seconds by name; the first round, which loads adapters and warms caches, does not count."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, (worker, job) in jobs.items():
            seconds = worker.seconds(job)
            if turn:
                times[name].append(seconds)
    return times


def _memory(worker: Worker, prepared: Prepared) -> Row:
    """What all slots full of DoRAs take beyond LoRAs of the same rank, counted over the tensors that are alive."""
    held = []
    for adapters in (prepared.lora, prepared.dora):
        worker.seconds(Job(adapters[:SLOTS], PROMPT_TOKENS, 2))
        held.append(worker.held_bytes())
    return row("DoRA's extra memory", [100 * (held[1] - held[0]) / worker.rss_bytes], "% of the engine's")
