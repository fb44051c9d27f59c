"""The chain: keys, transactions, queries and the client that signs for one account."""

from __future__ import annotations

from r3mes_ray.chain.base import ChainClient
from r3mes_ray.chain.grpc_client import GrpcChainClient
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.settings import Settings

__all__ = ["open_chain"]


def open_chain(settings: Settings, key: PrivateKey | None) -> ChainClient:
    """The client that the settings choose; without a key it only asks. Nothing is sent before its first verb."""
    return GrpcChainClient(settings.chain, key)
