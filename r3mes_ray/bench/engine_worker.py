"""One engine in a process of its own, on one core; this file is also that process.

What is told is processor time: on one core that is the time itself, less what other processes of the machine took.

`python engine_worker.py KIND MODEL` reads lines of JSON and answers seconds to a `Job`, bytes of its tensors to `HELD`.
Its kinds: `ours` (vLLM with our plugin), `stock` (vLLM without any plugin), `peft-mixed` (PEFT with an adapter for each
row), `peft-swap` (PEFT, one adapter after the other).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

READY = "ready"
HELD = "held"
SLOTS = 32


@dataclass(frozen=True, slots=True)
class Job:
    """A batch.

    Attributes:
        adapters: each row's adapter folder; empty for the base.
        prompt_tokens: tokens of each prompt.
        new_tokens: tokens to generate; those of the last row where they end one after the other.
        apart: whether rows end one after the other, evenly (vLLM only).
    """

    adapters: tuple[str, ...]
    prompt_tokens: int
    new_tokens: int
    apart: bool = False


Run: TypeAlias = Callable[[Job], None]


def environment(kind: str) -> dict[str, str]:
    """What an engine's process reads: as `r3mes serve` sets it, on one core, our plugin only where it is ours."""
    # Imported here: the engine's own process is to load nothing that it does not need.
    from r3mes_ray.serving.inference.vllm_backend import ENVIRONMENT

    own = {"OMP_NUM_THREADS": "1", "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_PLUGINS": "r3mes" if kind == "ours" else ""}
    return ENVIRONMENT | own


class Worker:
    """A running engine; it ends with the `with` block. `start_s` is from nothing to ready."""

    def __init__(self, kind: str, model: Path) -> None:
        command = [sys.executable, "-m", "r3mes_ray.bench.engine_worker", kind, str(model)]
        began = time.perf_counter()
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the process)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=os.environ | environment(kind),
        )
        self.rss_bytes = int(self._answer())
        self.start_s = time.perf_counter() - began

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=120)

    def seconds(self, job: Job) -> float:
        """Processor time of a batch, measured by that process."""
        return float(self._ask(asdict(job)))

    def held_bytes(self) -> int:
        """Bytes of all tensors that are alive in that process, each storage once."""
        return int(self._ask(HELD))

    def _ask(self, question: Any) -> str:
        if self._process.stdin is None:
            raise OSError("the engine's process has no pipe")
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        """The next line that is meant for us: libraries print too."""
        if self._process.stdout is None:
            raise OSError("the engine's process has no pipe")
        for line in self._process.stdout:
            if line.startswith(READY):
                return line.removeprefix(READY)
        code = self._process.wait()
        self._said.seek(0)
        raise OSError(f"the engine's process ended with code {code}: {self._said.read()[-500:]}")


def _vllm(model: str) -> Run:
    vllm = importlib.import_module("vllm")
    request_type = importlib.import_module("vllm.lora.request").LoRARequest
    engine = vllm.LLM(
        model, dtype="float32", enforce_eager=True, enable_lora=True, max_loras=SLOTS, max_cpu_loras=SLOTS,
        max_lora_rank=8, max_num_seqs=32, max_model_len=1024, kv_cache_memory_bytes=512 * 2**20,
        enable_prefix_caching=False, disable_log_stats=True, generation_config="vllm",
    )  # fmt: skip
    loaded: dict[str, Any] = {}

    def request_of(folder: str) -> Any:
        if folder and folder not in loaded:
            if len(loaded) == SLOTS:
                engine.llm_engine.remove_lora(loaded.pop(next(iter(loaded))).lora_int_id)
            loaded[folder] = request_type(folder, 1 + request_of.count, folder)  # type: ignore[attr-defined]
            request_of.count += 1  # type: ignore[attr-defined]
            engine.llm_engine.add_lora(loaded[folder])
        return loaded.get(folder)

    request_of.count = 0  # type: ignore[attr-defined]

    def run(job: Job) -> None:
        prompts = [{"prompt_token_ids": tokens} for tokens in _prompts(job)]
        sampling = [
            vllm.SamplingParams(temperature=0.0, max_tokens=tokens, ignore_eos=True, detokenize=False)
            for tokens in _new_tokens(job)
        ]
        requests = [request_of(folder) for folder in job.adapters]
        engine.generate(prompts, sampling, lora_request=requests, use_tqdm=False)

    return run


def _peft(model: str, *, mixed: bool) -> Run:
    torch = importlib.import_module("torch")
    auto = importlib.import_module("transformers").AutoModelForCausalLM
    wrap = importlib.import_module("peft").PeftModel
    base = auto.from_pretrained(model, dtype=torch.float32).eval()
    held: dict[str, Any] = {"model": base}

    def name_of(folder: str) -> str:
        name = Path(folder).name
        if held["model"] is base:
            held["model"] = wrap.from_pretrained(base, folder, adapter_name=name).eval()
        elif name not in held["model"].peft_config:
            held["model"].load_adapter(folder, adapter_name=name)
        return name

    def generate(prompts: Sequence[Sequence[int]], new_tokens: int, **options: Any) -> None:
        with torch.inference_mode():
            held["model"].generate(
                input_ids=torch.tensor(prompts), max_new_tokens=new_tokens, min_new_tokens=new_tokens,
                do_sample=False, **options,
            )  # fmt: skip

    def run(job: Job) -> None:
        prompts = _prompts(job)
        names = [name_of(folder) if folder else "__base__" for folder in job.adapters]
        if set(names) == {"__base__"}:
            generate(prompts, job.new_tokens)
        elif mixed:
            generate(prompts, job.new_tokens, adapter_names=names)
        else:
            for name in dict.fromkeys(names):
                held["model"].set_adapter(name)
                generate([p for p, own in zip(prompts, names, strict=True) if own == name], job.new_tokens)

    return run


def _prompts(job: Job) -> list[list[int]]:
    chance = random.Random(job.prompt_tokens)
    return [[chance.randrange(100, 4000) for _ in range(job.prompt_tokens)] for _ in job.adapters]


def _new_tokens(job: Job) -> list[int]:
    rows = len(job.adapters)
    return [job.new_tokens * (row + 1) // rows if job.apart else job.new_tokens for row in range(rows)]


def _held_bytes() -> int:
    torch = importlib.import_module("torch")
    gc.collect()
    tensors = [found for found in gc.get_objects() if issubclass(type(found), torch.Tensor)]
    storages = [tensor.untyped_storage() for tensor in tensors if tensor.device.type != "meta"]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _serve(kind: str, model: str) -> None:
    run = _vllm(model) if kind in ("ours", "stock") else _peft(model, mixed=kind == "peft-mixed")
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    print(f"{READY}{resident}", flush=True)
    for line in sys.stdin:
        fields = json.loads(line)
        if fields == HELD:
            print(f"{READY}{_held_bytes()}", flush=True)
            continue
        job = Job(**fields | {"adapters": tuple(fields["adapters"])})
        began = time.process_time()
        run(job)
        print(f"{READY}{time.process_time() - began}", flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2])
