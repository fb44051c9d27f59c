"""One engine in this process for each model; the whole module runs on it before the next one starts."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from r3mes_ray.vllm_plugin import adapter_request

vllm = pytest.importorskip("vllm")

from engine_models import Made, Oracle, make_case  # noqa: E402

MAX_LORAS, MAX_RANK = 6, 16


@dataclass(frozen=True)
class Case:
    """An engine, adapters on disk (more than it has slots), and the oracle of all of them."""

    kind: str
    llm: Any
    adapters: list[Made]
    oracle: Oracle
    vocabulary: int

    def request(self, made: Made | None):
        """The engine's handle; none for the base."""
        return None if made is None else adapter_request(made.name, made.number, made.folder)

    def generate(self, rows, tokens: int):
        """(tokens, log-probabilities by token, best ones) of each (prompt, adapter), all in one batch."""
        sampling = vllm.SamplingParams(temperature=0, max_tokens=tokens, ignore_eos=True, detokenize=False, logprobs=20)
        outputs = self.llm.generate(
            [{"prompt_token_ids": prompt} for prompt, _ in rows],
            sampling,
            lora_request=[self.request(made) for _, made in rows],
            use_tqdm=False,
        )
        return [output.outputs[0] for output in outputs]

    def prompt(self, seed: int, length: int) -> list[int]:
        """Random tokens, none of them special."""
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(10, self.vocabulary, (length,), generator=generator).tolist()


@pytest.fixture(scope="session")
def engine_environment():
    """One process, both cores, little memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        patch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        patch.setenv("VLLM_LOGGING_LEVEL", "ERROR")
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


def start(folder: Path, **options: Any):
    """An engine in float32 without compilation."""
    defaults = {
        "dtype": "float32",
        "max_model_len": 256,
        "max_num_seqs": 32,
        "enforce_eager": True,
        "enable_lora": True,
        "max_loras": MAX_LORAS,
        "max_cpu_loras": MAX_LORAS + 2,
        "max_lora_rank": MAX_RANK,
        "enable_prefix_caching": False,
        "skip_tokenizer_init": True,
    }
    return vllm.LLM(str(folder), **defaults | options)


def stop(llm) -> None:
    """Free an engine's memory and its process group."""
    from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

    llm.llm_engine.engine_core.shutdown()
    del llm
    gc.collect()
    cleanup_dist_env_and_memory()


@pytest.fixture(scope="module")
def started(engine_environment):
    """Starts an engine in place of the one that it started before."""
    running = []

    def replace(folder, **options):
        while running:
            stop(running.pop())
        running.append(start(folder, **options))
        return running[0]

    yield replace
    while running:
        stop(running.pop())


@pytest.fixture(scope="module", params=["bitnet", "llama", "qwen2", "qwen2-moe", "bitnet-2b-4t-layer"])
def case(request, tmp_path_factory, engine_environment):
    """The engine of one model."""
    folder, made, vocabulary, model = make_case(request.param, tmp_path_factory.mktemp(request.param))
    oracle = Oracle(model, made)
    llm = start(folder)
    yield Case(request.param, llm, made, oracle, vocabulary)
    stop(llm)


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def wide(request, tmp_path_factory, engine_environment):
    """(type, the case) of a Llama's engine with a slot for each of its sixteen adapters, and one more."""
    folder, made, vocabulary, model = make_case("llama", tmp_path_factory.mktemp("wide"))
    llm = start(folder, dtype=request.param, max_loras=17, max_cpu_loras=17)
    yield request.param, Case("llama", llm, made, Oracle(model, made), vocabulary)
    stop(llm)
