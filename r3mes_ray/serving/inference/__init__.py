"""The engine: the port in `base`, the `transformers` reference backend, and vLLM."""

from __future__ import annotations

from typing import assert_never

from r3mes_ray.serving.inference.base import InferenceBackend
from r3mes_ray.serving.inference.opened import Opened
from r3mes_ray.settings import Settings, TransformersEngine, VllmEngine

__all__ = ["InferenceBackend", "Opened", "open_backend"]


def open_backend(settings: Settings) -> Opened:
    """Load the base that the settings name into the engine that they choose, and start it.

    Raises:
        ModelError: the base cannot be loaded.
        ConfigError: the engine is not part of this installation, or cannot run here.
    """
    # Imported here: the gateway knows the port's values and must load neither torch nor vLLM.
    match settings.serving.engine:
        case TransformersEngine() as chosen:
            from r3mes_ray.serving.inference.transformers_backend import open_transformers

            return open_transformers(settings, chosen)
        case VllmEngine() as chosen:
            from r3mes_ray.serving.inference.vllm_backend import open_vllm

            return open_vllm(settings, chosen)
        case other:
            assert_never(other)
