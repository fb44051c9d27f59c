"""The three transactions of a round: promise the aggregate, show it, make it the expert's version."""

from __future__ import annotations

from r3mes_ray.chain import queries
from r3mes_ray.chain.records import RoundPhase
from r3mes_ray.errors import RoundClosed
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.training.proposer.context import RoundContext
from r3mes_ray.training.records import Aggregated, Committed, Finalized, Prepared, Revealed
from r3mes_ray.training.round import commit_message, prepare, reveal_message, submit_message


async def commit(context: RoundContext) -> None:
    """Step 7: prepare a salt where there is none, and bring the commitment onto the chain.

    Raises:
        RoundClosed: the commit phase is over, or the chain holds another commitment of this account.
    """
    client, record, aggregated = context.ports.client, context.record, _aggregated(context)
    prepared = context.journal.progress.prepared or _prepare(context, aggregated)
    await context.wait_above("commit", "submit", record.submit_end)

    async def find() -> Committed | None:
        found = await queries.commitment(client, record.round_id, client.address)
        if found is None:
            return None
        if found.commitment_hash != prepared.commitment:
            reason = f"commitment {found.commitment_id} of this account on chain is not the journal's"
            raise RoundClosed(record.round_id, "commit", reason)
        return Committed(found.commitment_id, found.committed_height, "")

    message = commit_message(client.address, record.round_id, prepared, aggregated.submitted)
    committed = await context.settlement.settle("commit", find, lambda: [message], record.commit_end)
    context.tell("commit", f"{prepared.commitment}, height {committed.height}, tx {committed.tx_hash}")


async def reveal(context: RoundContext) -> None:
    """Step 8: wait until nobody can commit any more, and open the commitment.

    Raises:
        RoundClosed: the reveal phase is over: the round is forfeited.
    """
    client, record, aggregated = context.ports.client, context.record, _aggregated(context)
    prepared, committed = context.journal.progress.prepared, context.journal.progress.committed
    if prepared is None or committed is None:
        raise RoundClosed(record.round_id, "reveal", "nothing was committed from this home")
    await context.wait_above("reveal", "commit", record.commit_end)

    async def find() -> Revealed | None:
        found = await queries.commitment(client, record.round_id, client.address)
        if found is None or found.aggregation is None:
            return None
        revealed = await queries.aggregation(client, found.aggregation)
        return Revealed(revealed.aggregation_id, revealed.submitted_height, "")

    message = reveal_message(client.address, record.round_id, committed.commitment_id, aggregated, prepared)
    revealed = await context.settlement.settle("reveal", find, lambda: [message], record.reveal_end)
    detail = f"aggregation {revealed.aggregation_id}, height {revealed.height}, tx {revealed.tx_hash}"
    context.tell("reveal", detail)


async def finalize(context: RoundContext) -> int | None:
    """Step 9: after the challenge phase, make the aggregate the expert's version.

    Returns:
        The aggregation of another proposer, where that one won; else None.

    Raises:
        RoundClosed: the round failed on chain.
    """
    client, record = context.ports.client, context.record
    await context.wait_above("submit", "challenge", record.challenge_end)
    now = await context.settlement.patiently(lambda: queries.round_of(client, record.round_id))
    revealed = context.journal.progress.revealed
    if now.phase is RoundPhase.FAILED or now.aggregation is None or revealed is None:
        raise RoundClosed(record.round_id, "submit", "the round failed on chain")
    if now.aggregation != revealed.aggregation_id:
        return now.aggregation

    async def find() -> Finalized | None:
        expert = await queries.expert(client, record.expert)
        made = next((entry for entry in expert.history if entry.round_id == record.round_id), None)
        return None if made is None else Finalized(made.version, made.finalized_height, "")

    message = submit_message(client.address, record.round_id, _aggregated(context))
    finalized = await context.settlement.settle("submit", find, lambda: [message], None)
    detail = f"{record.expert}@{finalized.version}, height {finalized.height}, tx {finalized.tx_hash}"
    context.tell("submit", detail)
    return None


def _prepare(context: RoundContext, aggregated: Aggregated) -> Prepared:
    settings, client = context.ports.settings, context.ports.client
    proposer = parse_address(client.address, settings.chain.bech32_prefix)
    prepared = prepare(context.chain_id, context.record.round_id, proposer, aggregated, context.ports.random_bytes)
    context.journal.append(prepared)
    return prepared


def _aggregated(context: RoundContext) -> Aggregated:
    aggregated = context.journal.progress.aggregated
    if aggregated is None:
        raise RoundClosed(context.record.round_id, "commit", "nothing was aggregated in this home")
    return aggregated
