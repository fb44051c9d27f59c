"""The embedded store: damage, garbage collection, limits, several processes, and a kill at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from r3mes_ray.content.collector import StoreFolder, collect
from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.disk_writer import DiskWriter
from r3mes_ray.content.importer import cid_of_path
from r3mes_ray.content.upkeep import Collected
from r3mes_ray.errors import ContentCorrupt, ContentNotFound, StoreFull
from r3mes_ray.protocol.cid import CidParts, cid_of, parse_cid

KIB = 1024


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root) -> DiskStore:
    return DiskStore(root, 2**30)


def block_files(root: Path) -> list[Path]:
    return [path for path in (root / "blocks").rglob("*") if path.is_file()]


def file_with(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def age(root: Path, data: bytes, seconds: int) -> None:
    path = StoreFolder.open(root).blocks.path(parse_cid(cid_of(data)).digest)
    os.utime(path, (seconds, seconds))


async def test_add_file_is_on_disk_under_its_digest(store, root, tmp_path):
    cid = await store.add(file_with(tmp_path, "f", b"hello world\n"))
    digest = "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447"
    assert cid == "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"
    assert (root / "blocks" / "47" / digest).read_bytes() == b"hello world\n"
    assert (root / "pins" / cid).exists()


@pytest.mark.parametrize("damage", [b"hello World\n", b"hello world", b"", bytes(3 * 2**20)])
async def test_get_damaged_block_is_refused_and_named_by_verify(store, root, tmp_path, damage):
    cid = await store.add(file_with(tmp_path, "f", b"hello world\n"))
    block_files(root)[0].write_bytes(damage)
    with pytest.raises(ContentCorrupt, match=cid):
        await store.get(cid, tmp_path / "out")
    found = await store.verify()
    assert (found.damaged, [pin.root for pin in found.incomplete]) == ((cid,), [cid])
    await store.discard(found.damaged)
    with pytest.raises(ContentNotFound):
        await store.get(cid, tmp_path / "out")


async def test_add_over_a_damaged_block_heals_it(store, root, tmp_path):
    cid = await store.add(file_with(tmp_path, "f", b"hello world\n"))
    block_files(root)[0].write_bytes(b"hello World\n")
    await store.add(tmp_path / "f")
    await store.get(cid, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"hello world\n"


async def test_verify_damaged_directory_is_named_with_its_own_cid(store, root, tmp_path):
    (tmp_path / "d").mkdir()
    cid = await store.add(tmp_path / "d")
    block_files(root)[0].write_bytes(b"")
    assert (await store.verify()).damaged == (cid,)


async def test_verify_missing_part_of_a_pin_is_named(store, root, tmp_path):
    (tmp_path / "d").mkdir()
    file_with(tmp_path / "d", "f", b"x")
    cid = await store.add(tmp_path / "d")
    await store.discard([cid_of(b"x")])
    [incomplete] = (await store.verify()).incomplete
    assert (incomplete.root, incomplete.block) == (cid, cid_of(b"x"))


async def test_collect_keeps_pins_and_drops_the_rest(store, root, tmp_path):
    kept = await store.add(file_with(tmp_path, "kept", bytes(3 * 2**20)))
    dropped = await store.add(file_with(tmp_path, "dropped", b"dropped"))
    await store.unpin(dropped)
    assert await store.collect() == Collected(1, 7)
    await store.get(kept, tmp_path / "out")
    with pytest.raises(ContentNotFound):
        await store.stat(dropped)


async def test_collect_keeps_what_two_pins_share_until_both_are_gone(store, tmp_path):
    (tmp_path / "d").mkdir()
    whole = await store.add(file_with(tmp_path / "d", "f", b"shared"))
    folder = await store.add(tmp_path / "d")
    await store.unpin(whole)
    assert (await store.collect()).blocks == 0
    await store.unpin(folder)
    assert (await store.collect()).blocks == 2


async def test_collect_with_an_unreadable_pin_deletes_nothing(store, root, tmp_path):
    (tmp_path / "d").mkdir()
    file_with(tmp_path / "d", "f", b"x")
    folder = await store.add(tmp_path / "d")
    await store.discard([folder])
    with pytest.raises(ContentNotFound, match=folder):
        await store.collect()
    assert len(block_files(root)) == 1


def test_collect_keeps_blocks_of_an_unfinished_operation(root):
    folder, block = StoreFolder.open(root), b"not pinned yet"
    cid = parse_cid(cid_of(block))
    with DiskWriter(folder, 2**30) as writer:
        writer.write(cid, block)
        assert collect(StoreFolder.open(root), 0) == Collected(0, 0)
    assert collect(folder, 0) == Collected(1, len(block))


def test_collect_keeps_what_an_operation_found_here(root):
    folder, block = StoreFolder.open(root), b"here before"
    cid = parse_cid(cid_of(block))
    with DiskWriter(folder, 2**30) as first:
        first.write(cid, block)
    with DiskWriter(folder, 2**30) as second:
        assert second.keep(cid) == len(block)
        assert collect(folder, 0) == Collected(0, 0)
        second.pin(cid)
    assert collect(folder, 0) == Collected(0, 0)


def test_collect_removes_what_a_dead_operation_left(root):
    folder = StoreFolder.open(root)
    (folder.leases / "dead").write_bytes(bytes(32))
    (folder.temporary / "dead.0").write_bytes(b"half a bl")
    collect(folder, 0)
    assert os.listdir(folder.leases) == os.listdir(folder.temporary) == []


async def test_add_over_the_limit_drops_the_least_recently_used(root, tmp_path):
    store = DiskStore(root, 100 * KIB)
    files = [bytes([number]) * 30 * KIB for number in range(4)]
    for number, data in enumerate(files[:3]):
        await store.unpin(await store.add(file_with(tmp_path, "f", data)))
        age(root, data, 1000 + number)
    await store.get(cid_of(files[0]), tmp_path / "out")
    await store.add(file_with(tmp_path, "f", files[3]))
    left = {path.read_bytes()[0] for path in block_files(root)}
    assert left == {0, 2, 3}


async def test_add_beyond_what_pins_leave_is_refused_and_pins_stay_readable(root, tmp_path):
    store = DiskStore(root, 100 * KIB)
    kept = await store.add(file_with(tmp_path, "kept", b"a" * 90 * KIB))
    with pytest.raises(StoreFull, match="102400 bytes"):
        await store.add(file_with(tmp_path, "more", b"b" * 20 * KIB))
    await store.get(kept, tmp_path / "out")
    await store.unpin(kept)
    await store.add(tmp_path / "more")


async def test_add_larger_than_the_limit_is_refused_and_collected(root, tmp_path):
    store = DiskStore(root, 3 * 2**20)
    with pytest.raises(StoreFull):
        await store.add(file_with(tmp_path, "f", os.urandom(6 * 2**20)))
    await store.collect()
    assert (block_files(root), await store.pins()) == ([], ())


async def test_usage_too_high_after_a_crash_is_recounted(root, tmp_path):
    store = DiskStore(root, 100 * KIB)
    (root / "used_bytes").write_text(str(10**9))
    await store.add(file_with(tmp_path, "f", b"a" * 50 * KIB))
    assert (root / "used_bytes").read_text() == str(50 * KIB)


async def test_pin_of_content_that_is_not_whole_is_refused(store, tmp_path):
    (tmp_path / "d").mkdir()
    file_with(tmp_path / "d", "f", b"x")
    folder = await store.add(tmp_path / "d")
    await store.unpin(folder)
    await store.discard([cid_of(b"x")])
    with pytest.raises(ContentNotFound, match=cid_of(b"x")):
        await store.pin(folder)
    assert await store.pins() == ()


def test_read_is_not_disturbed_by_foreign_files(root):
    folder = StoreFolder.open(root)
    (root / "blocks" / "00" / "README").write_text("not a block")
    assert collect(folder, 0) == Collected(0, 0)
    assert (root / "blocks" / "00" / "README").exists()


async def test_add_and_collect_at_the_same_time_never_lose_a_pin(root, tmp_path):
    sources = [file_with(tmp_path, f"f{number}", bytes([number]) * 5000) for number in range(12)]
    stores = [DiskStore(root, 2**30) for _ in range(2)]

    async def add_all() -> None:
        for source in sources:
            cid = await stores[0].add(source)
            await stores[0].unpin(cid)
            await stores[0].add(source)

    adding = asyncio.create_task(add_all())
    while not adding.done():
        await stores[1].collect()
    await adding
    assert (await stores[0].verify()).incomplete == ()
    assert len(await stores[0].pins()) == 12


ADD_FOREVER = """
import asyncio, os, sys
from pathlib import Path
from r3mes_ray.content.disk import DiskStore

async def main(root, source):
    store = DiskStore(root, 2**30)
    for number in range(10**6):
        source.write_bytes(number.to_bytes(4, "big") * 600_000)
        print(await store.add(source), flush=True)

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def kill_while_adding(root: Path, source: Path, after: int) -> list[str]:
    process = subprocess.Popen([sys.executable, "-c", ADD_FOREVER, root, source], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = [process.stdout.readline() for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    printed += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    return [line.strip() for line in printed if line.endswith("\n")]


def check_after_kill(root: Path, printed: list[str]) -> None:
    store = DiskStore(root, 2**30)
    assert set(printed) <= set(asyncio.run(store.pins()))
    found = asyncio.run(store.verify())
    assert (found.damaged, found.incomplete) == ((), ())
    asyncio.run(store.collect())
    for cid in asyncio.run(store.pins()):
        asyncio.run(store.unpin(cid))
    asyncio.run(store.collect())
    assert (block_files(root), os.listdir(root / "tmp"), os.listdir(root / "leases")) == ([], [], [])


def test_kill_while_adding_leaves_every_pin_readable(root, tmp_path):
    check_after_kill(root, kill_while_adding(root, tmp_path / "source", 3))


@pytest.mark.soak
@pytest.mark.parametrize("after", [number % 7 + 1 for number in range(100)])
def test_kill_while_adding_at_many_moments_leaves_every_pin_readable(root, tmp_path, after):
    check_after_kill(root, kill_while_adding(root, tmp_path / "source", after))


def test_block_larger_than_two_mebibytes_is_corrupt(root):
    folder, big = StoreFolder.open(root), bytes(2 * 2**20 + 1)
    cid = CidParts(1, 0x55, parse_cid(cid_of(big)).digest)
    folder.blocks.path(cid.digest).write_bytes(big)
    with pytest.raises(ContentCorrupt):
        folder.blocks.read(cid)


async def test_stat_counts_bytes_as_often_as_they_are_linked_and_blocks_once(store, tmp_path):
    (tmp_path / "d").mkdir()
    file_with(tmp_path / "d", "a", b"same")
    file_with(tmp_path / "d", "b", b"same")
    found = await store.stat(await store.add(tmp_path / "d"))
    assert (found.file_bytes, found.blocks, found.pinned) == (8, 2, True)
    assert cid_of_path(tmp_path / "d") == found.cid
