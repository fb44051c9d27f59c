"""Random files and trees: the CIDs of npm's `ipfs-unixfs-importer`, asked live, and ours."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from npm import install

from r3mes_ray.content import cid_of_path
from r3mes_ray.content.profile import ImportProfile

pytestmark = pytest.mark.e2e
SCRIPT = Path(__file__).with_name("importer.mjs")


class NpmImporter:
    def __init__(self, folder: Path) -> None:
        shutil.copy(SCRIPT, folder)
        self.process = subprocess.Popen(
            ["node", str(folder / SCRIPT.name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def cid(self, root: Path, profile: ImportProfile) -> str:
        """The CID of a file or folder. An entry for each file, and for each folder that has none."""
        paths = [root] if root.is_file() else [path for path in [root, *root.rglob("*")] if _is_leaf(path)]
        entries = [
            (f"root/{path.relative_to(root)}" if path != root else "root", _content(path)) for path in sorted(paths)
        ]
        numbers = asdict(profile)
        wanted = {
            "entries": entries,
            "cidVersion": numbers["cid_version"],
            "rawLeaves": numbers["raw_leaves"],
            "chunkBytes": numbers["chunk_bytes"],
            "maxLinks": numbers["max_links"],
            "shardAboveBytes": numbers["shard_above_bytes"],
            "shardEstimate": profile.shard_estimate,
        }
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def stop(self) -> None:
        self.process.stdin.close()
        assert self.process.wait(20) == 0


def _is_leaf(path: Path) -> bool:
    return path.is_file() or not any(path.iterdir())


def _content(path: Path) -> str | None:
    return base64.b64encode(path.read_bytes()).decode() if path.is_file() else None


@pytest.fixture(scope="module")
def npm():
    importer = NpmImporter(install("importer", {"ipfs-unixfs-importer": "17.1.1", "blockstore-core": "7.0.1"}))
    yield importer
    importer.stop()


def profiles(shard_above_bytes):
    """Both versions with their own range of widths and chunks."""
    shared = {
        "name": st.just("random"),
        "raw_leaves": st.booleans(),
        "shard_above_bytes": shard_above_bytes,
        "shard_estimate": st.sampled_from(["links", "block"]),
    }
    small = st.integers(8, 64) | st.integers(65, 5000)
    return st.builds(
        ImportProfile,
        cid_version=st.just(0),
        chunk_bytes=small | st.just(2**18),
        max_links=st.integers(2, 174),
        **shared,
    ) | st.builds(
        ImportProfile,
        cid_version=st.just(1),
        chunk_bytes=small | st.just(2**20),
        max_links=st.integers(2, 1024),
        **shared,
    )


# No backslash: npm takes one before a slash for an escape.
names = st.text(
    st.characters(exclude_characters="/\\", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30
).filter(lambda name: name not in (".", ".."))
files = st.tuples(st.integers(0, 2**32), st.integers(0, 2000))
folders = st.dictionaries(
    names, st.recursive(files, lambda inner: st.dictionaries(names, inner, max_size=6), max_leaves=12), max_size=6
)


def write(path: Path, tree) -> None:
    if isinstance(tree, dict):
        path.mkdir()
        for name, child in tree.items():
            write(path / name, child)
    else:
        path.write_bytes(Random(tree[0]).randbytes(tree[1]))


# A counterexample is small enough as it comes: to shrink it takes minutes.
live = settings(max_examples=100, deadline=None, phases=[Phase.reuse, Phase.generate])


def check(npm, content, profile) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "content")
        write(path, content)
        assert cid_of_path(path, profile) == npm.cid(path, profile)


@live
@given(content=st.tuples(st.integers(0, 2**32), st.integers(0, 20_000)), profile=profiles(st.just(2**18)))
def test_random_file_has_the_cid_of_npm(npm, content, profile):
    check(npm, content, profile)


@live
@given(content=folders, profile=profiles(st.just(2**18)))
def test_random_tree_has_the_cid_of_npm(npm, content, profile):
    check(npm, content, profile)


# npm judges a folder's size before the folders in it have CIDs, so that only flat ones can be compared near the limit.
@live
@given(
    content=st.dictionaries(names, st.tuples(st.integers(0, 2**32), st.integers(0, 50)), max_size=25),
    profile=profiles(st.integers(0, 1500)),
)
def test_random_folder_around_the_shard_limit_has_the_cid_of_npm(npm, content, profile):
    check(npm, content, profile)
