from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from r3mes_ray.localnet.hashing import full_sum, next_sum
from r3mes_ray.localnet.state import EmptyState, Overlay, after_prefix

KEYS = st.binary(min_size=1, max_size=3)
WRITES = st.dictionaries(KEYS, st.none() | st.binary(max_size=2), max_size=8)


def _stack(layers: list[dict[bytes, bytes | None]]) -> tuple[Overlay, dict[bytes, bytes]]:
    state, model = Overlay(EmptyState()), {}
    for layer in layers:
        state = Overlay(state)
        state.writes.update(layer)
        model.update(layer)
    return state, {key: value for key, value in model.items() if value is not None}


@given(st.lists(WRITES, max_size=3), st.binary(max_size=2), st.binary(max_size=2))
def test_overlay_reads_like_a_dictionary(layers: list, prefix: bytes, start: bytes) -> None:
    state, model = _stack(layers)
    expected = sorted((k, v) for k, v in model.items() if k.startswith(prefix) and k >= start)
    assert list(state.items(prefix, start)) == expected
    assert all(state.get(key) == model.get(key) for layer in layers for key in layer)


@given(WRITES, WRITES)
def test_state_sum_by_writes_equals_the_sum_of_the_whole(first: dict, second: dict) -> None:
    state, model = _stack([first])
    before = full_sum(model.items())
    after = next_sum(before, state, second)
    _, merged = _stack([first, second])
    assert after == full_sum(merged.items())


@settings(max_examples=50)
@given(st.binary(max_size=3), st.binary(max_size=3))
def test_after_prefix_bounds_exactly_the_keys_with_it(prefix: bytes, rest: bytes) -> None:
    bound = after_prefix(prefix)
    assert bound is None or prefix + rest < bound
    assert bound is None or not bound.startswith(prefix)


def test_after_prefix_of_all_ones_has_no_bound() -> None:
    assert after_prefix(b"\xff\xff") is None
    assert after_prefix(b"a\xff") == b"b"
