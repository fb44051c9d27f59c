"""Joining a network that others run: its genesis says what is signed, and a node of it must be of that chain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from r3mes_ray.chain import open_chain
from r3mes_ray.errors import ChainMismatch, ConfigError
from r3mes_ray.localnet.genesis import Genesis, canonical, read_genesis
from r3mes_ray.localnet.server import write_durably
from r3mes_ray.settings import ChainSettings, Settings


@dataclass(frozen=True, slots=True)
class Joined:
    """What a home was set to."""

    chain_id: str
    node: str
    height: int
    config: Path


async def join_network(settings: Settings, source: Path, node: str, faucet: str | None = None) -> Joined:
    """Write a home's settings for a network, keeping its genesis beside them; no chain is started here.

    Raises:
        ConfigError: no genesis in the file, or the home has settings already.
        ChainUnavailable: no node answers.
        ChainMismatch: the node is of another chain.
    """
    genesis, config = read_genesis(source), settings.home / "config.yaml"
    if genesis is None:
        raise ConfigError("--join", f"{source} is no file")
    if config.exists():
        raise ConfigError("--home", f"{config} exists; set chain.grpc_address and chain.chain_id in it")
    section = _section(genesis, node) | ({} if faucet is None else {"faucet_url": faucet})
    status = await open_chain(
        settings.model_copy(update={"chain": ChainSettings.model_validate(section)}), None
    ).status()
    if status.chain_id != genesis.chain_id:
        raise ChainMismatch(genesis.chain_id, status.chain_id)
    folder = settings.home / "network"
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / "genesis.json", canonical(genesis))
    write_durably(config, yaml.safe_dump({"chain": section}).encode())
    return Joined(genesis.chain_id, node, status.height, config)


def _section(genesis: Genesis, node: str) -> dict[str, str]:
    address = node.removeprefix("http://").removeprefix("grpc://").rstrip("/")
    return {
        "grpc_address": address,
        "chain_id": genesis.chain_id,
        "bech32_prefix": genesis.bech32_prefix,
        "denom": genesis.denom,
        "gas_price": genesis.parameters.min_gas_price,
    }
