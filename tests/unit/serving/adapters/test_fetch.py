import asyncio
import shutil

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.errors import ContentCorrupt, ContentNotFound, InvalidInput, PackageRejected
from r3mes_ray.models.base import load_base
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.serving.adapters.fetch import PackageFetcher, package_bytes
from r3mes_ray.serving.routing.profiles import fetch_profile
from r3mes_ray.settings import Settings
from r3mes_ray.types import AdapterId, Cid


@pytest.fixture(scope="module")
def base():
    return load_base("tiny", threads=1)


@pytest.fixture
def store(tmp_path):
    return open_store(Settings(home=tmp_path / "home"))


@pytest.fixture
def fetcher(store, base):
    return PackageFetcher(store, base.linear_shapes, base.base_hash)


async def test_fetch_package_is_checked_and_decoded(store, fetcher, base, package_folder):
    cid = await store.add(package_folder(base, expert="optics", version=2))
    package = await fetcher.fetch(AdapterId("optics", 2, cid))
    assert (package.manifest.expert, package.manifest.version) == ("optics", 2)
    assert package_bytes(package) == sum(tensor.nbytes for tensor in package.tensors.values()) > 0


@pytest.mark.parametrize(("expert", "version"), [("optics", 3), ("legal", 2)])
async def test_fetch_package_of_another_version_or_expert_is_refused(
    store, fetcher, base, package_folder, expert, version
):
    cid = await store.add(package_folder(base, expert="optics", version=2))
    with pytest.raises(PackageRejected, match="the package is optics@2"):
        await fetcher.fetch(AdapterId(expert, version, cid))


async def test_fetch_package_of_another_base_is_refused(store, fetcher, base, package_folder):
    cid = await store.add(package_folder(base, expert="optics", version=1, base_hash="ab" * 32))
    with pytest.raises(PackageRejected, match="abab"):
        await fetcher.fetch(AdapterId("optics", 1, cid))


async def test_fetch_folder_that_is_no_package_is_refused(store, fetcher, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "adapter_model.bin").write_bytes(b"\x80\x04pickle")
    cid = await store.add(tmp_path / "other")
    with pytest.raises(PackageRejected, match="files"):
        await fetcher.fetch(AdapterId("optics", 1, cid))


async def test_fetch_unknown_cid_is_not_found(fetcher):
    with pytest.raises(ContentNotFound):
        await fetcher.fetch(AdapterId("o", 1, Cid("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")))


async def test_fetch_tampered_block_is_refused(store, fetcher, base, package_folder, tmp_path):
    cid = await store.add(package_folder(base, expert="optics", version=1))
    blocks = [path for path in (tmp_path / "home" / "content").rglob("*") if path.is_file()]
    largest = max(blocks, key=lambda path: path.stat().st_size)
    largest.chmod(0o644)
    data_before = largest.read_bytes()
    data = bytearray(data_before)
    data[len(data) // 2] ^= 1
    largest.write_bytes(data)
    with pytest.raises(ContentCorrupt) as caught:
        await fetcher.fetch(AdapterId("optics", 1, cid))
    assert caught.value.cid == cid_of(data_before)
    assert str(largest) in str(caught.value)
    assert "r3mes content verify" in (caught.value.hint or "")


async def test_fetch_profile_is_read_through_the_store(store, tmp_path):
    (tmp_path / "expert.json").write_text('{"description": "light", "keywords": ["prism"]}')
    profile = await fetch_profile(store, "optics", await store.add(tmp_path / "expert.json"))
    assert (profile.name, profile.description, profile.keywords) == ("optics", "light", ("prism",))


async def test_fetch_profile_that_is_a_folder_is_refused(store, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_text("x")
    cid = await store.add(tmp_path / "d")
    shutil.rmtree(tmp_path / "d")
    with pytest.raises(InvalidInput, match="folder"):
        await asyncio.wait_for(fetch_profile(store, "optics", cid), 10)
