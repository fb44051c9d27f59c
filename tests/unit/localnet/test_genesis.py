from __future__ import annotations

from pathlib import Path

import pytest

from r3mes_ray.errors import ChainMismatch, ConfigError, GenesisConflict
from r3mes_ray.localnet.genesis import Genesis, canonical, check_genesis, genesis_of, read_genesis
from r3mes_ray.localnet.machine import genesis_state
from r3mes_ray.localnet.parameters import Parameters
from r3mes_ray.settings import ChainSettings, LocalnetSettings, Settings

ADDRESS = "remes19rl4cm2hmr8afy4kldpxz3fka4jguq0arlkp9h"


@pytest.mark.parametrize(
    ("price", "gas", "fee"),
    [("0.025", 200_000, 5_000), ("0.025", 1, 1), ("0.1", 3, 1), ("0", 10**9, 0), ("2", 7, 14), ("0.000001", 10**6, 1)],
)
def test_fee_is_rounded_up(price: str, gas: int, fee: int) -> None:
    assert Parameters(min_gas_price=price).fee_for(gas) == fee


def test_genesis_of_settings_takes_their_phases() -> None:
    settings = Settings(
        chain=ChainSettings(chain_id="remes-9"), localnet=LocalnetSettings(submit_blocks=7, challenge_blocks=9)
    )
    made = genesis_of(settings, {ADDRESS: 5})
    assert (made.chain_id, made.parameters.submit_blocks, made.parameters.challenge_blocks) == ("remes-9", 7, 9)
    assert [(entry.address, entry.amount) for entry in made.balances] == [(ADDRESS, 5)]


def test_genesis_of_bad_chain_id_is_refused() -> None:
    with pytest.raises(ConfigError, match="chain_id"):
        genesis_of(Settings(chain=ChainSettings(chain_id="no spaces please")), {})


def test_genesis_survives_its_file(first_genesis: Genesis, tmp_path: Path) -> None:
    path = tmp_path / "genesis.json"
    assert read_genesis(path) is None
    path.write_bytes(canonical(first_genesis))
    assert read_genesis(path) == first_genesis


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"chain_id": 3}', b"\xff"])
def test_genesis_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "genesis.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        read_genesis(path)


def test_genesis_of_other_parameters_is_named(first_genesis: Genesis, tmp_path: Path) -> None:
    other = first_genesis.model_copy(update={"parameters": Parameters(submit_blocks=7, grace_blocks=4)})
    with pytest.raises(GenesisConflict, match=r"parameters\.submit_blocks is 120 there and 7 here"):
        check_genesis(first_genesis, other, tmp_path)
    with pytest.raises(ChainMismatch):
        check_genesis(first_genesis, first_genesis.model_copy(update={"chain_id": "other"}), tmp_path)


def test_genesis_time_may_differ(first_genesis: Genesis, tmp_path: Path) -> None:
    later = first_genesis.time.replace(year=2027)
    check_genesis(first_genesis, first_genesis.model_copy(update={"time": later}), tmp_path)


@pytest.mark.parametrize("addresses", [["remes1nonsense"], [ADDRESS, ADDRESS]])
def test_genesis_balance_of_no_account_is_refused(first_genesis: Genesis, addresses: list[str]) -> None:
    balances = [{"address": address, "amount": 1} for address in addresses]
    wrong = Genesis.model_validate({**first_genesis.model_dump(), "balances": balances})
    with pytest.raises(ConfigError, match="balances"):
        genesis_state(wrong)
