import numpy as np
import pytest

from r3mes_ray.errors import InvalidInput
from r3mes_ray.serving.retrieval.chunks import Chunk
from r3mes_ray.serving.retrieval.index import PassageIndex
from r3mes_ray.serving.retrieval.retriever import Passage, Retriever, open_retriever
from r3mes_ray.settings import RetrievalSettings

CHUNKS = (Chunk("o.txt", 0, 0, "light prism"), Chunk("o.txt", 1, 20, "light"), Chunk("l.txt", 0, 0, "licence"))


def test_retrieve_question_gives_best_first_above_the_least_score(axis_embedder):
    embedder = axis_embedder(("light", "prism", "licence"))
    retriever = Retriever(CHUNKS, embedder, passages=3, min_score=0.2)
    found = retriever.retrieve(embedder.embed(["light"])[0])
    assert found == (
        Passage("o.txt", 1, pytest.approx(1.0), "light"),
        Passage("o.txt", 0, pytest.approx(0.5**0.5), "light prism"),
    )


def test_retrieve_more_passages_than_asked_for_are_cut(axis_embedder):
    embedder = axis_embedder(("light", "prism", "licence"))
    retriever = Retriever(CHUNKS, embedder, passages=1, min_score=-1.0)
    assert [passage.chunk for passage in retriever.retrieve(embedder.embed(["light"])[0])] == [1]


def test_retrieve_from_no_documents_is_empty(axis_embedder):
    embedder = axis_embedder(("light",))
    assert Retriever((), embedder, passages=2, min_score=0.0).retrieve(embedder.embed(["light"])[0]) == ()


def test_search_vector_of_another_embedder_is_refused():
    index = PassageIndex(np.eye(3, dtype=np.float32))
    with pytest.raises(InvalidInput, match="3 dimensions"):
        index.search(np.ones(4, dtype=np.float32), 1)


def test_search_equals_brute_force():
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(50, 16)).astype(np.float32)
    question = rng.normal(size=16).astype(np.float32)
    expected = np.argsort(-(vectors @ question))[:7]
    found = PassageIndex(vectors).search(question, 7)
    assert [row for row, _ in found] == expected.tolist()
    np.testing.assert_allclose([score for _, score in found], (vectors @ question)[expected], rtol=1e-5)


def test_open_retriever_folder_is_cut_and_indexed(tmp_path, axis_embedder):
    (tmp_path / "a.txt").write_text("light " * 40)
    (tmp_path / "bad.md").write_bytes(b"\xff")
    embedder = axis_embedder(("light",))
    retriever = open_retriever(RetrievalSettings(chunk_chars=100), tmp_path, embedder)
    assert len(retriever) == 3
