"""From a trained package to an update on chain whose bytes others can fetch, in that order.

Bytes that could be fetched before the transaction is in a block could be submitted by somebody else first. So a package
waits in the outbox, and is added to the content store when the chain has its record; a later run does that for a
miner that died in between.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainClient, SignedTx
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import ExpertRecord, RoundPhase, RoundRecord, UpdateRecord
from r3mes_ray.chain.submission import build_submit_gradient
from r3mes_ray.content import cid_of_path
from r3mes_ray.content.base import ContentStore
from r3mes_ray.errors import ChainUnavailable, NoRound, NotOnChain, RoundClosed, TxRejected, TxUnknown
from r3mes_ray.models.adapters import AdapterPackage, write_package
from r3mes_ray.settings import Settings
from r3mes_ray.training.ports import Clock
from r3mes_ray.training.proposer.workspace import empty_folder, remove_folder, sync_folder
from r3mes_ray.types import Cid, RoundId, TxHash, UpdateId

POLL_S = 0.5
PATIENCE_S = 120.0
"""How long a chain that does not answer is waited for once an update is signed."""


class Submitter(Protocol):
    """What submitting needs of a miner's ports."""

    @property
    def settings(self) -> Settings:
        """This node's choices."""
        ...

    @property
    def client(self) -> ChainClient:
        """Signs the transaction."""
        ...

    @property
    def key(self) -> PrivateKey:
        """Signs the update."""
        ...

    @property
    def store(self) -> ContentStore:
        """Where others fetch the update."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...


@dataclass(frozen=True, slots=True)
class Submitted:
    """An update in a block."""

    update_id: UpdateId
    cid: Cid
    tx_hash: TxHash
    height: int


@dataclass(frozen=True, slots=True)
class Outbox:
    """Packages that are submitted, or about to be, and not yet in the content store."""

    home: Path

    def folder(self, chain_id: str, round_id: RoundId) -> Path:
        """Where the package for a round waits."""
        return self.home / "outbox" / chain_id / str(round_id)

    async def publish_included(self, client: ChainClient, store: ContentStore) -> tuple[Cid, ...]:
        """Publish what an earlier run submitted without living to publish it; forget what did not get on chain."""
        published: list[Cid] = []
        waiting = self.home / "outbox" / (await client.status()).chain_id
        for folder in sorted(waiting.glob("[0-9]*")):
            round_id = RoundId(int(folder.name))
            try:
                own = await own_update(client, round_id)
            except NotOnChain:
                continue
            cid = await asyncio.to_thread(cid_of_path, folder)
            if own is not None and own.cid == cid:
                published.append(await store.add(folder))
                remove_folder(folder)
        return tuple(published)


async def wait_for_round(ports: Submitter, expert: ExpertRecord) -> RoundRecord:
    """Wait until a round takes updates of the expert's version.

    Raises:
        RoundClosed: the expert moved on, or this account has an update in the round already.
        NoRound: none came in time.
    """
    patience_s = ports.settings.training.mining.wait_for_round_s
    until = ports.clock.now() + patience_s
    while ports.clock.now() < until:
        try:
            found = await _round_for(ports.client, expert)
        except ChainUnavailable:
            found = None
        if found is not None:
            return found
        await ports.clock.sleep(POLL_S)
    raise NoRound(expert.name, patience_s)


async def _round_for(client: ChainClient, expert: ExpertRecord) -> RoundRecord | None:
    now = await queries.expert(client, expert.name)
    if now.version != expert.version:
        reason = f"{expert.name} is at version {now.version}, the update starts from {expert.version}: mine again"
        raise RoundClosed(now.history[-1].round_id, "submit an update", reason)
    opened = None if now.open_round is None else await queries.round_of(client, now.open_round)
    if opened is None or opened.phase is not RoundPhase.SUBMIT:
        return None
    if await own_update(client, opened.round_id) is not None:
        raise RoundClosed(opened.round_id, "submit an update", "this account has one in it already")
    return opened


async def submit_update(
    ports: Submitter, outbox: Outbox, opened: RoundRecord, package: AdapterPackage, loss: float
) -> Submitted:
    """Write the package, get its record on chain, and then make its bytes fetchable.

    Raises:
        RoundClosed: the submit phase ended before the transaction was in a block.
        TxRejected: the chain refuses the update.
    """
    chain_id = (await ports.client.status()).chain_id
    folder = empty_folder(outbox.folder(chain_id, opened.round_id))
    await asyncio.to_thread(write_package, package, folder)
    await asyncio.to_thread(sync_folder, folder)
    cid = await asyncio.to_thread(cid_of_path, folder)
    message = build_submit_gradient(
        ports.key,
        chain_id,
        cid=cid,
        gradient_hash=package.manifest.gradient_hash,
        model_version=f"{opened.base_model}/{opened.expert}@{opened.start_version}",
        round_id=opened.round_id,
        nonce=await queries.next_nonce(ports.client),
        claimed_loss=f"{loss:.6f}",
        proof_of_work_bits=(await queries.params(ports.client)).proof_of_work_bits,
        prefix=ports.settings.chain.bech32_prefix,
    )
    signed = await ports.client.sign([message])
    found = await _settle(ports, opened, signed)
    await ports.store.add(folder)
    remove_folder(folder)
    return Submitted(found.update_id, cid, signed.tx_hash, found.submitted_height)


async def _settle(ports: Submitter, opened: RoundRecord, signed: SignedTx) -> UpdateRecord:
    """Send the same bytes until the chain has the update, or cannot have it any more."""
    last = min(opened.submit_end, signed.timeout_height)
    until = ports.clock.now() + PATIENCE_S
    while True:
        try:
            height = (await ports.client.status()).height
            found = await own_update(ports.client, opened.round_id)
            if found is not None:
                return found
            if height >= last:
                raise RoundClosed(opened.round_id, "submit an update", f"block {last} was the last for it")
            await ports.client.broadcast(signed)
        except (ChainUnavailable, TxUnknown):
            if ports.clock.now() >= until:
                raise
            await ports.clock.sleep(POLL_S)
        except TxRejected:
            found = await own_update(ports.client, opened.round_id)
            if found is None:
                raise
            return found


async def own_update(client: ChainClient, round_id: RoundId) -> UpdateRecord | None:
    """This account's update in a round; None where there is none. Raises NotOnChain for an unknown round."""
    updates = await queries.round_updates(client, round_id)
    return next((update for update in updates if update.miner == client.address), None)
