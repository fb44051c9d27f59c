"""Bytes from outside: an answer or a refusal, never a crash, and no change of state."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r3mes_ray.localnet.codes import Refused
from r3mes_ray.localnet.node import ChainNode


@pytest.fixture(scope="module")
def lab_once(module_lab) -> tuple[ChainNode, bytes]:
    return module_lab.node, module_lab.sign(module_lab.alice, module_lab.transfer(module_lab.alice, module_lab.bob))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_transaction_changed_anywhere_is_refused(lab_once, data: st.DataObject) -> None:
    node, raw = lab_once
    changed = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(raw)))
    candidate = bytes(changed[:end]) + data.draw(st.binary(max_size=6))
    if candidate == raw:
        return
    with pytest.raises(Refused):
        node.add(candidate)
    assert node.pending == 0


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=300))
def test_simulation_of_any_bytes_is_refused(lab_once, raw: bytes) -> None:
    with pytest.raises(Refused):
        lab_once[0].simulate(raw)


@pytest.mark.parametrize("depth", [50, 5_000, 60_000])
def test_transaction_nested_deeply_is_refused(lab, depth: int) -> None:
    raw = b""
    while len(raw) < depth:
        size = len(raw)
        length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14])
        raw = b"\x0a" + length + raw
    with pytest.raises(Refused):
        lab.node.add(raw)
