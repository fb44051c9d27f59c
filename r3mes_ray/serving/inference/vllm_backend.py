"""The `vllm` engine: `LLMEngine` in the replica's own process, stepped by the engine's thread.

One process is lighter than vLLM's own three and starts in seconds; our plugin (`r3mes_ray.vllm_plugin`) brings BitNet
and exact DoRA.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from r3mes_ray.errors import ConfigError
from r3mes_ray.models.base import model_folder
from r3mes_ray.serving.inference.base import EngineForm
from r3mes_ray.serving.inference.open_gains import gains_settings, open_gains
from r3mes_ray.serving.inference.opened import Opened, ServedBase
from r3mes_ray.serving.inference.sequence import TextRules
from r3mes_ray.serving.inference.threaded import ThreadedBackend
from r3mes_ray.serving.inference.vllm_base import served_base
from r3mes_ray.serving.inference.vllm_defaults import (
    cache_bytes,
    cache_options,
    dtype_of,
    ranks_of,
    slot_bytes,
    slots_within,
    this_device,
)
from r3mes_ray.settings import Settings, VllmEngine
from r3mes_ray.vllm_plugin.base_weights import BaseWeights

ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_ATTN_SPLIT_KV": "0",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
}
"""What vLLM reads when it is imported: one process, all cores, no calls home. It would split long contexts over
threads as the batch has it, and sum them in another order then."""
MAX_TOP_LOGPROBS = 20


def open_vllm(settings: Settings, engine: VllmEngine) -> Opened:
    """Start vLLM on the model folder.

    Raises:
        ModelError: the folder is not there, is damaged, or is no model that takes adapters.
        ConfigError: vLLM is not installed, or cannot run as the settings say.
    """
    folder = model_folder(settings.model.path)
    weights = BaseWeights(folder)
    base = served_base(folder, weights)
    prepare_environment(settings.model.threads)
    try:
        from r3mes_ray.serving.inference.vllm_decoder import VllmDecoder
        from r3mes_ray.serving.inference.vllm_slots import EngineSide, VllmSlots
    except ImportError as error:
        detail = f"vLLM cannot be imported ({error}); install it, or take transformers"
        raise ConfigError("serving.engine", detail) from error
    device = this_device()
    dtype, budget = dtype_of(engine, device), settings.serving.vram_capacity_mb * 2**20
    slot = slot_bytes(base.linear_shapes.values(), engine.max_rank, dtype) if device.gpu else None
    places = engine.max_adapters if slot is None else slots_within(engine, budget, slot)
    needed = cache_bytes(weights.config, dtype) * base.context_tokens * settings.serving.max_running_requests
    options = cache_options(engine, settings.serving, device, needed) | {"dtype": dtype, "max_loras": places}
    ranks = ranks_of(engine, settings.serving)
    options |= {"tensor_parallel_size": ranks}
    running = start_engine(folder, base, settings, engine, options)
    rules = text_rules(folder, base)
    gains = open_gains(settings, base.base_hash)
    side = EngineSide(base, weights.weight, gains, getattr(torch, dtype), engine.max_rank, slot, ranks)
    slots = VllmSlots(running, side)
    decoder = VllmDecoder(running, slots, rules)
    backend = ThreadedBackend(
        decoder,
        slots,
        rules,
        max_running=settings.serving.max_running_requests,
        max_waiting=settings.serving.max_queued_requests,
        guide=decoder.guide,
        release=running.engine_core.shutdown,
    )
    form = EngineForm(engine.kind, "unpacked" if weights.ternary else "dense", dtype)
    return Opened(backend, base, places, form)


def prepare_environment(threads: int) -> None:
    """Set what vLLM reads from the environment, where nobody set it; before it is imported for the first time."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Adapters are handed over inside this process.
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    if threads > 0:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        torch.set_num_threads(threads)


def start_engine(
    folder: Path, base: ServedBase, settings: Settings, engine: VllmEngine, options: Mapping[str, Any]
) -> Any:
    """The engine of vLLM, in this process; `options` are what the device decides.

    Raises:
        ConfigError: vLLM refuses these settings.
    """
    from vllm.engine.arg_utils import EngineArgs
    from vllm.v1.engine.llm_engine import LLMEngine

    arguments = EngineArgs(
        model=str(folder),
        tokenizer=str(folder),
        max_model_len=base.context_tokens,
        max_num_seqs=settings.serving.max_running_requests,
        enable_lora=True,
        max_cpu_loras=options["max_loras"],
        max_lora_rank=engine.max_rank,
        enforce_eager=not engine.compile,
        max_logprobs=MAX_TOP_LOGPROBS,
        # A step in flight would still use an adapter that is taken out between two steps.
        async_scheduling=False,
        disable_log_stats=True,
        generation_config="vllm",
        # A small model may else fill an answer with white space between two tokens of JSON.
        structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True},
        additional_config={"r3mes": gains_settings(settings) | {"base_hash": base.base_hash}},
        seed=0,
        **options,
    )
    try:
        return LLMEngine.from_engine_args(arguments)
    except ValueError as error:
        raise ConfigError("serving.engine", f"vLLM does not start: {str(error).strip()}") from error


def text_rules(folder: Path, base: ServedBase) -> TextRules:
    """What is known of a base's tokens, from its files."""
    from transformers import AutoConfig, GenerationConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    try:
        ends = GenerationConfig.from_pretrained(folder, local_files_only=True).eos_token_id
    except OSError:
        ends = config.eos_token_id
    return TextRules.of(base.tokenizer, ends, base.context_tokens, config.vocab_size)
