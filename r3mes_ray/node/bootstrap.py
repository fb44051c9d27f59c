"""Brings a new network to life: this node as a proposer and server, and the shipped experts on chain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from google.protobuf.message import Message

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainClient, send
from r3mes_ray.chain.gas import parse_coins
from r3mes_ray.chain.tx import coin_messages
from r3mes_ray.content.base import ContentStore
from r3mes_ray.models.base import load_base
from r3mes_ray.settings import Settings
from r3mes_ray.types import TxHash
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgRegisterExpert
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgRegisterNode


@dataclass(frozen=True, slots=True)
class ShippedExpert:
    """An expert whose corpus comes with the package; `folder` has train.txt, heldout.txt and expert.json."""

    name: str
    folder: Path


def shipped_experts() -> tuple[ShippedExpert, ...]:
    """The experts of `r3mes_ray/data/experts`, by name."""
    root = Path(str(files("r3mes_ray") / "data" / "experts"))
    return tuple(ShippedExpert(path.name, path) for path in sorted(root.iterdir()) if (path / "expert.json").exists())


async def bootstrap(
    settings: Settings, chain: ChainClient, store: ContentStore, say: Callable[[str], None]
) -> tuple[TxHash, ...]:
    """Register what is not registered yet, in one transaction; on a chain that has it all, do nothing.

    Returns:
        The hash of the transaction, where one was needed.
    """
    messages: list[Message] = []
    if await queries.node_registration(chain, chain.address) is None:
        roles = (node_pb2.NODE_TYPE_PROPOSER, node_pb2.NODE_TYPE_SERVING)
        messages.append(_node(chain.address, (await queries.params(chain)).proposer_stake, *roles))
    known = {expert.name for expert in await queries.experts(chain)}
    missing = [expert for expert in shipped_experts() if expert.name not in known]
    if missing:
        base = await asyncio.to_thread(load_base, settings.model.path, threads=settings.model.threads)
        (bond,) = coin_messages(parse_coins((await queries.params(chain)).expert_bond))
        for expert in missing:
            description = await store.add(expert.folder / "expert.json")
            messages.append(
                MsgRegisterExpert(
                    owner=chain.address,
                    name=expert.name,
                    base_model=base.base_id,
                    base_hash=base.base_hash,
                    description_cid=description,
                    bond=bond,
                )
            )
    if not messages:
        return ()
    result = await send(chain, messages)
    names = ", ".join(expert.name for expert in missing)
    say(f"registered on chain at height {result.height}: {names or 'this node'} (tx {result.tx_hash})")
    return (result.tx_hash,)


async def register_for_content(chain: ChainClient) -> None:
    """Register an account that is no node yet for mining, so that it may say where it serves content."""
    if await queries.node_registration(chain, chain.address) is None:
        await send(chain, [_node(chain.address, "", node_pb2.NODE_TYPE_MINING)])


def _node(address: str, stake: str, *roles: node_pb2.NodeType) -> MsgRegisterNode:
    return MsgRegisterNode(
        node_address=address,
        node_type=roles[0],
        stake=stake,
        roles=roles,
        role_allocations=[node_pb2.RoleAllocation(role=role) for role in roles],
    )
