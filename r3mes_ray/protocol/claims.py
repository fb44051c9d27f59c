"""What somebody says a round, an update or a proof comes to, as JSON; checked by computing it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from r3mes_ray.errors import InvalidInput
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.commitment import commitment_hash, commitment_preimage
from r3mes_ray.protocol.gradient_hash import AdapterConfig, TensorRecord, gradient_hash
from r3mes_ray.protocol.merkle import UpdateLeaf, merkle_root, verify_proof
from r3mes_ray.types import Cid

MAX_CHARS = 512 * 2**20
_U64 = Annotated[int, Field(ge=0, lt=2**64)]


class Claim(BaseModel):
    """Frozen data of one file; fields that are not known are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class UpdateClaim(Claim):
    """One leaf of a round's tree."""

    id: _U64
    cid: str
    gradient_hash: str
    miner: str

    def leaf(self, prefix: str) -> UpdateLeaf:
        """The leaf. Raises InvalidInput for an address of another chain."""
        return UpdateLeaf(self.id, Cid(self.cid), self.gradient_hash, parse_address(self.miner, prefix))


class TreeClaim(Claim):
    """A round's accepted updates and the root that they have."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    updates: list[UpdateClaim] = Field(max_length=1_000_000)
    merkle_root: str


class RoundClaim(Claim):
    """Everything that a commitment is made of; the preimage may be left out."""

    chain_id: str
    proposer: str
    round: _U64
    model_version: str
    aggregate_cid: str
    salt: str
    updates: list[UpdateClaim] = Field(max_length=1_000_000)
    merkle_root: str
    preimage: str | None = None
    commitment_hash: str


class TensorClaim(Claim):
    """One tensor; its bytes are row-major and little-endian."""

    dtype: str
    shape: list[_U64]
    data_hex: str


class ConfigClaim(Claim):
    """What of an adapter's configuration the hash covers."""

    peft_type: str
    r: int
    lora_alpha: int
    use_rslora: bool
    use_dora: bool
    target_modules: list[str]
    rank_pattern: dict[str, int]
    alpha_pattern: dict[str, int]
    base_hash: str


class GradientClaim(Claim):
    """An update's tensors and the hash that they have."""

    config: ConfigClaim
    tensors: dict[str, TensorClaim]
    gradient_hash: str


class ProofClaim(Claim):
    """That one update is among those that a round accepted; `index` and `total` are to be taken from the chain."""

    update: UpdateClaim
    index: _U64
    total: _U64
    path: list[str] = Field(max_length=64)
    merkle_root: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not what it is said to be."""

    where: str
    said: str
    computed: str


C = TypeVar("C", bound=Claim)


def read_claims(text: str, kind: type[C], name: str) -> list[C]:
    """The claims of a document: one, a list of them, or an object that holds the list under `name`.

    Raises:
        InvalidInput: not JSON, no claim, or a field that is missing or wrong.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("claim", "the file is not JSON") from error
    entries = document.get(name, document) if isinstance(document, dict) else document
    entries = entries if isinstance(entries, list) else [entries]
    if not entries:
        raise InvalidInput("claim", "the file has none, so there is nothing to verify")
    try:
        return [kind.model_validate(entry) for entry in entries]
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput("claim", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def tree_differences(claim: TreeClaim, prefix: str) -> Iterator[Difference]:
    """Where a tree differs. Raises InvalidInput for a leaf that is not in canonical form."""
    yield from _compare("merkle_root", claim.merkle_root, _root(claim.updates, prefix))


def round_differences(claim: RoundClaim, prefix: str) -> Iterator[Difference]:
    """Where a commitment differs: root, preimage, hash. Raises InvalidInput for text that is not canonical."""
    root = _root(claim.updates, prefix)
    yield from _compare("merkle_root", claim.merkle_root, root)
    proposer, ids = parse_address(claim.proposer, prefix), [update.id for update in claim.updates]
    parts = (
        claim.chain_id,
        proposer,
        claim.round,
        claim.model_version,
        Cid(claim.aggregate_cid),
        root,
        ids,
        claim.salt,
    )
    if claim.preimage is not None:
        yield from _compare("preimage", claim.preimage, commitment_preimage(*parts).hex())
    yield from _compare("commitment_hash", claim.commitment_hash, commitment_hash(*parts))


def gradient_differences(claim: GradientClaim) -> Iterator[Difference]:
    """Where a gradient hash differs. Raises InvalidInput for tensors that break a rule."""
    values = claim.config.model_dump()
    config = AdapterConfig(**{**values, "target_modules": tuple(values["target_modules"])})
    tensors = [
        TensorRecord(name, tensor.dtype, tuple(tensor.shape), _bytes(name, tensor.data_hex))
        for name, tensor in claim.tensors.items()
    ]
    yield from _compare("gradient_hash", claim.gradient_hash, gradient_hash(config, tensors))


def proof_differences(claim: ProofClaim, prefix: str) -> Iterator[Difference]:
    """Where a proof differs. Raises InvalidInput for text that is not canonical."""
    path = [_bytes("path", node) for node in claim.path]
    if not verify_proof(claim.update.leaf(prefix), claim.index, claim.total, path, claim.merkle_root):
        said = f"update {claim.update.id} is leaf {claim.index} of {claim.total}"
        yield Difference("path", said, f"it does not lead to {claim.merkle_root}")


def _root(updates: list[UpdateClaim], prefix: str) -> str:
    return merkle_root([update.leaf(prefix) for update in updates])


def _compare(where: str, said: str, computed: str) -> Iterator[Difference]:
    if said != computed:
        yield Difference(where, said, computed)


def _bytes(what: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise InvalidInput(what, "it is not hex digits") from error
