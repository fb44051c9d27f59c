from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.serving.retrieval.chunks import Chunk, cut
from r3mes_ray.serving.retrieval.documents import Document


def pieces(text: str, limit: int) -> list[str]:
    return [chunk.text for chunk in cut(Document("d", text), limit)]


def test_cut_short_document_is_one_chunk():
    assert list(cut(Document("d", "  one  \n"), 100)) == [Chunk("d", 0, 2, "one")]


def test_cut_prefers_paragraphs_then_sentences_then_words():
    assert pieces("aaaa aaaa. b\n\ncccc cccc cc", 16) == ["aaaa aaaa. b", "cccc cccc cc"]
    assert pieces("aaaa aaaa a. cccc cccc cc", 16) == ["aaaa aaaa a.", "cccc cccc cc"]
    assert pieces("aaaa aaaa aaaa cccc cccc", 16) == ["aaaa aaaa aaaa", "cccc cccc"]


def test_cut_word_longer_than_the_limit_is_split():
    assert pieces("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_cut_blank_document_has_no_chunk():
    assert pieces(" \n\n \t", 10) == []


@given(st.text(alphabet="ab .\n", max_size=300), st.integers(5, 60))
def test_cut_any_text_is_covered_by_short_chunks_at_their_places(text, limit):
    chunks = list(cut(Document("d", text), limit))
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert all(0 < len(chunk.text) <= limit for chunk in chunks)
    assert all(text[chunk.start :].startswith(chunk.text) for chunk in chunks)
    assert "".join("".join(chunk.text.split()) for chunk in chunks) == "".join(text.split())
