"""A miner's work: train one update of an expert on local text, submit it, and only then let others fetch it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainClient
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import ExpertRecord, RoundRecord
from r3mes_ray.content.base import ContentStore, Limits
from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.adapters import AdapterPackage, UpdateOrigin, make_package, read_package
from r3mes_ray.models.base import BaseModel
from r3mes_ray.models.corpus import read_text
from r3mes_ray.models.finetune import StepReport, TrainedAdapter, train_adapter
from r3mes_ray.settings import Settings
from r3mes_ray.training.mining.submission import Outbox, Submitted, submit_update, wait_for_round
from r3mes_ray.training.ports import Clock
from r3mes_ray.training.stored import check_base
from r3mes_ray.types import Cid, RoundId, TxHash, UpdateId

MAX_DATA_BYTES = 256 * 2**20
"""Largest data file: its tokens are held in memory."""


@dataclass(frozen=True, slots=True)
class MinerPorts:
    """What a miner works with.

    Attributes:
        key: signs the update itself; `client` signs the transaction with the same account.
        base: loads the base model.
        tell: hears one line of progress.
        on_step: hears of every step of the training.
    """

    settings: Settings
    client: ChainClient
    key: PrivateKey
    store: ContentStore
    base: Callable[[], BaseModel]
    tell: Callable[[str], None]
    on_step: Callable[[StepReport], None]
    clock: Clock = field(default_factory=Clock)


@dataclass(frozen=True, slots=True)
class MinedUpdate:
    """An update that is on chain and can be fetched; losses are nats per token on text that was not trained on."""

    expert: str
    start_version: int
    round_id: RoundId
    update_id: UpdateId
    miner: str
    cid: Cid
    gradient_hash: str
    tx_hash: TxHash
    height: int
    method: str
    steps: int
    seconds: float
    tokens: int
    loss_before: float
    loss_after: float


async def mine(
    ports: MinerPorts, expert_name: str, data: Path, method: Literal["dora", "lora"], seed: int
) -> MinedUpdate:
    """Train from the expert's current version, wait for a round that starts there, and submit.

    Raises:
        NotOnChain: there is no such expert.
        InvalidInput: the data cannot be used, or a LoRA is asked for that starts at a DoRA.
        ModelError: this node's base is not the expert's.
        RoundClosed: the expert moved on meanwhile, or this account has submitted already.
        NoRound: no round took updates in time.
        TxRejected: the chain refuses the update.
    """
    outbox = Outbox(ports.settings.home)
    for cid in await outbox.publish_included(ports.client, ports.store):
        ports.tell(f"published {cid}, which an earlier run had submitted")
    text = await asyncio.to_thread(read_data, data)
    expert = await queries.expert(ports.client, expert_name)
    base = await asyncio.to_thread(ports.base)
    check_base(base, expert.base_hash, f"expert {expert.name}")
    start = await _start_of(ports, expert)
    ports.tell(f"training a {method} update of {expert.name}@{expert.version} on {len(text)} characters of {data.name}")
    trained = await asyncio.to_thread(
        train_adapter,
        base,
        text,
        ports.settings.training.mining,
        method=method,
        start=start,
        seed=seed,
        on_step=ports.on_step,
    )
    ports.tell(f"trained {trained.steps} steps: loss {trained.loss_before:.3f} -> {trained.loss_after:.3f}")
    ports.tell(f"waiting for a round of {expert.name}@{expert.version}")
    opened = await wait_for_round(ports, expert)
    package = _package(trained, base, opened, ports)
    submitted = await submit_update(ports, outbox, opened, package, trained.loss_after)
    return _mined(opened, package, trained, submitted, ports)


def read_data(path: Path) -> str:
    """Read the miner's text.

    Raises:
        InvalidInput: it is no file, is larger than `MAX_DATA_BYTES`, or is not UTF-8.
    """
    if not path.is_file():
        raise InvalidInput(str(path), "is no file")
    if path.stat().st_size > MAX_DATA_BYTES:
        raise InvalidInput(str(path), f"is larger than {MAX_DATA_BYTES} bytes; split it")
    return read_text(path)


async def _start_of(ports: MinerPorts, expert: ExpertRecord) -> AdapterPackage | None:
    """The adapter of the expert's current version; None for version 0."""
    if expert.adapter is None:
        return None
    limit = ports.settings.training.max_update_bytes
    folder = ports.settings.home / "adapters" / expert.adapter
    if not folder.exists():
        ports.tell(f"fetching {expert.name}@{expert.version}: {expert.adapter}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        await ports.store.get(expert.adapter, folder, Limits(max_bytes=limit))
    return await asyncio.to_thread(read_package, folder, max_bytes=limit)


def _package(trained: TrainedAdapter, base: BaseModel, opened: RoundRecord, ports: MinerPorts) -> AdapterPackage:
    return make_package(
        trained.config,
        trained.tensors,
        base_id=base.base_id,
        expert=opened.expert,
        version=opened.start_version + 1,
        origin=UpdateOrigin(ports.client.address, opened.round_id),
    )


def _mined(
    opened: RoundRecord, package: AdapterPackage, trained: TrainedAdapter, submitted: Submitted, ports: MinerPorts
) -> MinedUpdate:
    return MinedUpdate(
        expert=opened.expert,
        start_version=opened.start_version,
        round_id=opened.round_id,
        update_id=submitted.update_id,
        miner=ports.client.address,
        cid=submitted.cid,
        gradient_hash=package.manifest.gradient_hash,
        tx_hash=submitted.tx_hash,
        height=submitted.height,
        method=package.manifest.method,
        steps=trained.steps,
        seconds=trained.seconds,
        tokens=trained.tokens,
        loss_before=trained.loss_before,
        loss_after=trained.loss_after,
    )
