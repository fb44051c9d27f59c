from __future__ import annotations

import json
from pathlib import Path

import pytest

from r3mes_ray.chain.keyring import Keyring, passphrase, write_new
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.errors import ConfigError, InvalidInput, KeyExists, KeyNotFound, WrongPassphrase
from r3mes_ray.settings import KeyringSettings, Settings

KEY = PrivateKey(b"\x01" * 32)
ENV = "R3MES_KEYRING_PASSPHRASE"


def edit(keyring: Keyring, field: str, value: object) -> None:
    path = keyring.folder / "alice.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, field: value}))


def test_save_then_load_gives_the_key(keyring: Keyring) -> None:
    assert keyring.load("alice", "secret words").secret() == KEY.secret()
    assert keyring.names() == ["alice"]
    assert keyring.public_key("alice") == KEY.public_key
    assert keyring.address("alice", "remes") == KEY.address("remes")


def test_save_file_is_private_and_holds_no_secret(keyring: Keyring) -> None:
    path = keyring.folder / "alice.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert keyring.folder.stat().st_mode & 0o777 == 0o700
    assert KEY.secret().hex() not in path.read_text()
    assert [entry.name for entry in keyring.folder.iterdir()] == ["alice.json"]


def test_save_name_taken_is_refused_and_changes_nothing(keyring: Keyring) -> None:
    before = (keyring.folder / "alice.json").read_bytes()
    with pytest.raises(KeyExists):
        keyring.save("alice", PrivateKey(b"\x02" * 32), "other")
    assert (keyring.folder / "alice.json").read_bytes() == before


def test_save_same_key_twice_shares_no_bytes_of_cipher(keyring: Keyring) -> None:
    keyring.save("bob", KEY, "secret words")
    alice, bob = (json.loads((keyring.folder / f"{name}.json").read_text()) for name in ("alice", "bob"))
    assert all(alice[field] != bob[field] for field in ("salt", "nonce", "ciphertext"))


@pytest.mark.parametrize("guess", ["", "secret", "Secret words", "secret words "])
def test_load_wrong_passphrase_is_refused(keyring: Keyring, guess: str) -> None:
    with pytest.raises(WrongPassphrase):
        keyring.load("alice", guess)


@pytest.mark.parametrize("name", ["bob", "passphrase"])
def test_load_unknown_name_is_refused(keyring: Keyring, name: str) -> None:
    (keyring.folder / "passphrase").write_text("x")
    with pytest.raises(KeyNotFound):
        keyring.load(name, "secret words")
    with pytest.raises(KeyNotFound):
        keyring.delete(name)
    assert keyring.names() == ["alice"]


@pytest.mark.parametrize("name", ["", "../alice", "a/b", ".hidden", "-flag", "a" * 65, "ümlaut", "a\n"])
def test_save_name_that_is_no_file_name_is_refused(keyring: Keyring, name: str) -> None:
    with pytest.raises(InvalidInput, match="key name"):
        keyring.save(name, KEY, "secret words")


def test_save_empty_passphrase_is_refused(keyring: Keyring) -> None:
    with pytest.raises(InvalidInput, match="passphrase"):
        keyring.save("bob", KEY, "")


def test_load_public_key_exchanged_is_noticed(keyring: Keyring) -> None:
    edit(keyring, "public_key", PrivateKey(b"\x02" * 32).public_key.hex())
    with pytest.raises(WrongPassphrase):
        keyring.load("alice", "secret words")


def test_load_renamed_file_is_refused(keyring: Keyring) -> None:
    (keyring.folder / "alice.json").rename(keyring.folder / "bob.json")
    with pytest.raises(InvalidInput, match="renamed"):
        keyring.load("bob", "secret words")


def test_load_renamed_file_with_edited_name_does_not_open(keyring: Keyring) -> None:
    edit(keyring, "name", "bob")
    (keyring.folder / "alice.json").rename(keyring.folder / "bob.json")
    with pytest.raises(WrongPassphrase):
        keyring.load("bob", "secret words")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scrypt_n", 2**30),
        ("scrypt_n", 2),
        ("scrypt_r", 2**20),
        ("kdf", "md5"),
        ("format", "r3mes/key/9"),
        ("ciphertext", "00"),
        ("extra", 1),
    ],
)
def test_load_forged_parameters_are_refused(keyring: Keyring, field: str, value: object) -> None:
    edit(keyring, field, value)
    with pytest.raises(InvalidInput, match="not a key file"):
        keyring.load("alice", "secret words")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"x" * 100_000])
def test_load_damaged_file_is_refused(keyring: Keyring, content: bytes) -> None:
    (keyring.folder / "alice.json").write_bytes(content)
    with pytest.raises(InvalidInput):
        keyring.load("alice", "secret words")


def test_delete_removes_the_key(keyring: Keyring) -> None:
    keyring.delete("alice")
    assert keyring.names() == []


def test_names_without_folder_is_empty(tmp_path: Path) -> None:
    assert Keyring(tmp_path / "none").names() == []


def test_write_new_existing_file_is_left_and_nothing_remains(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_passphrase_environment_comes_before_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pass").write_text("from file\n")
    settings = Settings(home=tmp_path, keyring=KeyringSettings(passphrase_file=tmp_path / "pass"))
    monkeypatch.delenv(ENV, raising=False)
    assert passphrase(settings) == "from file"
    monkeypatch.setenv(ENV, "from environment")
    assert passphrase(settings) == "from environment"


def test_passphrase_default_file_of_the_home_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV, raising=False)
    (tmp_path / "keyring").mkdir()
    (tmp_path / "keyring" / "passphrase").write_text(" kept spaces \r\n")
    assert passphrase(Settings(home=tmp_path)) == " kept spaces "


def test_passphrase_nowhere_names_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV, raising=False)
    with pytest.raises(ConfigError, match=f"set {ENV}"):
        passphrase(Settings(home=tmp_path))


def test_passphrase_file_missing_or_empty_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV, raising=False)
    settings = Settings(home=tmp_path, keyring=KeyringSettings(passphrase_file=tmp_path / "pass"))
    with pytest.raises(ConfigError, match="cannot be read"):
        passphrase(settings)
    (tmp_path / "pass").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        passphrase(settings)
