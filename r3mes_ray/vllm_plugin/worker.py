"""What replaces vLLM's LoRA managers in every worker: exact layers, our packages, DoRA, and refusals by name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from vllm.config import VllmConfig
from vllm.exceptions import LoRAAdapterNotFoundError
from vllm.lora.lora_model import LoRAModel
from vllm.lora.lora_weights import LoRALayerWeights
from vllm.lora.model_manager import LRUCacheLoRAModelManager
from vllm.lora.request import LoRARequest
from vllm.lora.utils import get_adapter_absolute_path, parse_fine_tuned_lora_name
from vllm.lora.worker_manager import LRUCacheWorkerLoRAManager
from vllm.platforms import current_platform

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import ModuleAdapter
from r3mes_ray.models.gains import DEFAULT_BYTES, GainCache, Gains
from r3mes_ray.vllm_plugin.adapter_files import NO_LINEAR, AdapterFiles, read_adapter, without_dora
from r3mes_ray.vllm_plugin.base_weights import BaseWeights
from r3mes_ray.vllm_plugin.experts import expert_modules
from r3mes_ray.vllm_plugin.layers import ExactLayer
from r3mes_ray.vllm_plugin.modes import refuse_modes
from r3mes_ray.vllm_plugin.ready import ReadyAdapter, ReadyLayer, make_ready, take
from r3mes_ray.vllm_plugin.self_check import check_layers

SETTINGS_KEY = "r3mes"
"""Key of our settings in vLLM's `additional_config`.

`gains_dir`: folder that keeps DoRA's gains across restarts; else they are kept while the worker lives. `gains_bytes`:
of its files together. `base_hash`: of the model, where the caller has computed it already.
"""


class ExactLoRAModel(LoRAModel):
    """An adapter whose factors have scale and gain in them, with the gains beside."""

    gains: dict[str, torch.Tensor] = {}  # noqa: RUF012 (replaced, never changed)


class ExactModelManager(LRUCacheLoRAModelManager):
    """Puts a DoRA's gains into the slots beside its factors."""

    supported_lora_modules: list[str]

    def activate_adapter(self, lora_id: int) -> bool:
        """Fill a slot; the gains follow the factors, which empty it first."""
        fresh = lora_id not in self._active_adapters
        result: bool = super().activate_adapter(lora_id)
        gains = getattr(self._registered_adapters[lora_id], "gains", {})
        if fresh and gains:
            slot = self.lora_index_to_id.index(lora_id)
            for name, layer in self.modules.items():
                own = [gains.get(part) for part in self.packed_modules.get(name) or [name]]
                if isinstance(layer, ExactLayer) and any(gain is not None for gain in own):
                    layer.set_gains(slot, own)
        return result

    def layer_of(self, name: str) -> tuple[ExactLayer, int] | None:
        """The layer that an adapted matrix is in, and which of its slices it is."""
        if isinstance(self.modules.get(name), ExactLayer):
            return self.modules[name], 0
        for packed, parts in self.packed_modules.items():
            if name in parts and isinstance(self.modules.get(packed), ExactLayer):
                return self.modules[packed], parts.index(name)
        return None

    def _create_lora_modules(self) -> None:
        left = expert_modules(self.model)
        if current_platform.is_cpu():
            # vLLM's CPU path for them gives base rows another adapter, and costs a product over the vocabulary.
            left |= set(getattr(self.model, "embedding_modules", None) or {})
        self.supported_lora_modules = [name for name in self.supported_lora_modules if name not in left]
        super()._create_lora_modules()
        self._wrap_under_every_name()
        for wrapper in self.punica_wrapper_mapping.values():
            wrapper._token_lora_indices.fill_(-1)

    def _wrap_under_every_name(self) -> None:
        """Where the model also holds a layer under a second name, vLLM leaves that one without adapters."""
        exact = {id(layer.base_layer): layer for layer in self.modules.values() if isinstance(layer, ExactLayer)}
        for parent in self.model.modules():
            for name, child in parent._modules.items():
                layer = exact.get(id(child))
                if layer is not None and layer is not parent:
                    parent._modules[name] = layer


class ExactWorkerManager(LRUCacheWorkerLoRAManager):
    """Loads adapters of both kinds; refuses to start where one of them would be served wrongly."""

    _manager_cls = ExactModelManager

    def __init__(self, vllm_config: VllmConfig, device: torch.device, embedding_modules: dict[str, str]) -> None:
        super().__init__(vllm_config, device, embedding_modules, ExactLoRAModel)
        refuse_modes(vllm_config.lora_config)
        self._model_config = vllm_config.model_config
        self._settings: dict[str, Any] = (vllm_config.additional_config or {}).get(SETTINGS_KEY, {})
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None
        self._cache: GainCache | None = None
        self._base: BaseWeights | None = None

    def create_lora_manager(self, model: torch.nn.Module, vllm_config: VllmConfig) -> Any:
        """Wrap the model's layers, then check every kind of layer with a canary.

        Raises:
            SelfCheckFailed: an adapter with gains does not do what it says.
        """
        wrapped = super().create_lora_manager(model, vllm_config)
        check_layers(self._adapter_manager, vllm_config)
        return wrapped

    @property
    def base(self) -> BaseWeights:
        """The base on disk."""
        if self._base is None:
            folder = _model_folder(self._model_config.model, self._model_config.revision)
            self._base = BaseWeights(folder, self._settings.get("base_hash"))
        return self._base

    @property
    def gains(self) -> GainCache:
        """Gains of the adapters that were used last."""
        if self._cache is None:
            folder = self._settings.get("gains_dir")
            if folder is None:
                self._own_folder = tempfile.TemporaryDirectory(prefix="r3mes-gains-")
                folder = self._own_folder.name
            budget = int(self._settings.get("gains_bytes", DEFAULT_BYTES))
            self._cache = GainCache(self.base.base_hash, Path(folder), budget)
        return self._cache

    def _load_adapter(self, lora_request: LoRARequest) -> LoRAModel:
        ready = take(lora_request.lora_path)
        if ready is None:
            ready = self._ready(self._read(lora_request))
        names = {name: self._vllm_name(name) for name in ready.layers}
        for name, layer in ready.layers.items():
            self._check_shape(name, names[name], layer)
        loras = {names[name]: _weights(names[name], layer) for name, layer in ready.layers.items()}
        model = ExactLoRAModel(lora_request.lora_int_id, ready.rank, loras)
        model.gains = {names[name]: layer.gain for name, layer in ready.layers.items() if layer.gain is not None}
        return model

    def _read(self, lora_request: LoRARequest) -> AdapterFiles:
        folder = Path(get_adapter_absolute_path(lora_request.lora_path))
        try:
            adapter = read_adapter(folder, self.max_position_embeddings)
        except FileNotFoundError as error:
            raise LoRAAdapterNotFoundError(lora_request.lora_name, lora_request.lora_path) from error
        without_dora(adapter.helper).validate_legal(self.lora_config)
        if adapter.base_hash is not None and adapter.base_hash != self.base.base_hash:
            detail = f"is of base {adapter.base_hash}, not {self.base.base_hash}"
            raise PackageRejected("base", str(folder), detail)
        return adapter

    def _ready(self, adapter: AdapterFiles) -> ReadyAdapter:
        for name, module in adapter.modules.items():
            # Before gains are computed: they need the layer.
            self._check_shape(name, self._vllm_name(name), module)
        gains: Gains = {}
        if adapter.dora:
            gains = self.gains.of(adapter.identity, adapter.modules, self.base.weight)
        return make_ready(adapter.helper.r, adapter.modules, gains, self.lora_config.lora_dtype)

    def _vllm_name(self, name: str) -> str:
        mapper = getattr(self._adapter_manager.model, "hf_to_vllm_mapper", None)
        renames = None if mapper is None else mapper.get_rename_mapper()
        vllm_name: str
        vllm_name, _ = parse_fine_tuned_lora_name(f"base_model.model.{name}.lora_A.weight", renames)
        return vllm_name

    def _check_shape(self, name: str, vllm_name: str, module: ModuleAdapter | ReadyLayer) -> None:
        manager: ExactModelManager = self._adapter_manager
        found = manager.layer_of(vllm_name)
        if found is None:
            raise PackageRejected("target", name, NO_LINEAR)
        layer, index = found
        shape, own = layer.matrix_shape(index), (module.b.shape[0], module.a.shape[1])
        if own != shape:
            raise PackageRejected("shape", name, f"the adapter is for {own}, the model's layer is {shape}")


def _weights(name: str, layer: ReadyLayer) -> LoRALayerWeights:
    rank = len(layer.a)
    return LoRALayerWeights(name, rank, rank, layer.a, layer.b, scaling=1.0)


def _model_folder(model: str, revision: str | None) -> Path:
    if os.path.isdir(model):
        return Path(model)
    return Path(snapshot_download(model, revision=revision, local_files_only=True))
