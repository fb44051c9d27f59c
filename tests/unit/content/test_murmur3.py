"""Published values of MurmurHash3 x64-128, first half."""

from __future__ import annotations

import pytest

from r3mes_ray.content.murmur3 import murmur3_64


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "0000000000000000"),
        (b"hello", "cbd8a7b341bd9b02"),
        (b"hello, world", "342fac623a5ebc8e"),
        (b"The quick brown fox jumps over the lazy dog", "e34bbc7bbc071b6c"),
    ],
)
def test_murmur3_64_published_value(data, expected):
    assert murmur3_64(data).hex() == expected
