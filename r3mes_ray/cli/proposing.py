"""Puts a proposer together: the running cluster or one of its own, the account's actor, this node's store and base."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import cache

from r3mes_ray.chain.actor import chain_actor, stop_chain_actor
from r3mes_ray.chain.records import RoundRecord
from r3mes_ray.cli.context import progress
from r3mes_ray.cluster import join, leave
from r3mes_ray.content import open_store
from r3mes_ray.errors import ConfigError
from r3mes_ray.models.base import load_base
from r3mes_ray.node.content_peers import peers_from_chain
from r3mes_ray.node.record import read_record
from r3mes_ray.serving.ports import claim_port
from r3mes_ray.settings import Settings
from r3mes_ray.training.actors import layer_work, ray_map
from r3mes_ray.training.ports import STEPS, Listener, StepEvent
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.training.proposer.opening import OpenedRound, PhaseBlocks, open_or_join
from r3mes_ray.training.proposer.report import RoundReport
from r3mes_ray.training.rules import parse_parameters
from r3mes_ray.types import RoundId

_ITEM_TIMEOUTS = 4
"""A task may take this many idle timeouts: its worker may have to start first."""


async def propose(settings: Settings, key: str | None, *, expert: str, limit: int | None) -> RoundReport:
    """Run the expert's open round, opening one where there is none."""
    async with proposer_ports(settings, key, _listen) as ports:
        found = await open_or_join(ports.client, expert, settings.training, limit, PhaseBlocks())
        if isinstance(found, OpenedRound):
            _say(f"opened round {found.round_id} of {expert} at height {found.height}, tx {found.tx_hash}")
        else:
            check_limit(found, limit)
            _say(f"round {found.round_id} of {expert} is open ({found.phase})")
        return await RoundCoordinator(ports).run(found.round_id)


def check_limit(record: RoundRecord, limit: int | None) -> None:
    """Refuse a limit that an open round does not have on chain: every proposer and checker goes by that one.

    Raises:
        ConfigError: names both.
    """
    own = parse_parameters(record.rule_parameters).limit
    if limit is not None and limit != own:
        stands = "no limit" if own is None else f"the limit {own}"
        raise ConfigError(
            "--limit", f"{limit} is asked for, but round {record.round_id} is open with {stands} on chain"
        )


async def resume(settings: Settings, key: str | None, round_id: RoundId) -> RoundReport:
    """Go on with a round."""
    async with proposer_ports(settings, key, _listen) as ports:
        return await RoundCoordinator(ports).run(round_id)


@asynccontextmanager
async def proposer_ports(
    settings: Settings, key: str | None, listen: Listener, turn: AbstractAsyncContextManager[object] | None = None
) -> AsyncIterator[RoundPorts]:
    """What a proposer works with, for as long as the context lasts; a cluster of its own ends with it."""
    running = read_record(settings.home)
    if running is not None:
        cluster = settings.ray.model_copy(update={"address": running.ray_address})
        settings = settings.model_copy(update={"ray": cluster})
    if settings.ray.address is None:
        claim_port("127.0.0.1", settings.ray.dashboard_port, "ray.dashboard_port")
    joined = join(settings)
    name = key or settings.keyring.key
    _say(f"Ray at {joined.address}, dashboard {joined.dashboard or 'off'}")
    training = settings.training
    item_timeout_s = _ITEM_TIMEOUTS * training.fetch_timeout_s
    try:
        client = chain_actor(settings, name)
        async with peers_from_chain(settings, client, _say):
            yield RoundPorts(
                settings=settings,
                client=client,
                store=open_store(settings),
                base=cache(lambda: load_base(settings.model.path, threads=settings.model.threads)),
                parallel=ray_map(training.fetch_concurrency, item_timeout_s),
                layers=layer_work(
                    training.fetch_concurrency, item_timeout_s, training.layer_timeout_s, training.gpus_per_task
                ),
                listen=listen,
                turn=turn or nullcontext(),
            )
    finally:
        if joined.owned:
            stop_chain_actor(settings, name)
        leave()


def _listen(event: StepEvent) -> None:
    number = STEPS.index(event.step) + 1
    if event.state == "begin":
        _say(f"[{number}/{len(STEPS)}] {event.step}")
    else:
        _say(f"      {event.step}: {'done in ' if event.state == 'done' else ''}{event.detail}")


def _say(text: str) -> None:
    progress.print(text, markup=False, soft_wrap=True)
