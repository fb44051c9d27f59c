"""Text embeddings: the port in `base`, `hashing` (no files needed) and `minilm`."""

from __future__ import annotations

from typing import Literal

from r3mes_ray.serving.embedding.base import Embedder, Vector, Vectors
from r3mes_ray.serving.embedding.hashing import HashingEmbedder
from r3mes_ray.serving.embedding.minilm import MiniLmEmbedder, model_folder

__all__ = ["Embedder", "Vector", "Vectors", "open_embedder"]


def open_embedder(kind: Literal["auto", "minilm", "hashing"]) -> Embedder:
    """Open the embedder of a settings choice; `auto` takes MiniLM where its files are installed.

    Raises:
        ConfigError: `minilm` was asked for and is not installed.
    """
    if kind == "hashing" or (kind == "auto" and model_folder() is None):
        return HashingEmbedder()
    return MiniLmEmbedder()
