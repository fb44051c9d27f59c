"""Several miners on one machine, each a process with a home, a key and data of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from r3mes_ray.chain.actor import chain_actor
from r3mes_ray.chain.base import send
from r3mes_ray.node.bootstrap import ShippedExpert
from r3mes_ray.node.command import Command
from r3mes_ray.node.identity import ensure_key, ensure_passphrase
from r3mes_ray.node.shards import write_shards
from r3mes_ray.node.up import Say, dump_settings
from r3mes_ray.settings import DiskContent, KeyringSettings, Settings
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin

COINS = 10_000_000
"""What each miner gets for its fees, in the base denomination."""


class Miners:
    """The miners of one expert; the operator of `node` pays for their accounts."""

    def __init__(self, node: Settings, expert: ShippedExpert, names: Sequence[str], say: Say) -> None:
        self._node, self._expert, self._say = node, expert, say
        self._homes = {name: _home(node, name) for name in names}
        self._commands: list[Command] = []

    async def fund(self) -> str:
        """Make the miners' keys and send each some coins, in one transaction; returns its hash."""
        operator = chain_actor(self._node, self._node.keyring.key)
        messages = []
        for settings in self._homes.values():
            ensure_passphrase(settings)
            address = ensure_key(settings, settings.keyring.key).address(settings.chain.bech32_prefix)
            coins = [Coin(denom=settings.chain.denom, amount=str(COINS))]
            messages.append(MsgSend(from_address=operator.address, to_address=address, amount=coins))
        return (await send(operator, messages)).tx_hash

    async def train(self) -> None:
        """Start all miners on their own data, and wait until each has trained and looks for a round."""
        shards = write_shards(self._expert.folder / "train.txt", self._node.home / "data", list(self._homes))
        for shard, (name, settings) in zip(shards, self._homes.items(), strict=True):
            arguments = ("mine", "--expert", self._expert.name, "--data", str(shard))
            say = _named(name, self._say)
            self._commands.append(await Command.start(name, *arguments, home=settings.home, say=say))
        await asyncio.gather(*(command.said("waiting for a round") for command in self._commands))

    async def submitted(self) -> list[dict[str, Any]]:
        """Wait until every update is in a block; what each miner printed of its own."""
        return list(await asyncio.gather(*(command.result() for command in self._commands)))

    async def stop(self) -> None:
        """End the miners that still run."""
        await asyncio.gather(*(command.stop() for command in self._commands))


def _home(node: Settings, name: str) -> Settings:
    """A home for one miner: the node's chain, and the node's content store to publish to."""
    settings = node.model_copy(
        update={
            "home": node.home / "miners" / name,
            "keyring": KeyringSettings(key=name),
            "content": DiskContent(path=node.content_path),
            "model": node.model.model_copy(update={"threads": 1}),
        }
    )
    dump_settings(settings, "config.yaml")
    return settings


def _named(name: str, say: Say) -> Say:
    return lambda line: say(f"{name:8}{line}")
