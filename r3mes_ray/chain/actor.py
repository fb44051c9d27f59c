"""The chain client of a cluster: one named Ray actor per account, which alone signs for it.

The actor owns the account's sequence, so that any number of drivers and tasks can send. It holds no state that the
chain does not have: after a crash Ray starts it again and it asks the chain. It opens the keyring by itself, on the
node that made it: a key never crosses Ray.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import ray
from google.protobuf.message import Message
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from r3mes_ray.chain import open_chain
from r3mes_ray.chain.base import ChainClient, ChainStatus, SignedTx, TxResult
from r3mes_ray.chain.envelope import Envelope, SealedResult, seal, seal_all, seal_result, unseal, unseal_result
from r3mes_ray.chain.keyring import Keyring, passphrase
from r3mes_ray.cluster import NAMESPACE
from r3mes_ray.errors import ChainUnavailable, R3mesError
from r3mes_ray.settings import Settings
from r3mes_ray.types import Address

_CONCURRENCY = 256
_RETRIES = 3
_LIGHT_CPUS = 0.0

T = TypeVar("T")


class ChainActor:
    """What runs in the actor: a ChainClient that is opened when it is first used, so that its errors reach callers."""

    def __init__(self, settings: Settings, key_name: str) -> None:
        self._settings, self._key_name = settings, key_name
        self._opened: ChainClient | None = None

    async def status(self) -> ChainStatus:
        """See ChainClient."""
        return await self._client().status()

    async def query(self, request: Envelope) -> Envelope:
        """See ChainClient."""
        return seal(await self._client().query(unseal(request)))

    async def sign(self, messages: tuple[Envelope, ...], gas: int | None, memo: str) -> SignedTx:
        """See ChainClient."""
        return await self._client().sign([unseal(message) for message in messages], gas=gas, memo=memo)

    async def broadcast(self, tx: SignedTx) -> SealedResult:
        """See ChainClient."""
        return seal_result(await self._client().broadcast(tx))

    def _client(self) -> ChainClient:
        if self._opened is None:
            key = Keyring.open(self._settings).load(self._key_name, passphrase(self._settings))
            self._opened = open_chain(self._settings, key)
        return self._opened


class ActorChainClient:
    """ChainClient over the actor's handle. It can be pickled and used in any process of the cluster."""

    def __init__(self, handle: ActorHandle[ChainActor], address: Address) -> None:
        self._handle = handle
        self._address = address

    @property
    def address(self) -> Address:
        """The account that signs."""
        return self._address

    async def status(self) -> ChainStatus:
        """See ChainClient."""
        return await self._result(self._handle.status.remote())

    async def query(self, request: Message) -> Message:
        """See ChainClient."""
        return unseal(await self._result(self._handle.query.remote(seal(request))))

    async def sign(self, messages: Sequence[Message], *, gas: int | None = None, memo: str = "") -> SignedTx:
        """See ChainClient."""
        return await self._result(self._handle.sign.remote(seal_all(messages), gas, memo))

    async def broadcast(self, tx: SignedTx) -> TxResult:
        """See ChainClient."""
        return unseal_result(await self._result(self._handle.broadcast.remote(tx)))

    async def _result(self, reference: Awaitable[T]) -> T:
        """Wait for a method's result; an error of the tree arrives as itself, not as Ray's."""
        try:
            return await reference
        except RayTaskError as error:
            if isinstance(error.cause, R3mesError):
                raise error.cause from None
            raise
        except RayActorError as error:
            raise ChainUnavailable(f"actor {self._address}", str(error)) from error


def actor_name(chain_id: str, address: Address) -> str:
    """The name that makes the actor the only one of its account and chain."""
    return f"chain:{chain_id}:{address}"


def chain_actor(settings: Settings, key_name: str) -> ActorChainClient:
    """The client of the one actor that signs with a key: it is made on this node, or found.

    It outlives the driver that made it; `stop_chain_actor` ends it.

    Raises:
        KeyNotFound: this node's keyring has no key of that name.
    """
    address = Keyring.open(settings).address(key_name, settings.chain.bech32_prefix)
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options: dict[str, Any] = {
        "name": actor_name(settings.chain.chain_id, address),
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "get_if_exists": True,
        "num_cpus": _LIGHT_CPUS,
        "max_restarts": -1,
        "max_task_retries": _RETRIES,
        "max_concurrency": _CONCURRENCY,
        "scheduling_strategy": here,
    }
    handle: Any = ray.remote(ChainActor).options(**options).remote(settings, key_name)
    return ActorChainClient(handle, address)


def stop_chain_actor(settings: Settings, key_name: str) -> None:
    """End the actor of a key, where there is one; what it has sent stays sent."""
    address = Keyring.open(settings).address(key_name, settings.chain.bech32_prefix)
    try:
        handle = ray.get_actor(actor_name(settings.chain.chain_id, address), NAMESPACE)
    except ValueError:
        return
    ray.kill(handle)
