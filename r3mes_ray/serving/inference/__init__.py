"""The engine: the port in `base`, and the `transformers` reference backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from r3mes_ray.errors import ConfigError
from r3mes_ray.serving.inference.base import InferenceBackend
from r3mes_ray.settings import ServingSettings

if TYPE_CHECKING:
    from r3mes_ray.models.base import BaseModel

__all__ = ["InferenceBackend", "open_backend"]


def open_backend(settings: ServingSettings, base: BaseModel, slots: int) -> InferenceBackend:
    """Start the engine that the settings choose, on a loaded base, with room for adapters in `slots` slots.

    Raises:
        ConfigError: the engine is not part of this installation.
    """
    match settings.engine:
        case "transformers":
            # Imported here: the gateway knows the port's values and must not load torch.
            from r3mes_ray.serving.inference.transformers_backend import start_transformers

            return start_transformers(settings, base, slots)
        case "vllm":
            raise ConfigError("serving.engine", "vllm is not part of this installation; take transformers")
        case other:
            assert_never(other)
