"""CIDs against vectors of kubo and npm's importer, and what an import refuses."""

from __future__ import annotations

import dataclasses
import io
import os

import pytest

from r3mes_ray.content.blocks import NoSink
from r3mes_ray.content.importer import cid_of_path, import_path, import_stream
from r3mes_ray.content.profile import CIDV1_RAW_256KIB_174, PROFILES, UNIXFS_V0_2015, UNIXFS_V1_2025, profile_named
from r3mes_ray.errors import ConfigError, InvalidInput

V1_WRAPPED = dataclasses.replace(UNIXFS_V1_2025, raw_leaves=False)
CONTENT = {
    "empty": b"",
    "hello": b"hello world\n",
    "z256k1": bytes(262145),
    "m1_i251": bytes(i % 251 for i in range(2**20)),
}


def cid_of(data, profile):
    return import_stream(io.BytesIO(data), profile, NoSink()).cid.text


@pytest.mark.parametrize("name", CONTENT)
@pytest.mark.parametrize("profile", PROFILES)
def test_import_golden_file_has_the_cid_of_npm(golden_cids, name, profile):
    assert cid_of(CONTENT[name], PROFILES[profile]) == golden_cids[name][profile]


@pytest.mark.parametrize(
    ("data", "profile", "expected"),
    [
        (b"hello world", UNIXFS_V0_2015, "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD"),
        (b"hello world", UNIXFS_V1_2025, "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
        (b"hello world", V1_WRAPPED, "bafybeihykld7uyxzogax6vgyvag42y7464eywpf55gxi5qpoisibh3c5wa"),
        (b"Hello Worlds!\n", UNIXFS_V0_2015, "QmVr26fY1tKyspEJBniVhqxQeEjhF78XerGiqWAwraVLQH"),
        (b"Hello Venus!\n", UNIXFS_V0_2015, "QmU5kp3BH3B8tnWUU2Pikdb2maksBNkb92FHRr56hyghh4"),
        (
            b"hello application/vnd.ipld.car\n",
            UNIXFS_V1_2025,
            "bafkreifkam6ns4aoolg3wedr4uzrs3kvq66p4pecirz6y2vlrngla62mxm",
        ),
        (bytes(2**20), UNIXFS_V0_2015, "QmVkbauSDEaMP4Tkq6Epm9uW75mWm136n81YH8fGtfwdHU"),
        (bytes(2**20), UNIXFS_V1_2025, "bafkreibq4fevl27rgurgnxbp7adh42aqiyd6ouflxhj3gzmcxcxzbh6lla"),
        (bytes(2**20), CIDV1_RAW_256KIB_174, "bafybeiggzq4ryi7hscq5hzvzcnk4urnxt3asp37dhgvnjilf7exskximla"),
    ],
)
def test_import_small_file_has_the_cid_of_kubo(data, profile, expected):
    assert cid_of(data, profile) == expected


@pytest.mark.parametrize(
    ("size", "seed", "profile", "expected"),
    [
        (2**18, "chunk-v0-seed", UNIXFS_V0_2015, "QmWmRj3dFDZdb6ABvbmKhEL6TmPbAfBZ1t5BxsEyJrcZhE"),
        (174 * 2**18, "v0-seed", UNIXFS_V0_2015, "QmUbBALi174SnogsUzLpYbD4xPiBSFANF4iztWCsHbMKh2"),
        (2**20, "chunk-v1-seed", UNIXFS_V1_2025, "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta"),
    ],
)
def test_import_keystream_has_the_cid_of_kubo(keystream, size, seed, profile, expected):
    assert cid_of(keystream(size, seed), profile) == expected


@pytest.mark.soak
@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (0, "bafybeihmf37wcuvtx4hpu7he5zl5qaf2ineo2lqlfrapokkm5zzw7zyhvm"),
        (1, "bafybeibdsi225ugbkmpbdohnxioyab6jsqrmkts3twhpvfnzp77xtzpyhe"),
    ],
)
def test_import_gibibyte_has_the_cid_of_kubo(keystream, extra, expected):
    assert cid_of(keystream(2**30 + extra, "v1-2025-seed"), UNIXFS_V1_2025) == expected


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (UNIXFS_V0_2015, "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"),
        (UNIXFS_V1_2025, "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"),
    ],
)
def test_import_empty_folder_has_the_well_known_cid(tmp_path, profile, expected):
    assert cid_of_path(tmp_path, profile) == expected


def test_import_folder_does_not_depend_on_the_order_of_creation(tmp_path):
    names = ["b", "a", "ä", "Z", ".hidden"]
    for folder, order in (("one", names), ("two", names[::-1])):
        (tmp_path / folder).mkdir()
        for name in order:
            (tmp_path / folder / name).write_text(name)
    assert cid_of_path(tmp_path / "one") == cid_of_path(tmp_path / "two")


def test_import_symbolic_link_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(InvalidInput, match="symbolic links are not followed"):
        cid_of_path(tmp_path)


def test_import_pipe_is_refused_without_reading_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInput, match="no regular file"):
        cid_of_path(tmp_path / "pipe")


def test_import_name_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / os.fsdecode(b"\xff")).write_text("x")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        cid_of_path(tmp_path)


def test_import_sink_that_fails_ends_the_import(tmp_path):
    class FullSink:
        def write(self, cid, block):
            raise OSError("disk is full")

    (tmp_path / "file").write_bytes(bytes(100))
    with pytest.raises(OSError, match="disk is full"):
        import_path(tmp_path / "file", dataclasses.replace(UNIXFS_V1_2025, chunk_bytes=1), FullSink())


@pytest.mark.parametrize(("chunk_bytes", "max_links"), [(0, 174), (2**21, 174), (1, 1), (1, 10**6)])
def test_profile_beyond_the_block_limit_is_refused(chunk_bytes, max_links):
    with pytest.raises(ConfigError):
        dataclasses.replace(UNIXFS_V1_2025, chunk_bytes=chunk_bytes, max_links=max_links)


def test_profile_unknown_name_lists_the_known():
    with pytest.raises(ConfigError, match="unixfs-v1-2025, unixfs-v0-2015"):
        profile_named("v3")
