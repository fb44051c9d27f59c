"""What every `ContentStore` that keeps content promises. An implementation joins by a line in `STORES`."""

from __future__ import annotations

import os

import pytest

from r3mes_ray.content import ContentStat, ContentStore, Limits, cid_of_path
from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.kubo import KuboStore
from r3mes_ray.content.mirrored import MirroredStore
from r3mes_ray.errors import ContentNotFound, ContentTooLarge, InvalidCid

ABSENT = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"


def disk(request, folder):
    return DiskStore(folder / "store", 2**30)


def kubo(request, folder):
    return KuboStore(request.getfixturevalue("daemon_rpc").multiaddr, timeout_s=10)


def mirrored(request, folder):
    return MirroredStore((DiskStore(folder / "one", 2**30), DiskStore(folder / "two", 2**30)))


STORES = {"disk": disk, "kubo": kubo, "mirrored": mirrored}


@pytest.fixture(params=STORES)
def store(request, tmp_path) -> ContentStore:
    return STORES[request.param](request, tmp_path)


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    (folder / "nested" / "empty").mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(os.urandom(2**20 * 2 + 1))
    (folder / "nested" / "empty.txt").write_bytes(b"")
    return folder


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


async def test_add_returns_the_cid_of_the_path(store, package):
    assert await store.add(package) == cid_of_path(package)


async def test_add_twice_is_the_same(store, package):
    assert await store.add(package) == await store.add(package)


async def test_get_gives_back_what_was_added(store, package, tmp_path):
    await store.get(await store.add(package), tmp_path / "new" / "out")
    assert tree(tmp_path / "new" / "out") == tree(package)


async def test_get_twice_onto_one_target_is_the_same(store, package, tmp_path):
    cid = await store.add(package)
    await store.get(cid, tmp_path / "out")
    await store.get(cid, tmp_path / "out")
    assert tree(tmp_path / "out") == tree(package)


async def test_get_tells_how_far_it_is(store, package, tmp_path):
    heard = []
    await store.get(await store.add(package), tmp_path / "out", progress=heard.append)
    assert heard == sorted(heard)
    assert (len(heard), heard[-1]) == (4, 2**21 + 3)


async def test_get_over_a_limit_leaves_nothing(store, package, tmp_path):
    cid = await store.add(package)
    for limits in (Limits(max_bytes=2**20), Limits(max_blocks=3), Limits(max_depth=1)):
        with pytest.raises(ContentTooLarge):
            await store.get(cid, tmp_path / "to" / "out", limits)
        assert os.listdir(tmp_path / "to") == []


async def test_get_of_content_that_is_nowhere_is_refused(store, tmp_path):
    with pytest.raises(ContentNotFound, match=ABSENT):
        await store.get(ABSENT, tmp_path / "to" / "out", Limits(idle_timeout_s=2))
    assert os.listdir(tmp_path / "to") == []


async def test_get_text_that_is_no_cid_is_refused(store, tmp_path):
    with pytest.raises(InvalidCid):
        await store.get("../etc/passwd", tmp_path / "out")


async def test_stat_after_add_is_pinned_and_complete(store, package):
    cid = await store.add(package)
    assert await store.stat(cid) == ContentStat(cid, 2**21 + 3, 9, True)


async def test_stat_of_content_that_is_nowhere_is_refused(store):
    with pytest.raises(ContentNotFound):
        await store.stat(ABSENT)


async def test_pin_and_unpin_are_idempotent_and_seen_by_stat(store, package):
    cid = await store.add(package)
    for _ in range(2):
        await store.unpin(cid)
        assert not (await store.stat(cid)).pinned
    for _ in range(2):
        await store.pin(cid)
        assert (await store.stat(cid)).pinned


async def test_unpin_of_what_was_never_here_does_nothing(store):
    await store.unpin(ABSENT)


async def test_pin_of_content_that_is_nowhere_is_refused(store):
    with pytest.raises(ContentNotFound):
        await store.pin(ABSENT)
