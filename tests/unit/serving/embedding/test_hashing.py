import numpy as np
import pytest

from r3mes_ray.serving.embedding.hashing import HashingEmbedder, words

FROZEN_PRISM = [53, 90, 117, 246, 470, 668, 688, 739, 913, 928]
EMBEDDER = HashingEmbedder()


def cosine(left: str, right: str) -> float:
    a, b = EMBEDDER.embed([left, right])
    return float(a @ b)


def test_embed_texts_gives_unit_rows():
    vectors = EMBEDDER.embed(["light in a prism", "the licence says nothing", "ünïcode 日本語"])
    assert vectors.shape == (3, 1024)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


def test_embed_text_without_words_is_zero():
    assert not EMBEDDER.embed(["  ?!  ", ""]).any()


def test_embed_nothing_keeps_dimensions():
    assert EMBEDDER.embed([]).shape == (0, 1024)


def test_embed_same_text_in_other_batch_is_identical():
    alone = EMBEDDER.embed(["rays of light"])[0]
    beside = EMBEDDER.embed(["something else", "rays of light"])[1]
    assert alone.tobytes() == beside.tobytes()


def test_embed_known_text_keeps_its_buckets():
    # Frozen: an index that was stored by one version must be searchable by the next.
    vector = EMBEDDER.embed(["prism"])[0]
    assert sorted(int(i) for i in np.flatnonzero(vector)) == FROZEN_PRISM


def test_embed_related_words_are_nearer_than_unrelated():
    related = cosine("How does a prism refract light?", "refraction of light by prisms")
    unrelated = cosine("How does a prism refract light?", "copyright licence of software")
    assert related > 0.3
    assert abs(unrelated) < 0.1


def test_embed_surrogate_does_not_fail():
    assert EMBEDDER.embed(["\ud800 broken"]).shape == (1, 1024)


def test_embed_very_long_text_reads_its_beginning_only():
    head = "light " * 2000
    assert EMBEDDER.embed([head + "licence"]).tobytes() == EMBEDDER.embed([head + "prism"]).tobytes()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is the light?", ["light"]),
        ("to be or not to be", ["to", "be", "or", "not", "to", "be"]),
        ("snake_case & CamelCase", ["snake", "case", "camelcase"]),
    ],
)
def test_words_drops_stop_words_unless_nothing_is_left(text, expected):
    assert words(text) == expected
