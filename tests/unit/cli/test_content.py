"""The commands `r3mes cid` and `r3mes content`, through the entry point."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from r3mes_ray.cli.main import execute

NPM = Path(__file__).parents[2] / "golden" / "unixfs_npm.json"
HELLO = "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"


@pytest.fixture
def r3mes(tmp_path, capsys):
    def call(*arguments: str) -> tuple[int, str, str]:
        code = execute(["--home", str(tmp_path / "home"), *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def hello(tmp_path):
    path = tmp_path / "hello"
    path.write_bytes(b"hello world\n")
    return path


def test_cid_prints_the_cid_alone(r3mes, hello):
    assert r3mes("cid", str(hello)) == (0, f"{HELLO}\n", "")


def test_cid_of_another_profile_is_that_of_kubo(r3mes, hello):
    code, out, _ = r3mes("cid", "--profile", "unixfs-v0-2015", str(hello))
    assert (code, out) == (0, "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o\n")


def test_cid_of_another_chunk_and_width_is_that_of_npm(r3mes, tmp_path):
    size, seed, chunk_bytes, max_links, _, _, expected = next(
        row for row in json.loads(NPM.read_text())["files"] if row[4:6] == [1, True] and row[0] > 2 * row[2]
    )
    data, x = bytearray(), seed
    for _ in range(size):
        x = (x * 1103515245 + 12345) % 2**32
        data.append(x >> 16 & 255)
    (tmp_path / "random").write_bytes(data)
    sizes = ("--chunk-bytes", str(chunk_bytes), "--max-links", str(max_links))
    assert r3mes("cid", str(tmp_path / "random"), *sizes) == (0, f"{expected}\n", "")


def test_cid_unknown_profile_is_an_error_that_lists_the_known(r3mes, hello):
    code, out, err = r3mes("cid", "--profile", "v9", str(hello))
    assert (code, out) == (1, "")
    assert "unixfs-v1-2025" in err


def test_content_added_is_listed_and_comes_back(r3mes, hello, tmp_path):
    assert r3mes("content", "add", str(hello)) == (0, f"{HELLO}\n", "")
    assert r3mes("content", "ls")[1] == f"{HELLO}\n"
    assert r3mes("content", "get", HELLO, str(tmp_path / "out"))[0] == 0
    assert (tmp_path / "out").read_bytes() == b"hello world\n"
    assert json.loads(r3mes("content", "stat", HELLO, "--json")[1]) == {
        "cid": HELLO,
        "file_bytes": 12,
        "blocks": 1,
        "pinned": True,
    }


def test_content_unpinned_is_dropped_by_gc(r3mes, hello):
    r3mes("content", "add", str(hello))
    assert r3mes("content", "unpin", HELLO)[0] == 0
    assert json.loads(r3mes("content", "gc", "--json")[1]) == {"blocks": 1, "bytes": 12}
    code, _, err = r3mes("content", "pin", HELLO)
    assert code == 1
    assert f"{HELLO} is in none of the stores" in err


def test_content_tampered_block_is_an_error_with_the_next_step(r3mes, hello, tmp_path):
    r3mes("content", "add", str(hello))
    block = next(path for path in (tmp_path / "home" / "content" / "blocks").rglob("*") if path.is_file())
    block.write_bytes(b"hello W0rld\n")
    code, _, err = r3mes("content", "get", HELLO, str(tmp_path / "out"))
    assert code == 1
    assert "does not hash to its CID" in err
    assert "r3mes content verify" in err
    code, out, _ = r3mes("content", "verify")
    assert code == 1
    assert f"damaged     {HELLO}" in out
    assert r3mes("content", "verify", "--delete")[0] == 1
    assert not block.exists()
    r3mes("content", "add", str(hello))
    assert r3mes("content", "verify") == (0, "1 blocks, 12 bytes: 0 damaged\n", "")


def test_content_get_text_that_is_no_cid_is_refused(r3mes):
    code, _, err = r3mes("content", "get", "../../etc/passwd")
    assert code == 1
    assert "not a CID" in err


def test_content_get_over_the_limit_is_refused(r3mes, hello, tmp_path):
    r3mes("content", "add", str(hello))
    code, _, err = r3mes("content", "get", HELLO, str(tmp_path / "out"), "--max-bytes", "11")
    assert code == 1
    assert "limit of 11 bytes" in err
    assert not (tmp_path / "out").exists()
