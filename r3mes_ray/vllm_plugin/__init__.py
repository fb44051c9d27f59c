"""vLLM with exact DoRA and BitNet: a general plugin, usable by itself (docs/vllm-plugin.md).

vLLM 0.32 finds it by its entry point (`vllm.general_plugins`, name `r3mes`) in every process of an engine; nothing is
to be called. `VLLM_PLUGINS` can name the plugins that are loaded. Without vLLM this package can still be imported.

    from vllm import LLM, SamplingParams
    from r3mes_ray.vllm_plugin import adapter_request

    llm = LLM(folder, enable_lora=True, max_loras=8, max_lora_rank=16)     # a BitNet, Llama, Qwen2 …
    expert = adapter_request("legal@3", 1, adapter_folder)                  # a package of ours, or PEFT's
    llm.llm_engine.add_lora(expert)                                         # raises what is wrong with it
    llm.generate([prompt, prompt], SamplingParams(), lora_request=[expert, None])

An adapter is added with `add_lora` before its first request: a bad one inside `generate` leaves its request queued. The
name must change with the content (put its CID into it): vLLM's prefix cache goes by the name. A package's base hash is
compared with the engine's model; a layer's gain g = m / |W + s B A| is computed once, by factors and in float64, from
the base on disk (`models.gains.GainCache`).

Errors of adding: `PackageRejected` (rule `base`, `target`, `shape`, `tensors`, …), `ModelError` (the base's weights do
not say a norm), vLLM's `ValueError` (rank) and `LoRAAdapterNotFoundError`. Errors of starting: `ConfigError` for a mode
that leads around the exact path, `SelfCheckFailed` where a canary is not served as its formula says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vllm.lora.request import LoRARequest

__all__ = ["adapter_request", "register"]


def register() -> None:
    """The entry point: vLLM calls it in each of its processes."""
    # Imported here: the package must be importable where vLLM is not installed.
    from r3mes_ray.vllm_plugin.registration import register_all

    register_all()


def adapter_request(name: str, number: int, folder: Path) -> LoRARequest:
    """Make the handle by which vLLM knows an adapter folder.

    Args:
        name: tells contents apart: two contents never have one name.
        number: 1 or more; one adapter's alone while the engine lives.
        folder: adapter_config.json and adapter_model.safetensors, with or without r3mes.json.
    """
    from vllm.lora.request import LoRARequest

    return LoRARequest(name, number, str(folder))
