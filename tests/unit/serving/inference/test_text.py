from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.serving.inference.text import StopText, TokenText


def decode_bytes(tokens):
    """A tokenizer whose tokens are bytes: what is hardest for streaming."""
    return bytes(tokens).decode("utf-8", errors="replace")


def stream(data: bytes) -> list[str]:
    text = TokenText(decode_bytes)
    return [*(text.push(byte) for byte in data), text.flush()]


def test_token_text_character_of_four_bytes_comes_whole():
    assert stream("a😀b".encode()) == ["a", "", "", "", "😀", "b", ""]


def test_token_text_broken_end_becomes_a_replacement():
    assert stream(b"a" + "é".encode()[:1]) == ["a", "", "\ufffd"]


@given(st.text(max_size=40))
def test_token_text_pieces_join_to_the_text(text):
    assert "".join(stream(text.encode())) == text


def test_token_text_token_whose_text_depends_on_the_one_before_is_kept():
    # As in sentencepiece: the first word loses its space.
    words = ["one", "two", "three"]
    text = TokenText(lambda tokens: " ".join(words[token] for token in tokens))
    assert [text.push(token) for token in (0, 1, 2)] == ["one", " two", " three"]


def pieces(stops, texts):
    stop = StopText(stops)
    return [*(stop.push(text) for text in texts), stop.flush()], stop.found


def test_stop_text_across_pieces_is_found_and_cut():
    assert pieces(["END"], ["abc E", "N", "D tail"]) == (["abc ", "", "", ""], True)


def test_stop_text_that_only_began_is_given_out():
    assert pieces(["END"], ["abc E", "NX"]) == (["abc ", "ENX", ""], False)
    assert pieces(["END"], ["abc EN"]) == (["abc ", "EN"], False)


def test_stop_text_first_of_several_wins():
    assert pieces(["b", "ab"], ["xab"]) == (["x", ""], True)


@given(st.text(alphabet="ab", max_size=20), st.text(alphabet="ab", min_size=1, max_size=3), st.integers(1, 4))
def test_stop_text_any_cutting_equals_partition(text, stop, size):
    given_out, found = pieces([stop], [text[i : i + size] for i in range(0, len(text), size)])
    assert "".join(given_out) == text.partition(stop)[0]
    assert found == (stop in text)
