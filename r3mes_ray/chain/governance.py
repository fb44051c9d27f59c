"""Proposals: what the gov module keeps of them, as records."""

from __future__ import annotations

from dataclasses import dataclass

from r3mes_ray.chain.base import ChainClient
from r3mes_ray.chain.decode import amount, coin, rfc3339
from r3mes_ray.chain.queries import ask, paged
from r3mes_ray.chain.records import Coin
from r3mes_ray.errors import InvalidInput
from r3mes_ray.types import Address
from r3mes_ray.wire.cosmos.gov.v1 import gov_pb2, query_pb2

_STATUS, _OPTION = "PROPOSAL_STATUS_", "VOTE_OPTION_"


@dataclass(frozen=True, slots=True)
class ProposalRecord:
    """One proposal; the counts are its votes so far, or those that decided.

    Attributes:
        status: deposit_period, voting_period, passed, rejected or failed.
        messages: types of what it executes.
        voting_end: RFC 3339, empty before the vote.
    """

    proposal_id: int
    status: str
    title: str
    summary: str
    proposer: Address
    messages: tuple[str, ...]
    deposit: tuple[Coin, ...]
    yes: int
    no: int
    abstain: int
    no_with_veto: int
    deposit_end: str
    voting_end: str
    failed_reason: str


def vote_option(text: str) -> str:
    """An option's name on the wire, from a word such as yes or no_with_veto. Raises InvalidInput."""
    name = _OPTION + text.upper().replace("-", "_")
    if name not in gov_pb2.VoteOption.keys() or name.endswith("UNSPECIFIED"):  # noqa: SIM118
        raise InvalidInput(
            "vote", f"{text[:40]!r} is not one of {', '.join(_names(_OPTION, gov_pb2.VoteOption.keys()))}"
        )
    return name


def proposal_status(text: str) -> str:
    """A status's name on the wire, from a word such as passed; empty means all. Raises InvalidInput."""
    name = _STATUS + (text.upper() or "UNSPECIFIED")
    if name not in gov_pb2.ProposalStatus.keys():  # noqa: SIM118
        known = ", ".join(_names(_STATUS, gov_pb2.ProposalStatus.keys()))
        raise InvalidInput("status", f"{text[:40]!r} is not one of {known}")
    return name


async def proposals(client: ChainClient, status: str) -> list[ProposalRecord]:
    """All proposals of a status, by its name on the wire."""
    pages = paged(
        client,
        lambda page: query_pb2.QueryProposalsRequest(proposal_status=status, pagination=page),
        query_pb2.QueryProposalsResponse,
    )
    return [_record(entry, entry.final_tally_result) async for answer in pages for entry in answer.proposals]


async def proposal(client: ChainClient, proposal_id: int) -> ProposalRecord:
    """One proposal with its votes so far. Raises NotOnChain."""
    request = query_pb2.QueryProposalRequest(proposal_id=proposal_id)
    found = (await ask(client, request, query_pb2.QueryProposalResponse)).proposal
    if found.status != gov_pb2.PROPOSAL_STATUS_VOTING_PERIOD:
        return _record(found, found.final_tally_result)
    counting = query_pb2.QueryTallyResultRequest(proposal_id=proposal_id)
    return _record(found, (await ask(client, counting, query_pb2.QueryTallyResultResponse)).tally)


def _record(found: gov_pb2.Proposal, votes: gov_pb2.TallyResult) -> ProposalRecord:
    known = gov_pb2.ProposalStatus.DESCRIPTOR.values_by_number.get(found.status)
    return ProposalRecord(
        proposal_id=found.id,
        status=known.name.removeprefix(_STATUS).lower() if known else str(found.status),
        title=found.title,
        summary=found.summary,
        proposer=Address(found.proposer),
        messages=tuple(packed.type_url for packed in found.messages),
        deposit=tuple(coin(entry) for entry in found.total_deposit),
        yes=amount(votes.yes_count),
        no=amount(votes.no_count),
        abstain=amount(votes.abstain_count),
        no_with_veto=amount(votes.no_with_veto_count),
        deposit_end=rfc3339(found.deposit_end_time) if found.HasField("deposit_end_time") else "",
        voting_end=rfc3339(found.voting_end_time) if found.HasField("voting_end_time") else "",
        failed_reason=found.failed_reason,
    )


def _names(prefix: str, names: list[str]) -> list[str]:
    return [name.removeprefix(prefix).lower() for name in names if not name.endswith("UNSPECIFIED")]
