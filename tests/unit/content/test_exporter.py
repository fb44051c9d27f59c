"""Round trips, limits, and what is left behind when a read fails."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r3mes_ray.content.base import DEFAULT_LIMITS, Limits
from r3mes_ray.content.dag_pb import Link
from r3mes_ray.content.exporter import export
from r3mes_ray.content.hamt import bit_field
from r3mes_ray.content.importer import import_path, import_stream
from r3mes_ray.content.profile import UNIXFS_V0_2015, UNIXFS_V1_2025
from r3mes_ray.content.unixfs import directory, file_parent, shard
from r3mes_ray.errors import (
    ContentCorrupt,
    ContentMalformed,
    ContentNotFound,
    ContentTimeout,
    ContentTooLarge,
    InvalidInput,
)
from r3mes_ray.protocol.cid import RAW

NARROW = dataclasses.replace(UNIXFS_V1_2025, chunk_bytes=10, max_links=3)
names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..")
)
trees = st.recursive(st.binary(max_size=300), lambda inner: st.dictionaries(names, inner, max_size=4), max_leaves=8)


def write_tree(path: Path, tree):
    if isinstance(tree, bytes):
        path.write_bytes(tree)
        return
    path.mkdir()
    for name, child in tree.items():
        write_tree(path / name, child)


def read_tree(path: Path):
    if path.is_file():
        return path.read_bytes()
    return {child.name: read_tree(child) for child in path.iterdir()}


def fetch(memory, cid, target, limits=DEFAULT_LIMITS):
    asyncio.run(export(cid, memory, target, limits))


def leaves(memory, data, profile=NARROW):
    return import_stream(io.BytesIO(data), profile, memory).cid


@settings(max_examples=40, deadline=None)
@given(
    tree=trees,
    chunk_bytes=st.integers(1, 400),
    max_links=st.integers(2, 6),
    shard_above_bytes=st.sampled_from([0, 100, 2**18]),
    base=st.sampled_from([UNIXFS_V0_2015, UNIXFS_V1_2025, dataclasses.replace(UNIXFS_V1_2025, raw_leaves=False)]),
)
def test_export_of_an_imported_tree_gives_it_back(new_memory, tree, chunk_bytes, max_links, shard_above_bytes, base):
    memory = new_memory()
    profile = dataclasses.replace(
        base, chunk_bytes=chunk_bytes, max_links=max_links, shard_above_bytes=shard_above_bytes
    )
    with tempfile.TemporaryDirectory() as folder:
        write_tree(Path(folder, "in"), tree)
        root = import_path(Path(folder, "in"), profile, memory).cid
        fetch(memory, root, Path(folder, "out"))
        assert read_tree(Path(folder, "out")) == tree
        assert sorted(os.listdir(folder)) == ["in", "out"]


def test_export_truncated_file_is_corrupt_and_leaves_nothing(memory, tmp_path):
    root = leaves(memory, bytes(range(100)))
    last = next(digest for digest, block in memory.blocks.items() if block == bytes(range(90, 100)))
    memory.blocks[last] = bytes(range(90, 99))
    with pytest.raises(ContentCorrupt):
        fetch(memory, root, tmp_path / "out")
    assert os.listdir(tmp_path) == []


def test_export_missing_block_is_named(memory, tmp_path):
    root = leaves(memory, bytes(range(100)))
    missing = next(digest for digest, block in memory.blocks.items() if block == bytes(range(90, 100)))
    del memory.blocks[missing]
    with pytest.raises(ContentNotFound, match="bafkrei"):
        fetch(memory, root, tmp_path / "out")


def test_export_repeated_is_the_same(memory, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(b"x")
    root = import_path(tmp_path / "in", UNIXFS_V1_2025, memory).cid
    fetch(memory, root, tmp_path / "out")
    fetch(memory, root, tmp_path / "out")
    assert read_tree(tmp_path / "out") == {"file": b"x"}


def test_export_onto_a_folder_with_other_content_is_refused(memory, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("keep")
    with pytest.raises(InvalidInput, match="is there already with other content"):
        fetch(memory, memory.put(directory(())), tmp_path / "mine")
    with pytest.raises(InvalidInput, match="is there already with other content"):
        fetch(memory, leaves(memory, b"file"), tmp_path / "mine")
    assert read_tree(tmp_path) == {"mine": {"precious": b"keep"}}


def test_export_claimed_size_over_the_limit_is_refused_before_children_are_read(memory, tmp_path):
    child = memory.put(b"x", RAW)
    root = memory.put(file_parent((Link(child, b"", 1),), (2**62,)))
    with pytest.raises(ContentTooLarge, match="1000 bytes"):
        fetch(memory, root, tmp_path / "out", Limits(max_bytes=1000))
    assert memory.reads == 1


@pytest.mark.parametrize("claimed", [0, 1, 11, 2**63])
def test_export_child_of_another_size_than_claimed_is_refused(memory, tmp_path, claimed):
    child = memory.put(bytes(10), RAW)
    root = memory.put(file_parent((Link(child, b"", 10),), (claimed,)))
    with pytest.raises(ContentMalformed, match=f"has 10 bytes of file, its parent says {claimed}"):
        fetch(memory, root, tmp_path / "out", Limits(max_bytes=2**64))


def test_export_files_share_one_byte_limit(memory, tmp_path):
    child = memory.put(bytes(600), RAW)
    root = memory.put(directory((Link(child, b"a", 600), Link(child, b"b", 600))))
    with pytest.raises(ContentTooLarge, match="1000 bytes"):
        fetch(memory, root, tmp_path / "out", Limits(max_bytes=1000))
    assert os.listdir(tmp_path) == []


def test_export_duplicate_child_bomb_of_empty_files_ends_at_the_block_limit(memory, tmp_path):
    bomb, width = memory.put(b"", RAW), 1000
    for _ in range(6):
        bomb = memory.put(file_parent((Link(bomb, b"", 0),) * width, (0,) * width))
    with pytest.raises(ContentTooLarge, match="10000 blocks"):
        fetch(memory, bomb, tmp_path / "out", Limits(max_blocks=10_000))
    assert memory.reads < 10_000


def test_export_duplicate_folder_bomb_ends_at_the_block_limit(memory, tmp_path):
    bomb = memory.put(directory(()))
    for _ in range(20):
        bomb = memory.put(directory((Link(bomb, b"a", 0), Link(bomb, b"b", 0))))
    with pytest.raises(ContentTooLarge, match="500 blocks"):
        fetch(memory, bomb, tmp_path / "out", Limits(max_blocks=500))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_export_deep_nesting_ends_at_the_depth_limit(memory, tmp_path, kind):
    deep = memory.put(directory(())) if kind == "folder" else memory.put(b"", RAW)
    for _ in range(33):
        link = Link(deep, b"d" if kind == "folder" else b"", 0)
        deep = memory.put(directory((link,)) if kind == "folder" else file_parent((link,), (0,)))
    with pytest.raises(ContentTooLarge, match="32 levels"):
        fetch(memory, deep, tmp_path / "out")


def test_export_folder_inside_a_file_is_refused(memory, tmp_path):
    root = memory.put(file_parent((Link(memory.put(directory(())), b"", 0),), (0,)))
    with pytest.raises(ContentMalformed, match="linked as a part of a file"):
        fetch(memory, root, tmp_path / "out")


async def test_export_source_that_never_answers_ends_in_time(memory, tmp_path):
    class Silent:
        async def read(self, cid):
            await asyncio.Event().wait()

    with pytest.raises(ContentTimeout):
        await export(memory.put(b""), Silent(), tmp_path / "out", Limits(idle_timeout_s=0.01))


async def test_export_cancelled_leaves_nothing(memory, tmp_path):
    root = leaves(memory, bytes(range(200)))
    arrived = asyncio.Event()

    class Stalling:
        async def read(self, cid):
            if memory.reads == 12:
                arrived.set()
                await asyncio.Event().wait()
            return await memory.read(cid)

    task = asyncio.create_task(export(root, Stalling(), tmp_path / "out", Limits()))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert os.listdir(tmp_path) == []


async def test_export_reads_ahead_at_most_eight_blocks(memory, tmp_path):
    root = leaves(memory, bytes(range(250)))
    running, most = 0, 0

    class Counting:
        async def read(self, cid):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            return await memory.read(cid)

    await export(root, Counting(), tmp_path / "out", Limits())
    assert (tmp_path / "out").read_bytes() == bytes(range(250))
    assert 2 <= most <= 8


def test_export_name_in_the_wrong_shard_is_refused(memory, tmp_path):
    child = memory.put(b"x", RAW)
    below = memory.put(shard((Link(child, b"00hello", 1),), bit_field([0])))
    for root in (below, memory.put(shard((Link(below, b"CB", 1),), bit_field([0xCB])))):
        with pytest.raises(ContentMalformed, match="'hello' is in the wrong shard"):
            fetch(memory, root, tmp_path / "out")


def test_export_name_in_its_shard_is_written(memory, tmp_path):
    below = memory.put(shard((Link(memory.put(b"x", RAW), b"D8hello", 1),), bit_field([0xD8])))
    root = memory.put(shard((Link(below, b"CB", 1),), bit_field([0xCB])))
    fetch(memory, root, tmp_path / "out")
    assert read_tree(tmp_path / "out") == {"hello": b"x"}


def test_export_shard_that_goes_on_as_a_folder_is_refused(memory, tmp_path):
    below = memory.put(directory((Link(memory.put(b"x", RAW), b"hello", 1),)))
    root = memory.put(shard((Link(below, b"CB", 1),), bit_field([0xCB])))
    with pytest.raises(ContentMalformed, match="continued by something else"):
        fetch(memory, root, tmp_path / "out")


def test_export_shards_without_names_end_at_the_depth_limit(memory, tmp_path):
    deep = memory.put(shard((), b""))
    for _ in range(33):
        deep = memory.put(shard((Link(deep, b"00", 1),), bit_field([0])))
    with pytest.raises(ContentTooLarge, match="32 levels"):
        fetch(memory, deep, tmp_path / "out")
