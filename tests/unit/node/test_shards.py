from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.node.shards import split_corpus


def test_split_deals_paragraphs_in_turn():
    assert split_corpus("a\n\nb\n\nc\n\nd\n\ne", 2) == ("a\n\nc\n\ne\n", "b\n\nd\n")


WORDS = st.text("abc ", min_size=1).filter(str.strip)


@given(st.lists(WORDS, min_size=1), st.integers(1, 5))
def test_split_keeps_every_paragraph_once(paragraphs, count):
    shards = split_corpus("\n\n".join(paragraphs), count)
    found = [part for shard in shards for part in shard.removesuffix("\n").split("\n\n") if part]
    assert len(shards) == count
    assert sorted(found) == sorted(paragraphs)
