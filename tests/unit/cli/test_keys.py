from __future__ import annotations

import json
from pathlib import Path

import pytest

from r3mes_ray.cli.main import execute

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
ADDRESS = "remes19rl4cm2hmr8afy4kldpxz3fka4jguq0arlkp9h"
SECRET = "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104"


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R3MES_KEYRING_PASSPHRASE", "words of the test")


@pytest.fixture
def r3mes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run a command with --json in its own home: exit code and what it printed."""

    def run(*arguments: str):
        code = execute([*arguments, "--home", str(tmp_path / "home"), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def words_file(tmp_path: Path) -> str:
    path = tmp_path / "words"
    path.write_text(WORDS + "\n")
    return str(path)


def test_keys_add_shows_the_words_that_bring_the_key_back(r3mes, tmp_path: Path) -> None:
    code, added = r3mes("keys", "add", "alice")
    assert code == 0
    assert len(added["mnemonic"].split()) == 24
    (tmp_path / "words").write_text(added["mnemonic"])
    code, imported = r3mes("keys", "import", "again", "--mnemonic-file", str(tmp_path / "words"))
    assert (code, imported["address"]) == (0, added["address"])
    assert "mnemonic" not in r3mes("keys", "show", "alice")[1]


def test_keys_import_mnemonic_gives_the_address_of_cosmjs(r3mes, words_file: str) -> None:
    code, found = r3mes("keys", "import", "alice", "--mnemonic-file", words_file)
    assert (code, found["address"]) == (0, ADDRESS)
    code, other = r3mes("keys", "import", "bob", "--mnemonic-file", words_file, "--hd-path", "m/44'/118'/0'/0/1")
    assert (code, other["address"]) == (0, "remes1jrkmdcwgq94uaamx6zax2luewlhf7u4kr8advq")


def test_keys_export_then_import_gives_the_same_account(r3mes, words_file: str, tmp_path: Path) -> None:
    r3mes("keys", "import", "alice", "--mnemonic-file", words_file)
    output = tmp_path / "exported"
    code, answer = r3mes("keys", "export", "alice", "--output", str(output))
    assert code == 0
    assert SECRET not in json.dumps(answer)
    assert output.read_text() == SECRET + "\n"
    assert output.stat().st_mode & 0o777 == 0o600
    code, copy = r3mes("keys", "import", "copy", "--private-key-file", str(output))
    assert (code, copy["address"]) == (0, ADDRESS)


def test_keys_export_over_a_file_is_refused(r3mes, words_file: str, tmp_path: Path) -> None:
    r3mes("keys", "import", "alice", "--mnemonic-file", words_file)
    code, answer = r3mes("keys", "export", "alice", "--output", words_file)
    assert (code, answer["error"]["type"]) == (1, "ConfigError")
    assert Path(words_file).read_text() == WORDS + "\n"


def test_keys_list_and_delete(r3mes, words_file: str) -> None:
    for name in ("bob", "alice"):
        r3mes("keys", "import", name, "--mnemonic-file", words_file)
    assert [entry["name"] for entry in r3mes("keys", "list")[1]] == ["alice", "bob"]
    assert r3mes("keys", "delete", "alice", "--yes")[0] == 0
    assert [entry["name"] for entry in r3mes("keys", "list")[1]] == ["bob"]


@pytest.mark.parametrize(
    ("content", "option", "kind"),
    [
        ("abandon about", "--mnemonic-file", "InvalidInput"),
        ("not a key", "--private-key-file", "InvalidInput"),
        ("00" * 32, "--private-key-file", "InvalidInput"),
        ("x" * 5000, "--private-key-file", "ConfigError"),
    ],
)
def test_keys_import_wrong_secret_is_refused_and_never_quoted(
    r3mes, tmp_path: Path, content: str, option: str, kind: str
) -> None:
    (tmp_path / "secret").write_text(content)
    code, answer = r3mes("keys", "import", "alice", option, str(tmp_path / "secret"))
    assert (code, answer["error"]["type"]) == (1, kind)
    assert content not in json.dumps(answer)
    assert r3mes("keys", "list")[1] == []


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("import", "alice"), "ConfigError"),
        (("import", "alice", "--mnemonic-file", "/nowhere/words"), "ConfigError"),
        (("show", "carol"), "KeyNotFound"),
        (("delete", "carol", "--yes"), "KeyNotFound"),
        (("add", "../carol"), "InvalidInput"),
    ],
)
def test_keys_wrong_use_is_a_clear_error(r3mes, arguments: tuple[str, ...], kind: str) -> None:
    code, answer = r3mes("keys", *arguments)
    assert (code, answer["error"]["type"]) == (1, kind)


def test_keys_wrong_passphrase_names_the_next_step(r3mes, words_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    r3mes("keys", "import", "alice", "--mnemonic-file", words_file)
    monkeypatch.setenv("R3MES_KEYRING_PASSPHRASE", "other words")
    code, answer = r3mes("keys", "export", "alice", "--output", words_file + ".out")
    assert (code, answer["error"]["type"]) == (1, "WrongPassphrase")
    assert "R3MES_KEYRING_PASSPHRASE" in answer["error"]["next_step"]
    assert not Path(words_file + ".out").exists()


def test_keys_name_taken_keeps_the_first_key(r3mes, words_file: str) -> None:
    r3mes("keys", "import", "alice", "--mnemonic-file", words_file)
    code, answer = r3mes("keys", "add", "alice")
    assert (code, answer["error"]["type"]) == (1, "KeyExists")
    assert r3mes("keys", "show", "alice")[1]["address"] == ADDRESS


def test_keys_no_passphrase_and_no_terminal_is_a_clear_error(r3mes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("R3MES_KEYRING_PASSPHRASE")
    code, answer = r3mes("keys", "add", "alice")
    assert (code, answer["error"]["type"]) == (1, "ConfigError")
    assert "R3MES_KEYRING_PASSPHRASE" in answer["error"]["message"]
