"""ChainClient over gRPC: any node with the Cosmos SDK's services and ours.

Source of the practice: what CosmJS, Hermes and the SDK's users learnt about sequences and unknown outcomes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import Message

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainStatus, SignedTx, TxResult
from r3mes_ray.chain.channel import open_channel
from r3mes_ray.chain.codes import Verdict, code_of, expected_sequence, log_of, verdict, wrong_sequence
from r3mes_ray.chain.decode import rfc3339
from r3mes_ray.chain.gas import adjusted, fee_for
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.outcome import result_of
from r3mes_ray.chain.sequences import Sequences
from r3mes_ray.chain.tx import Signer, Terms, hash_of, sign_tx, unsigned_tx
from r3mes_ray.errors import (
    ChainMismatch,
    ChainUnavailable,
    ConfigError,
    InvalidInput,
    NotOnChain,
    TxRejected,
    TxUnknown,
)
from r3mes_ray.settings import ChainSettings
from r3mes_ray.types import Address
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from r3mes_ray.wire.cosmos.tx.v1beta1 import service_pb2 as service


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a client asks and sends again, in seconds.

    Attributes:
        resend_s: a node that was killed has lost its mempool, so the bytes are sent again until they are in a block.
        hold_s: how long a transaction waits for an earlier one of its account to be handed over.
        index_lag_s: how long a node may take to find a transaction that is in its last block.
    """

    first_poll_s: float = 0.05
    last_poll_s: float = 0.5
    resend_s: float = 5.0
    hold_s: float = 2.0
    index_lag_s: float = 1.0


class Channel(Protocol):
    """What the client needs of a connection; see NodeChannel."""

    async def call(self, request: Message) -> Message:
        """Send one request and wait for its answer."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


class GrpcChainClient:
    """One account's view of one node; used in one event loop. Without a key it only asks."""

    def __init__(
        self, settings: ChainSettings, key: PrivateKey | None, channel: Channel | None = None, pace: Pace = Pace()
    ) -> None:
        self._settings = settings
        self._key = key
        self._channel = channel or open_channel(settings)
        self._pace = pace
        self._sequences = Sequences()
        self._syncing = asyncio.Lock()
        # A simulation is made for the sequence that the node expects: nothing may be handed over meanwhile.
        self._node_turn = asyncio.Lock()
        self._account_number = 0
        self._chain_checked = False

    @property
    def address(self) -> Address:
        """The account that signs. Raises ConfigError for a client without a key."""
        return self._signing_key().address(self._settings.bech32_prefix)

    async def status(self) -> ChainStatus:
        """See ChainClient."""
        answer = await self._channel.call(tendermint.GetLatestBlockRequest())
        if not isinstance(answer, tendermint.GetLatestBlockResponse):
            raise InvalidInput("latest block", "the node answers with something else")
        header = answer.block.header
        if header.chain_id != self._settings.chain_id:
            raise ChainMismatch(self._settings.chain_id, header.chain_id)
        self._chain_checked = True
        return ChainStatus(header.chain_id, header.height, rfc3339(header.time), header.app_hash.hex())

    async def query(self, request: Message) -> Message:
        """See ChainClient."""
        if not self._chain_checked:
            await self.status()
        try:
            return await self._channel.call(request)
        except ChainUnavailable:
            # Whoever answers next at this address may be another chain.
            self._chain_checked = False
            raise

    async def sign(self, messages: Sequence[Message], *, gas: int | None = None, memo: str = "") -> SignedTx:
        """See ChainClient. Raises NotOnChain for an account that never had coins, ConfigError without a key."""
        key = self._signing_key()
        height = (await self.status()).height
        limit = await self._simulate(key, messages, memo) if gas is None else gas
        terms = Terms(
            gas=limit,
            fee=fee_for(limit, self._settings.gas_price, self._settings.denom),
            memo=memo,
            timeout_height=height + self._settings.timeout_blocks,
        )
        while (sequence := self._sequences.reserve()) is None:
            await self._sync()
        signer = Signer(self._settings.chain_id, self._account_number, sequence)
        tx = sign_tx(key, messages, signer, terms)
        self._sequences.signed(tx)
        return tx

    async def broadcast(self, tx: SignedTx) -> TxResult:
        """See ChainClient."""
        if hash_of(tx.raw) != tx.tx_hash:
            raise InvalidInput(f"transaction {tx.tx_hash}", "its bytes have another hash")
        clock = asyncio.get_running_loop().time
        started = send_at = clock()
        delivered, unreachable, pause = False, None, self._pace.first_poll_s
        await self._sequences.turn(tx, self._pace.hold_s)
        while True:
            try:
                if clock() >= send_at:
                    taken = await self._deliver(tx, delivered)
                    delivered = delivered or taken
                    send_at = clock() + (self._pace.resend_s if taken else self._pace.last_poll_s)
                result = await self._included(tx)
                if result is not None:
                    return result
            except ChainUnavailable as error:
                unreachable, send_at = error, clock()
            waited = clock() - started
            if waited > self._settings.inclusion_timeout_s:
                raise unreachable if unreachable and not delivered else TxUnknown(tx.tx_hash, waited)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, self._pace.last_poll_s)

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def _deliver(self, tx: SignedTx, delivered: bool) -> bool:
        """Hand a transaction to the node once: whether it has it now, or it must be tried later."""
        request = service.BroadcastTxRequest(tx_bytes=tx.raw, mode=service.BROADCAST_MODE_SYNC)
        try:
            async with self._node_turn:
                answer = await queries.ask(self, request, service.BroadcastTxResponse)
            codespace, code, log = (getattr(answer.tx_response, name) for name in ("codespace", "code", "raw_log"))
        except InvalidInput as error:
            (codespace, code), log = code_of(error.reason), log_of(error.reason)
        kind = verdict(codespace, code)
        if code == 0 or kind is Verdict.SENT:
            self._sequences.accepted(tx)
            return True
        if kind is Verdict.SEND_LATER:
            return False
        if await self._was_included(tx, delivered):
            self._sequences.accepted(tx)
            return True
        self._sequences.refused(tx, expected_sequence(log))
        raise TxRejected(codespace, code, log, tx.tx_hash, 0)

    async def _was_included(self, tx: SignedTx, delivered: bool) -> bool:
        """Whether a refusal only means that these bytes are in a block already."""
        if await self._has(tx):
            return True
        if not delivered:
            return False
        await asyncio.sleep(self._pace.index_lag_s)
        return await self._has(tx)

    async def _has(self, tx: SignedTx) -> bool:
        try:
            await self.query(service.GetTxRequest(hash=tx.tx_hash))
        except NotOnChain:
            return False
        return True

    async def _included(self, tx: SignedTx) -> TxResult | None:
        try:
            answer = await queries.ask(self, service.GetTxRequest(hash=tx.tx_hash), service.GetTxResponse)
        except NotOnChain:
            return None
        return result_of(answer.tx_response, tx.tx_hash)

    async def _simulate(self, key: PrivateKey, messages: Sequence[Message], memo: str) -> int:
        await self._sync()
        async with self._node_turn:
            try:
                return await self._gas_used(key, messages, memo, self._sequences.expected)
            except TxRejected as error:
                # Another client of this account was faster: the node says what it expects.
                wanted = expected_sequence(error.log)
                if wanted is None or not wrong_sequence(error.codespace, error.code):
                    raise
                return await self._gas_used(key, messages, memo, wanted)

    async def _gas_used(self, key: PrivateKey, messages: Sequence[Message], memo: str, sequence: int) -> int:
        raw = unsigned_tx(key.public_key, messages, sequence, memo)
        try:
            answer = await queries.ask(self, service.SimulateRequest(tx_bytes=raw), service.SimulateResponse)
        except InvalidInput as error:
            raise TxRejected(*code_of(error.reason), log_of(error.reason), hash_of(raw), 0) from error
        return adjusted(answer.gas_info.gas_used, self._settings.gas_adjustment)

    async def _sync(self) -> None:
        """Ask the chain for number and sequence, unless they are known."""
        async with self._syncing:
            if self._sequences.synced:
                return
            found = await queries.account(self, self.address)
            self._account_number = found.number
            self._sequences.sync(found.sequence)

    def _signing_key(self) -> PrivateKey:
        if self._key is None:
            raise ConfigError("keyring.key", "this client has no key, it can only ask; open it with a key to sign")
        return self._key
