"""What the `vllm` engine serves, as its files say: a BitNet, or any causal language model of Hugging Face's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from r3mes_ray.errors import ModelError
from r3mes_ray.models.base import base_hash
from r3mes_ray.models.checkpoint import read_checkpoint
from r3mes_ray.serving.inference.opened import ServedBase
from r3mes_ray.vllm_plugin.base_weights import BaseWeights


def served_base(folder: Path, weights: BaseWeights) -> ServedBase:
    """What is known of a model from its files; they are read once for the hash, and let go of.

    Raises:
        ModelError: it is damaged, or is no causal language model with linear layers.
    """
    return _of_bitnet(folder) if weights.ternary else _of_plain(folder, weights)


def _of_bitnet(folder: Path) -> ServedBase:
    checkpoint = read_checkpoint(folder)
    shapes = {name: (w.codes.shape[0], w.codes.shape[1]) for name, w in checkpoint.ternary.items()}
    context = int(checkpoint.config.max_position_embeddings)
    return ServedBase(checkpoint.name, base_hash(checkpoint), context, _tokenizer(folder), shapes)


def _of_plain(folder: Path, weights: BaseWeights) -> ServedBase:
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
    except (OSError, ValueError) as error:
        raise ModelError(str(folder), f"is no causal language model: {error}") from error
    shapes = linear_shapes(model)
    if not shapes:
        raise ModelError(str(folder), "has no linear layer that could take an adapter")
    name = str(weights.config.get("_name_or_path") or folder.name)
    return ServedBase(name, weights.base_hash, int(config.max_position_embeddings), _tokenizer(folder), shapes)


def linear_shapes(model: Any) -> dict[str, tuple[int, int]]:
    """(out, in) of each linear layer but the one that gives logits."""
    last = model.get_output_embeddings()
    return {
        name: (module.out_features, module.in_features)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not last
    }


def _tokenizer(folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelError(str(folder), f"the tokenizer cannot be loaded: {error}") from error
