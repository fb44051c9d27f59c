"""A round as functions: what is considered, what it weighs, what is committed to, and the three messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainClient
from r3mes_ray.chain.records import RoundPhase, RoundRecord, UpdateRecord
from r3mes_ray.errors import InvalidInput, RoundClosed
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.commitment import commitment_hash
from r3mes_ray.protocol.merkle import UpdateLeaf, merkle_root
from r3mes_ray.protocol.weights import weight_of
from r3mes_ray.training.records import Aggregated, Excluded, Prepared
from r3mes_ray.training.rules import RuleParameters, parse_parameters
from r3mes_ray.types import Address, RoundId, UpdateId, model_version
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgCommitAggregation, MsgRevealAggregation, MsgSubmitAggregation

SALT_BYTES = 32
EARLIER_ROUNDS = 8
"""So many rounds before a round are asked whether an update stands in them, and a version has the sketches of so many;
every node must ask and keep the same ones."""
STALE = "stale"
"""Rule of an update that an earlier round had."""
EQUAL = 1
"""Weight of each update where the chain names none at all."""


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """What the chain fixes for everybody who aggregates a round.

    Attributes:
        updates: the chain's whole list at S, by ascending id.
        considered: those that are fetched.
        excluded: those that are not, with the reason.
        weights: what each update weighs by the chain's record; empty where it names none, and all weigh alike.
    """

    record: RoundRecord
    parameters: RuleParameters
    updates: tuple[UpdateRecord, ...]
    considered: tuple[UpdateRecord, ...]
    excluded: tuple[Excluded, ...]
    weights: Mapping[UpdateId, int] = field(default_factory=dict)

    def weight(self, update_id: UpdateId) -> int:
        """The weight of an update."""
        return self.weights[update_id] if self.weights else EQUAL

    @property
    def start_version(self) -> str:
        """The version that updates start from, as the chain writes it."""
        record = self.record
        return model_version(record.base_model, record.expert, record.start_version)


def plan_round(
    record: RoundRecord,
    updates: Sequence[UpdateRecord],
    weights: Mapping[UpdateId, int] | None = None,
    earlier: Mapping[str, UpdateId] | None = None,
) -> RoundPlan:
    """Decide which updates are looked at: the first on chain that are new, up to the round's limit.

    `earlier` are the gradient hashes that `earlier_updates` finds.

    Raises:
        InvalidInput: the round's parameters cannot be read, or weights name some updates and not others.
    """
    parameters = parse_parameters(record.rule_parameters)
    ordered = tuple(sorted(updates, key=lambda update: update.update_id))
    unnamed = [update.update_id for update in ordered if weights and update.update_id not in weights]
    if unnamed:
        # Beside weights near 10^10 any default would count for nothing.
        raise InvalidInput(f"weights of round {record.round_id}", f"the chain names none of updates {unnamed[:10]}")
    stale = _stale(ordered, earlier or {})
    again = {entry.update_id for entry in stale}
    new = tuple(update for update in ordered if update.update_id not in again)
    count = len(new) if parameters.limit is None else min(len(new), parameters.limit)
    beyond = [Excluded(update.update_id, "limit", f"only {count} are considered") for update in new[count:]]
    excluded = tuple(sorted([*stale, *beyond], key=lambda entry: entry.update_id))
    return RoundPlan(record, parameters, ordered, new[:count], excluded, dict(weights or {}))


def _stale(updates: Sequence[UpdateRecord], earlier: Mapping[str, UpdateId]) -> list[Excluded]:
    return [
        Excluded(update.update_id, STALE, f"is update {earlier[update.gradient_hash]} of an earlier round again")
        for update in updates
        if update.gradient_hash in earlier
    ]


async def earlier_updates(client: ChainClient, record: RoundRecord) -> dict[str, UpdateId]:
    """Gradient hashes in the last `EARLIER_ROUNDS` rounds of earlier versions, with the first update that has each.

    Rounds of the same version do not count: one of them ended without an aggregate, and its updates are still good.
    """
    found: dict[str, UpdateId] = {}
    for entry in await queries.rounds_of_earlier_versions(client, record, EARLIER_ROUNDS):
        for update in await queries.round_updates(client, entry.round_id):
            first = found.get(update.gradient_hash, update.update_id)
            found[update.gradient_hash] = min(first, update.update_id)
    return found


async def weights_of(client: ChainClient, round_id: RoundId) -> dict[UpdateId, int]:
    """What each update of a round weighs, by the chain's record alone; known once the submit phase is over."""
    return {
        entry.update_id: weight_of(entry.trust, entry.stake) for entry in await queries.round_weights(client, round_id)
    }


def check_open(record: RoundRecord, height: int) -> None:
    """Raise RoundClosed unless a proposer can still commit in the round."""
    if record.phase in (RoundPhase.DONE, RoundPhase.FAILED):
        raise RoundClosed(record.round_id, "commit", f"it is over ({record.phase})")
    if height >= record.commit_end:
        reason = f"its commit phase ended with block {record.commit_end}, the chain is at {height}"
        raise RoundClosed(record.round_id, "commit", reason)


def root_of(updates: Sequence[UpdateRecord], prefix: str) -> str:
    """Merkle root over accepted updates, ascending.

    Raises:
        InvalidInput: no update, or a record that is not in canonical form.
    """
    return merkle_root(leaves_of(updates, prefix))


def leaves_of(updates: Sequence[UpdateRecord], prefix: str) -> list[UpdateLeaf]:
    """What the Merkle tree of a round hashes, in the order of the updates. Raises InvalidInput for an address."""
    return [
        UpdateLeaf(update.update_id, update.cid, update.gradient_hash, parse_address(update.miner, prefix))
        for update in updates
    ]


def prepare(
    chain_id: str, round_id: RoundId, proposer: bytes, aggregated: Aggregated, random_bytes: Callable[[int], bytes]
) -> Prepared:
    """Draw a salt and commit to the aggregate with it; `proposer` is the account's 20 bytes."""
    salt = random_bytes(SALT_BYTES).hex()
    commitment = commitment_hash(
        chain_id,
        proposer,
        round_id,
        aggregated.model_version,
        aggregated.cid,
        aggregated.merkle_root,
        aggregated.accepted,
        salt,
    )
    return Prepared(salt, commitment)


def commit_message(
    proposer: Address, round_id: RoundId, prepared: Prepared, submitted: Sequence[UpdateId]
) -> MsgCommitAggregation:
    """Promise an aggregate: names the chain's whole list, so it tells nothing about the verdicts."""
    return MsgCommitAggregation(
        proposer=proposer,
        commitment_hash=prepared.commitment,
        training_round_id=round_id,
        participant_gradient_ids=list(submitted),
    )


def reveal_message(
    proposer: Address, round_id: RoundId, commitment_id: int, aggregated: Aggregated, prepared: Prepared
) -> MsgRevealAggregation:
    """Open the commitment."""
    return MsgRevealAggregation(
        proposer=proposer,
        commitment_id=commitment_id,
        aggregated_gradient_ipfs_hash=aggregated.cid,
        merkle_root=aggregated.merkle_root,
        participant_gradient_ids=list(aggregated.accepted),
        training_round_id=round_id,
        model_version=aggregated.model_version,
        salt=prepared.salt,
    )


def submit_message(proposer: Address, round_id: RoundId, aggregated: Aggregated) -> MsgSubmitAggregation:
    """Finalise the revealed aggregate."""
    return MsgSubmitAggregation(
        proposer=proposer,
        aggregated_gradient_ipfs_hash=aggregated.cid,
        merkle_root=aggregated.merkle_root,
        participant_gradient_ids=list(aggregated.accepted),
        training_round_id=round_id,
        model_version=aggregated.model_version,
    )
