import numpy as np
import pytest

from r3mes_ray.errors import ConfigError
from r3mes_ray.serving import embedding
from r3mes_ray.serving.embedding import minilm, open_embedder


def test_open_embedder_auto_without_files_takes_hashing(monkeypatch):
    monkeypatch.setattr(embedding, "model_folder", lambda: None)
    assert open_embedder("auto").name == "hashing-1024"


def test_open_embedder_minilm_without_files_names_the_extra(monkeypatch):
    monkeypatch.setattr(minilm, "model_folder", lambda: None)
    with pytest.raises(ConfigError, match=r"r3mes-ray\[minilm\]"):
        open_embedder("minilm")


@pytest.mark.skipif(minilm.model_folder() is None, reason="the files of MiniLM are not installed")
def test_minilm_paraphrase_is_nearer_than_other_domain():
    vectors = open_embedder("auto").embed(
        ["How do lenses bend light?", "Refraction in glass", "Terms of the software licence"]
    )
    assert vectors.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
