"""300 random files and trees of random chunk sizes and widths, imported by npm's `ipfs-unixfs-importer`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from r3mes_ray.content.blocks import NoSink
from r3mes_ray.content.importer import cid_of_path, import_stream
from r3mes_ray.content.profile import ImportProfile

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "unixfs_npm.json").read_text())


def content(size: int, seed: int) -> bytes:
    data, x = bytearray(), seed
    for _ in range(size):
        x = (x * 1103515245 + 12345) % 2**32
        data.append(x >> 16 & 255)
    return bytes(data)


@pytest.mark.parametrize("cid_version", [0, 1])
def test_import_random_files_have_the_cids_of_npm(cid_version):
    checked = 0
    for size, seed, chunk_bytes, max_links, version, raw_leaves, cid in GOLDEN["files"]:
        if version == cid_version:
            profile = ImportProfile("random", version, raw_leaves, chunk_bytes, max_links)
            assert import_stream(io.BytesIO(content(size, seed)), profile, NoSink()).cid.text == cid
            checked += 1
    assert checked > 100


@pytest.mark.parametrize("index", range(60))
def test_import_random_tree_has_the_cid_of_npm(tmp_path, index):
    entries, chunk_bytes, max_links, version, raw_leaves, cid = GOLDEN["trees"][index]
    for path, file in entries:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file is None:
            target.mkdir()
        else:
            target.write_bytes(content(*file))
    assert cid_of_path(tmp_path, ImportProfile("random", version, raw_leaves, chunk_bytes, max_links)) == cid


@pytest.mark.parametrize(("count", "estimate", "cid"), GOLDEN["shards"])
def test_import_folder_around_and_above_the_shard_limit_has_the_cid_of_npm(tmp_path, count, estimate, cid):
    for number in range(count):
        (tmp_path / f"file-{number}").write_text(str(number))
    measured = estimate.removesuffix("-bytes")
    version = 1 if measured == "block" else 0
    profile = ImportProfile("sharded", version, version == 1, 2**18, 174, 310, measured)
    assert cid_of_path(tmp_path, profile) == cid
