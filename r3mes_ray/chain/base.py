"""The port of the chain: one account's view of one node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import Message

from r3mes_ray.chain.codes import wrong_sequence
from r3mes_ray.errors import TxRejected
from r3mes_ray.types import Address, TxHash

_STALE_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """What a node says of its chain: `time` is the last block's, in RFC 3339."""

    chain_id: str
    height: int
    time: str
    app_hash: str


@dataclass(frozen=True, slots=True)
class SignedTx:
    """The bytes of one signed transaction, to be journalled before they are sent.

    Attributes:
        raw: the serialised TxRaw.
        tx_hash: upper-case hex SHA-256 of `raw`.
        sequence: the account sequence that it uses up.
        timeout_height: the last block that may include it.
    """

    raw: bytes
    tx_hash: TxHash
    sequence: int
    timeout_height: int


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a transaction."""

    type: str
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TxResult:
    """An included transaction with code 0; `responses` are the messages' answers, in order."""

    tx_hash: TxHash
    height: int
    gas_used: int
    responses: tuple[Message, ...]
    events: tuple[Event, ...]


class ChainClient(Protocol):
    """Queries and signed transactions of one account.

    The client owns the account's sequence: only one client per account may sign at a time (on a cluster that is the
    named Ray actor of `chain.actor`). A transaction that is included survives any crash of the node.
    """

    @property
    def address(self) -> Address:
        """The account that signs."""
        ...

    async def status(self) -> ChainStatus:
        """Ask the node for its chain and height.

        Raises:
            ChainUnavailable: no node answers.
            ChainMismatch: the node is of another chain.
        """
        ...

    async def query(self, request: Message) -> Message:
        """Send a query; its service and method follow from the request's type.

        Raises:
            NotOnChain: the record does not exist.
            InvalidInput: the node refuses the request.
            ChainUnavailable: no node answers.
        """
        ...

    async def sign(self, messages: Sequence[Message], *, gas: int | None = None, memo: str = "") -> SignedTx:
        """Sign messages as one transaction with the next sequence; gas is simulated unless given.

        Raises:
            TxRejected: simulation fails; nothing was sent.
            NotOnChain: the account is not on chain; it needs coins first.
            ConfigError: the client was opened without a key.
        """
        ...

    async def broadcast(self, tx: SignedTx) -> TxResult:
        """Send a signed transaction and wait until it is in a block. Safe to repeat with the same bytes.

        Raises:
            TxRejected: refused or failed, with the chain's code.
            TxUnknown: not in a block in time; its outcome is open.
            ChainUnavailable: the node cannot be reached; the bytes may have arrived.
        """
        ...


async def send(client: ChainClient, messages: Sequence[Message], *, gas: int | None = None, memo: str = "") -> TxResult:
    """Sign and broadcast messages whose bytes need no journal; a transaction with a stale sequence is signed again.

    Raises:
        TxRejected, TxUnknown, ChainUnavailable: as `ChainClient.sign` and `ChainClient.broadcast`.
    """
    for _ in range(_STALE_ATTEMPTS - 1):
        try:
            return await client.broadcast(await client.sign(messages, gas=gas, memo=memo))
        except TxRejected as error:
            if error.height or not wrong_sequence(error.codespace, error.code):
                raise
    return await client.broadcast(await client.sign(messages, gas=gas, memo=memo))
