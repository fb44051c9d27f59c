"""Several stores as one: what is written is in each, what is read comes from the first that has it whole."""

from __future__ import annotations

import pytest

from r3mes_ray.content import cid_of_path, open_store
from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.gateway import Gateways
from r3mes_ray.content.gateway_store import GatewayStore
from r3mes_ray.content.mirrored import MirroredStore
from r3mes_ray.errors import (
    ConfigError,
    ContentCorrupt,
    ContentNotFound,
    ContentReadOnly,
    ContentUnavailable,
    StoreFull,
)
from r3mes_ray.settings import parse_settings

HELLO = "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"
NOBODY = GatewayStore(Gateways(["http://127.0.0.1:1"], timeout_s=1))


@pytest.fixture
def hello(tmp_path):
    (tmp_path / "hello").write_bytes(b"hello world\n")
    return tmp_path / "hello"


@pytest.fixture
def disks(tmp_path):
    return DiskStore(tmp_path / "one", 2**30), DiskStore(tmp_path / "two", 2**30)


async def test_add_is_pinned_in_every_store_that_can_be_written(disks, hello):
    assert await MirroredStore((NOBODY, *disks)).add(hello) == HELLO
    assert [(await disk.stat(HELLO)).pinned for disk in disks] == [True, True]


async def test_add_to_stores_for_reading_alone_is_refused(hello):
    with pytest.raises(ContentReadOnly):
        await MirroredStore((NOBODY,)).add(hello)


async def test_add_that_fails_in_one_store_is_an_error_and_stays_in_the_others(disks, tmp_path):
    (tmp_path / "big").write_bytes(bytes(3 * 2**20))
    store = MirroredStore((DiskStore(tmp_path / "small", 2**20), disks[0]))
    with pytest.raises(StoreFull):
        await store.add(tmp_path / "big")
    assert (await disks[0].stat(cid_of_path(tmp_path / "big"))).pinned


async def test_get_falls_through_stores_that_lack_it_or_cannot_be_asked(disks, hello, tmp_path):
    await disks[1].add(hello)
    await MirroredStore((disks[0], NOBODY, disks[1])).get(HELLO, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"hello world\n"


async def test_get_falls_through_a_damaged_block(disks, hello, tmp_path):
    store = MirroredStore(disks)
    await store.add(hello)
    next(path for path in (tmp_path / "one" / "blocks").rglob("*") if path.is_file()).write_bytes(b"damage")
    await store.get(HELLO, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"hello world\n"
    with pytest.raises(ContentCorrupt):
        await MirroredStore(disks[:1]).get(HELLO, tmp_path / "again")


@pytest.mark.parametrize("order", [1, -1])
async def test_get_of_what_nobody_has_tells_of_the_store_that_could_not_be_asked(disks, tmp_path, order):
    with pytest.raises(ContentUnavailable):
        await MirroredStore((disks[0], NOBODY)[::order]).get(HELLO, tmp_path / "out")
    with pytest.raises(ContentNotFound):
        await MirroredStore(disks).get(HELLO, tmp_path / "out")


async def test_pin_is_wherever_the_content_is_whole(disks, hello):
    await disks[1].add(hello)
    await disks[1].unpin(HELLO)
    await MirroredStore(disks).pin(HELLO)
    assert await disks[1].pins() == (HELLO,)
    await MirroredStore(disks).unpin(HELLO)
    assert await disks[1].pins() == ()


async def test_settings_with_a_mirror_write_to_both(hello, tmp_path):
    mirror = {"kind": "disk", "path": str(tmp_path / "mirror")}
    settings = parse_settings({"home": str(tmp_path / "home"), "content_mirrors": [mirror]})
    await open_store(settings).add(hello)
    for folder in (tmp_path / "home" / "content", tmp_path / "mirror"):
        assert (await DiskStore(folder, 2**30).stat(HELLO)).pinned


def test_settings_with_a_mirror_without_a_place_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="path"):
        parse_settings({"home": str(tmp_path), "content_mirrors": [{"kind": "disk"}]})
