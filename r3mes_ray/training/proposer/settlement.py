"""Getting a round's transactions onto the chain exactly once, whatever dies in between.

The chain's own record decides, never a transaction's answer: it is asked before every send. Signed bytes are journalled
before they leave, and only those bytes are sent again until the chain has refused them for good or their timeout
height has passed without them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from google.protobuf.message import Message

from r3mes_ray.chain.base import ChainClient, ChainStatus, SignedTx
from r3mes_ray.chain.codes import Verdict, verdict
from r3mes_ray.errors import ChainUnavailable, RoundClosed, TxRejected, TxUnknown
from r3mes_ray.training.journal import Journal
from r3mes_ray.training.ports import Clock
from r3mes_ray.training.records import Committed, Finalized, Revealed, Step, TxDropped, TxSigned
from r3mes_ray.types import RoundId

T = TypeVar("T")
Settled = TypeVar("Settled", Committed, Revealed, Finalized)

POLL_S = 0.25
"""Pause between two questions about the height; blocks take 500 ms at the least in practice."""
TELL_S = 5.0
"""How often a wait says how long it will last."""
MAX_REFUSALS = 5
"""Signatures of one step that the chain may refuse for a reason that a new signature can cure."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What sending needs: the account's client, the round's journal, and time.

    Attributes:
        patience_s: how long a chain that does not answer is waited for.
    """

    client: ChainClient
    journal: Journal
    round_id: RoundId
    clock: Clock
    patience_s: float = 120.0

    async def status(self) -> ChainStatus:
        """The chain's status, waiting while no node answers. Raises ChainUnavailable when patience ends."""
        return await self.patiently(self.client.status)

    async def patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until a node answers. Raises ChainUnavailable when patience ends."""
        until = self.clock.now() + self.patience_s
        while True:
            try:
                return await ask()
            except ChainUnavailable:
                if self.clock.now() >= until:
                    raise
                await self.clock.sleep(POLL_S * 4)

    async def wait_above(self, height: int, tell: Callable[[int], None]) -> int:
        """Wait until the chain is above `height` and return where it is; `tell` hears of it every few seconds."""
        due = self.clock.now()
        while True:
            now = (await self.status()).height
            if now > height:
                return now
            if self.clock.now() >= due:
                tell(now)
                due += TELL_S
            await self.clock.sleep(POLL_S)

    async def settle(
        self,
        step: Step,
        find: Callable[[], Awaitable[Settled | None]],
        messages: Callable[[], Sequence[Message]],
        last_height: int | None,
    ) -> Settled:
        """Bring one step onto the chain and journal it.

        Args:
            step: which transaction.
            find: asks the chain for the step's effect.
            messages: what is to be signed.
            last_height: the last block that may include it; None without a deadline.

        Raises:
            RoundClosed: the deadline passed.
            TxRejected: the chain refuses for a reason that signing again does not cure.
            ChainUnavailable: no node answered for `patience_s`.
        """
        refusals = 0
        while True:
            height = (await self.status()).height
            found = await self.patiently(find)
            if found is not None:
                return self._settled(step, found)
            self._drop_expired(step, height)
            if last_height is not None and height >= last_height:
                raise RoundClosed(
                    self.round_id, step, f"block {last_height} was the last for it, the chain is at {height}"
                )
            try:
                await self._send(step, messages)
            except (ChainUnavailable, TxUnknown):
                await self.clock.sleep(POLL_S)
            except TxRejected as refusal:
                refusals += 1
                await self._refused(step, refusal, find, refusals)

    async def _send(self, step: Step, messages: Callable[[], Sequence[Message]]) -> None:
        pending = self.journal.progress.pending(step)
        if pending is None:
            signed = await self.client.sign(messages())
            pending = TxSigned(step, signed.raw.hex(), signed.tx_hash, signed.sequence, signed.timeout_height)
            self.journal.append(pending)
        await self.client.broadcast(
            SignedTx(bytes.fromhex(pending.raw), pending.tx_hash, pending.sequence, pending.timeout_height)
        )

    async def _refused(
        self, step: Step, refusal: TxRejected, find: Callable[[], Awaitable[object]], refusals: int
    ) -> None:
        advice = verdict(refusal.codespace, refusal.code)
        if advice in (Verdict.SENT, Verdict.SEND_LATER):
            await self.clock.sleep(POLL_S * 4)
            return
        if await self.patiently(find) is not None:
            return
        pending = self.journal.progress.pending(step)
        if pending is not None:
            self.journal.append(TxDropped(step, pending.tx_hash, str(refusal)))
        if advice is not Verdict.SIGN_AGAIN or refusals >= MAX_REFUSALS:
            raise refusal
        await self.clock.sleep(POLL_S)

    def _settled(self, step: Step, found: Settled) -> Settled:
        pending = self.journal.progress.pending(step)
        record = found if pending is None else replace(found, tx_hash=pending.tx_hash)
        self.journal.append(record)
        return record

    def _drop_expired(self, step: Step, height: int) -> None:
        pending = self.journal.progress.pending(step)
        if pending is not None and 0 < pending.timeout_height < height:
            self.journal.append(TxDropped(step, pending.tx_hash, f"past its timeout height {pending.timeout_height}"))
