"""A real IPFS daemon on loopback: what it adds and what we add have one CID, and each reads the other's."""

from __future__ import annotations

import asyncio
import os
import time

import ipfshttpclient
import pytest
from npm import install

from r3mes_ray.bench.js_ipfs import PACKAGES, JsIpfs
from r3mes_ray.content.base import Limits
from r3mes_ray.content.disk import DiskStore
from r3mes_ray.content.kubo import KuboStore
from r3mes_ray.content.profile import PROFILES, UNIXFS_V0_2015, UNIXFS_V1_2025
from r3mes_ray.errors import ContentTimeout
from r3mes_ray.protocol.cid import cid_of

# The first run installs the daemon's packages.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with JsIpfs(install("js-ipfs", PACKAGES), tmp_path_factory.mktemp("js-ipfs") / "repo") as daemon:
        yield daemon


@pytest.fixture(scope="module")
def client(daemon):
    with ipfshttpclient.Client(daemon.api_address, timeout=60) as client:
        yield client


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    (folder / "nested").mkdir(parents=True)
    (folder / "model").write_bytes(os.urandom(5 * 2**20 + 1))
    (folder / "nested" / "empty").write_bytes(b"")
    (folder / "config é.json").write_text("{}")
    return folder


def added(client, path, profile) -> str:
    """Add a file or folder through the daemon; the root comes last."""
    base = {"cid-base": "base32"} if profile.cid_version == 1 else {}
    answer = client.add(
        path,
        recursive=True,
        raw_leaves=profile.raw_leaves,
        chunker=f"size-{profile.chunk_bytes}",
        opts={"cid-version": profile.cid_version, **base},
    )
    return (answer[-1] if isinstance(answer, list) else answer)["Hash"]


def is_pinned(client, cid) -> bool:
    """What the daemon says of a root itself."""
    try:
        return bool(client.pin.ls(cid, type="recursive")["Keys"])
    except ipfshttpclient.exceptions.ErrorResponse as error:
        if "is not pinned" not in str(error):
            raise
        return False


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_add_through_the_daemon_and_through_us_has_one_cid(daemon, client, package, tmp_path, profile):
    ours = KuboStore(daemon.api_address, 60, profile)
    embedded = DiskStore(tmp_path / "store", 2**30, profile=profile)
    for path in (package, package / "model", package / "nested" / "empty"):
        cid = added(client, path, profile)
        assert asyncio.run(ours.add(path)) == cid
        assert asyncio.run(embedded.add(path)) == cid


@pytest.mark.parametrize("profile", [UNIXFS_V1_2025, UNIXFS_V0_2015], ids=lambda profile: profile.name)
def test_what_we_add_the_daemon_reads(daemon, client, package, profile):
    cid = asyncio.run(KuboStore(daemon.api_address, 60, profile).add(package))
    assert client.cat(f"{cid}/model") == (package / "model").read_bytes()
    assert {link["Name"] for link in client.ls(cid)["Objects"][0]["Links"]} == {"model", "nested", "config é.json"}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_what_the_daemon_adds_we_read(daemon, client, package, tmp_path, profile):
    cid = added(client, package, profile)
    asyncio.run(KuboStore(daemon.api_address, 60).get(cid, tmp_path / "out"))
    assert (tmp_path / "out" / "model").read_bytes() == (package / "model").read_bytes()
    assert (tmp_path / "out" / "nested" / "empty").read_bytes() == b""


def test_pin_unpin_and_stat_are_what_the_daemon_lists(daemon, client, package):
    store = KuboStore(daemon.api_address, 60)
    cid = asyncio.run(store.add(package))
    assert is_pinned(client, cid)
    assert asyncio.run(store.stat(cid)).pinned
    assert asyncio.run(store.stat(cid)).file_bytes == 5 * 2**20 + 3
    asyncio.run(store.unpin(cid))
    assert not is_pinned(client, cid)
    assert not asyncio.run(store.stat(cid)).pinned
    asyncio.run(store.pin(cid))
    assert asyncio.run(store.stat(cid)).pinned


def test_commands_over_a_daemon_add_and_get(daemon, client, package, tmp_path, new_home, r3mes):
    home = new_home(tmp_path / "home", content={"kind": "kubo", "api_address": daemon.api_address})
    code, said, error = r3mes("content", "add", package, "--home", home)
    assert code == 0, error
    assert said["cid"] == added(client, package, UNIXFS_V1_2025)
    assert r3mes("content", "get", said["cid"], tmp_path / "out", "--home", home)[0] == 0
    assert (tmp_path / "out" / "model").read_bytes() == (package / "model").read_bytes()


def test_get_of_a_missing_cid_ends_in_time(daemon, tmp_path):
    begun, absent = time.monotonic(), cid_of(os.urandom(32))
    with pytest.raises(ContentTimeout):
        asyncio.run(KuboStore(daemon.api_address, 2).get(absent, tmp_path / "out", Limits(idle_timeout_s=5)))
    assert time.monotonic() - begun < 30
    assert not (tmp_path / "out").exists()
