"""The proposer's nine steps of one round, resumable at every point.

What is durable decides where a run goes on: each step is journalled before the next one begins, and the chain is asked
before anything is sent. So starting and resuming are the same call.
"""

from __future__ import annotations

from dataclasses import dataclass

from r3mes_ray.chain import queries
from r3mes_ray.errors import RoundClosed, WorkLost
from r3mes_ray.training.journal import open_journal
from r3mes_ray.training.proposer.assembly import build, is_intact, keep, publish, query
from r3mes_ray.training.proposer.commit_reveal import commit, finalize, reveal
from r3mes_ray.training.proposer.context import RoundContext, RoundPorts
from r3mes_ray.training.proposer.report import RoundReport, report_of
from r3mes_ray.training.proposer.settlement import Settlement
from r3mes_ray.training.proposer.workspace import workspace_of
from r3mes_ray.training.records import Aggregated, Began, Ended, Outcome
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.types import RoundId


@dataclass(frozen=True, slots=True)
class RoundCoordinator:
    """Runs rounds for one account."""

    ports: RoundPorts

    async def run(self, round_id: RoundId) -> RoundReport:
        """Do what is left of a round: all of it, or from where an earlier run stopped.

        Args:
            round_id: a round that is open on chain, or that this home worked on.

        Raises:
            NotOnChain: there is no such round.
            RoundClosed: a phase ended before its step was done.
            TooFewUpdates: fewer valid updates than the round's rule needs.
            RoundBusy: another process works on it.
            TxRejected: the chain refuses a transaction for good.
            ChainUnavailable: no node answered for a long time; running again continues.
        """
        ports = self.ports
        chain_id = (await ports.client.status()).chain_id
        with open_journal(ports.settings.home, chain_id, round_id) as journal:
            settlement = Settlement(ports.client, journal, round_id, ports.clock)
            context = RoundContext(
                ports=ports,
                chain_id=chain_id,
                record=await settlement.patiently(lambda: queries.round_of(ports.client, round_id)),
                journal=journal,
                settlement=settlement,
                workspace=workspace_of(ports.settings.home, chain_id, round_id),
            )
            _begin(context)
            if journal.progress.ended is None:
                await _go_on(context)
            return report_of(round_id, context.record.expert, journal.progress, tuple(context.seconds))


def _begin(context: RoundContext) -> None:
    began, record, address = context.journal.progress.began, context.record, context.ports.client.address
    if began is None:
        context.journal.append(Began(context.chain_id, record.round_id, record.expert, address, record.opened_height))
    elif (began.proposer, began.opened_height) != (address, record.opened_height):
        reason = f"its journal is of account {began.proposer} and of a round opened at height {began.opened_height}"
        raise RoundClosed(record.round_id, "continue", reason)


async def _go_on(context: RoundContext) -> None:
    journal = context.journal
    try:
        if journal.progress.prepared is None:
            await _assemble(context)
        if journal.progress.committed is None:
            if journal.progress.aggregated is not None:
                await keep(context, journal.progress.aggregated.cid)
            with context.step("commit"):
                await commit(context)
        if journal.progress.revealed is None:
            with context.step("reveal"):
                await reveal(context)
        if journal.progress.finalized is None:
            with context.step("submit"):
                winner = await finalize(context)
            if winner is not None:
                _end(context, "superseded", f"aggregation {winner} of another proposer won")
                return
    except RoundClosed as closed:
        _end(context, "forfeited" if journal.progress.committed else "failed", str(closed))
        raise
    _end(context, "finalized", "")


async def _assemble(context: RoundContext) -> None:
    """Steps 1 to 6: from the chain's list to a package that is stored and was read back."""
    client, journal, round_id = context.ports.client, context.journal, context.record.round_id
    if await context.settlement.patiently(lambda: queries.commitment(client, round_id, client.address)) is not None:
        reason = f"a commitment of {client.address} is on chain, and its salt is not in this home"
        raise RoundClosed(round_id, "commit", reason)
    aggregated = journal.progress.aggregated
    if aggregated is None or not is_intact(context, aggregated.cid):
        with context.step("query"):
            plan = await query(context)
        aggregated = await _build(context, plan)
        journal.append(aggregated)
    if journal.progress.published is None:
        with context.step("upload"):
            journal.append(await publish(context, aggregated.cid))


async def _build(context: RoundContext, plan: RoundPlan) -> Aggregated:
    """What died with a worker is computed once more."""
    try:
        return await build(context, plan)
    except WorkLost as lost:
        context.tell("aggregate", f"{lost}; once more from the start")
        return await build(context, plan)


def _end(context: RoundContext, outcome: Outcome, reason: str) -> None:
    context.journal.append(Ended(outcome, reason))
    context.workspace.clear()
