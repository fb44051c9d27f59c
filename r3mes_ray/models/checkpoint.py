"""Reading and writing the folder of a BitNet model, in the layouts that are found in the world.

| `quantization_config` of config.json | weight | `weight_scale` |
|---|---|---|
| none, or `autobitlinear` `online` | latent, rounded when read | absent |
| `autobitlinear` `offline` (BitNet-2B-4T, and what is written here) | packed uint8 | multiplies |
| `bitlinear` | packed uint8 | divides |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import BitNetConfig

from r3mes_ray.errors import InvalidInput, ModelError
from r3mes_ray.models.bitnet import ternary_codes
from r3mes_ray.models.pack import pack_codes, unpack_codes

_MAX_CONFIG_BYTES = 1 << 20
_SCALE = ".weight_scale"


@dataclass(frozen=True, slots=True)
class TernaryWeight:
    """A linear weight: `scale * codes`, codes int8 (out, in), scale as a float32 value."""

    codes: Tensor
    scale: float

    def effective(self) -> Tensor:
        """The dense weight in float32."""
        return self.codes.float() * torch.tensor(self.scale, dtype=torch.float32)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model as read: `ternary` by linear name (without `.weight`), `others` by tensor name in float32."""

    name: str
    config: BitNetConfig
    ternary: Mapping[str, TernaryWeight]
    others: Mapping[str, Tensor]


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a model folder in any of the layouts.

    Raises:
        ModelError: a file is missing or damaged, it is no BitNet, or a tensor does not fit the configuration.
    """
    raw = _read_config(folder)
    scheme = raw.pop("quantization_config", None) or {}
    tensors = _read_tensors(folder)
    config = parse_config(folder, raw)
    linears = {name.removesuffix(".weight") for name in tensors if name.endswith("_proj.weight")}
    try:
        ternary = {name: ternary_weight(name, tensors, scheme, config) for name in sorted(linears)}
    except InvalidInput as error:
        raise ModelError(str(folder), str(error)) from error
    taken = {f"{name}.weight" for name in linears}
    others = {n: t.float() for n, t in tensors.items() if n not in taken and not n.endswith(_SCALE)}
    return Checkpoint(str(raw.get("_name_or_path") or folder.name), config, ternary, others)


def write_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a model with packed weights and bfloat16 for the rest, as `autobitlinear` `offline`."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in checkpoint.others.items()}
    for name, weight in checkpoint.ternary.items():
        tensors[f"{name}.weight"] = pack_codes(weight.codes)
        tensors[f"{name}{_SCALE}"] = torch.tensor([weight.scale], dtype=torch.float32)
    path = folder / "model.safetensors"
    save_file(tensors, path, {"format": "pt"})
    path.chmod(0o644)
    config = checkpoint.config.to_dict() | {
        "architectures": ["BitNetForCausalLM"],
        "_name_or_path": checkpoint.name,
        "quantization_config": {
            "quant_method": "bitnet",
            "linear_class": "autobitlinear",
            "quantization_mode": "offline",
            "modules_to_not_convert": ["lm_head"],
        },
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def quantise_state(name: str, config: BitNetConfig, state: Mapping[str, Tensor]) -> Checkpoint:
    """The checkpoint of a trained model's latent weights; everything that is not ternary is rounded to bfloat16.

    A row that rounds to zeros alone keeps its largest entry: a zero row has no direction, so no DoRA could adapt it.
    """
    linears = [key.removesuffix(".weight") for key in state if key.endswith("_proj.weight")]
    ternary = {linear: _keep_rows(state[f"{linear}.weight"]) for linear in sorted(linears)}
    taken = {f"{linear}.weight" for linear in linears}
    others = {
        key: tensor.detach().to(torch.bfloat16).float()
        for key, tensor in state.items()
        if key not in taken and not (key == "lm_head.weight" and config.tie_word_embeddings)
    }
    return Checkpoint(name, config, ternary, others)


def _round(weight: Tensor) -> TernaryWeight:
    codes, scale = ternary_codes(weight.detach().float())
    return TernaryWeight(codes.to(torch.int8), float(scale))


def _keep_rows(weight: Tensor) -> TernaryWeight:
    rounded = _round(weight)
    empty = (rounded.codes == 0).all(1).nonzero().flatten()
    largest = weight.detach()[empty].abs().argmax(1)
    rounded.codes[empty, largest] = weight.detach()[empty, largest].sign().to(torch.int8)
    return rounded


def ternary_weight(
    name: str, tensors: Mapping[str, Tensor], scheme: Mapping[str, Any], config: BitNetConfig
) -> TernaryWeight:
    """One linear layer's weight of a model folder's tensors, read as `quantization_config` (`scheme`) says.

    Raises:
        InvalidInput: it is packed wrongly, or its scale is no positive number.
    """
    weight, scale = tensors[f"{name}.weight"], tensors.get(f"{name}{_SCALE}")
    rows = linear_rows(name, config)
    if scale is None:
        if weight.dtype == torch.uint8:
            raise InvalidInput(name, "is packed but has no weight_scale")
        return _round(weight)
    codes = unpack_codes(weight, rows, name)
    value = scale.float().reshape(-1)
    if len(value) != 1 or not bool(torch.isfinite(value).all()) or float(value) <= 0:
        raise InvalidInput(name, "weight_scale is not one positive number")
    divides = scheme.get("linear_class", "bitlinear") == "bitlinear"
    return TernaryWeight(codes, float(1 / value if divides else value))


def linear_rows(name: str, config: BitNetConfig) -> int:
    """Output features of the linear layer of that name.

    Raises:
        InvalidInput: the architecture has no such layer.
    """
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    rows = {
        "q_proj": config.num_attention_heads * head,
        "k_proj": config.num_key_value_heads * head,
        "v_proj": config.num_key_value_heads * head,
        "o_proj": config.hidden_size,
        "gate_proj": config.intermediate_size,
        "up_proj": config.intermediate_size,
        "down_proj": config.hidden_size,
    }.get(name.rsplit(".", 1)[-1])
    if rows is None:
        raise InvalidInput(name, "is no linear layer of BitNet")
    return int(rows)


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_MAX_CONFIG_BYTES))
    except (OSError, ValueError) as error:
        raise ModelError(str(folder), f"config.json cannot be read: {error}") from error
    if not isinstance(data, dict) or data.get("model_type") not in ("bitnet", "bitnet-b1.58"):
        raise ModelError(str(folder), "config.json is not of a BitNet (model_type bitnet)")
    return data


def parse_config(folder: Path, raw: Mapping[str, Any]) -> BitNetConfig:
    """The configuration of a model folder, from its config.json without `quantization_config`.

    Raises:
        ModelError: it is not one of a BitNet.
    """
    known = {key: value for key, value in raw.items() if key not in ("auto_map", "architectures", "model_type")}
    try:
        config = BitNetConfig(**known)
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise ModelError(str(folder), f"config.json: {error}") from error
    heads = (config.num_attention_heads, config.num_key_value_heads)
    if min(*heads, config.hidden_size, config.num_hidden_layers) < 1 or config.hidden_size % heads[0]:
        raise ModelError(str(folder), "config.json: heads and sizes are not positive, or do not divide")
    return config


def _read_tensors(folder: Path) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for path in sorted(folder.glob("model*.safetensors")):
        try:
            tensors |= load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelError(str(folder), f"{path.name} cannot be read: {error}") from error
    if not tensors:
        raise ModelError(str(folder), "has no model*.safetensors")
    return tensors
