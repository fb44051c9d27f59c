"""The key of a faucet, and what it has at genesis."""

from __future__ import annotations

from pathlib import Path

import pytest

from r3mes_ray.errors import ConfigError
from r3mes_ray.localnet.faucet.account import faucet_funds, faucet_key
from r3mes_ray.localnet.genesis import genesis_of
from r3mes_ray.settings import LocalnetSettings, Settings


def _settings(home: Path, amount: int | None = 5) -> Settings:
    return Settings(home=home, localnet=LocalnetSettings(faucet_amount=amount, faucet_funds=77))


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch) -> None:
    monkeypatch.setenv("R3MES_KEYRING_PASSPHRASE", "words")


def test_faucet_is_off_by_default(tmp_path: Path) -> None:
    assert faucet_key(Settings(home=tmp_path)) is None
    assert faucet_funds(Settings(home=tmp_path), None, None) == {}
    assert list(tmp_path.iterdir()) == []


def test_faucet_key_is_made_once_and_encrypted(tmp_path: Path) -> None:
    key = faucet_key(_settings(tmp_path))
    assert faucet_key(_settings(tmp_path)).secret() == key.secret()
    assert key.secret().hex() not in (tmp_path / "keyring" / "faucet.json").read_text()


def test_faucet_key_without_a_passphrase_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("R3MES_KEYRING_PASSPHRASE")
    with pytest.raises(ConfigError, match="no passphrase"):
        faucet_key(_settings(tmp_path))


def test_faucet_funds_are_those_of_a_new_chain_and_stay_those_of_an_old_one(tmp_path: Path) -> None:
    on, off = _settings(tmp_path), _settings(tmp_path, None)
    key = faucet_key(on)
    funds = faucet_funds(on, key, None)
    assert funds == {key.address("remes"): 77}
    with_faucet, without = genesis_of(on, funds), genesis_of(on, {})
    assert faucet_funds(on, key, with_faucet) == faucet_funds(off, None, with_faucet) == funds
    assert faucet_funds(on, key, without) == faucet_funds(off, None, without) == {}
