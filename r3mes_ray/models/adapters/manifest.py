"""`r3mes.json`: where an adapter comes from and what it belongs to. The list of keys is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters.canonical_json import canonical, parse_object, require_canonical
from r3mes_ray.models.adapters.history import History, check_history
from r3mes_ray.types import Address, RoundId, UpdateId

FILE = "r3mes.json"
_CLOSED = ConfigDict(extra="forbid", strict=True)

Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Parameter = str | int | float | bool


@dataclass(frozen=True, slots=True)
class UpdateOrigin:
    """A miner's update for a round."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    miner: Annotated[Address, Field(min_length=1, max_length=200)]
    round: Annotated[RoundId, Field(ge=0, lt=2**53)]
    kind: Literal["update"] = "update"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An update of the round that is not in the aggregate; `rule` names what it broke."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    id: Annotated[UpdateId, Field(ge=0, lt=2**53)]
    rule: Name
    reason: Annotated[str, Field(max_length=1000)]


@dataclass(frozen=True, slots=True)
class AggregateOrigin:
    """A round's aggregate.

    Attributes:
        rule: name of the aggregation rule, with its `parameters`.
        accepted: ids of the updates in it, ascending; `weights` in the same order.
        start_version: version that the updates started from; 0 is the base.
        discarded_energy: share of the result's squared norm, over all layers, that the target rank left out.
        history: sketches of the updates that this round and those before it accepted.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    round: Annotated[RoundId, Field(ge=0, lt=2**53)]
    rule: Name
    parameters: Mapping[str, Parameter]
    accepted: tuple[Annotated[UpdateId, Field(ge=0, lt=2**53)], ...]
    weights: tuple[float, ...]
    excluded: tuple[Exclusion, ...]
    start_version: Count
    discarded_energy: Annotated[float, Field(ge=0, le=1)]
    history: History
    kind: Literal["aggregate"] = "aggregate"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an adapter is.

    Attributes:
        version: of the expert, that this package is or contributes to; the first one is 1.
        gradient_hash: over configuration and tensors (`protocol.gradient_hash`).
        norm: weight whose row norms a DoRA magnitude refers to; only the effective one (scale x ternary) exists here.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED
    base_id: Name
    base_hash: Hex32
    expert: Name
    version: Count
    method: Literal["lora", "dora"]
    gradient_hash: Hex32
    origin: Annotated[UpdateOrigin | AggregateOrigin, Field(discriminator="kind")]
    norm: Literal["effective"] = "effective"


_PARSER: TypeAdapter[Manifest] = TypeAdapter(Manifest)


def encode_manifest(manifest: Manifest) -> bytes:
    """Canonical bytes of `r3mes.json`.

    Raises:
        PackageRejected: a value that `decode_manifest` would refuse.
    """
    data = canonical(_plain(manifest), FILE)
    decode_manifest(data)
    return data


def decode_manifest(data: bytes) -> Manifest:
    """Read `r3mes.json`.

    Raises:
        PackageRejected: a key is missing or unknown, a value is wrong, or the bytes are not canonical.
    """
    parse_object(data, FILE)
    try:
        manifest = _PARSER.validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PackageRejected("manifest", FILE, f"{place}: {first['msg']}") from error
    _check_ids(manifest)
    require_canonical(data, _plain(manifest), FILE)
    return manifest


def _plain(manifest: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = _PARSER.dump_python(manifest, mode="json")
    return found


def _check_ids(manifest: Manifest) -> None:
    """Accepted ids ascend, each has a weight, and no id is both accepted and excluded."""
    origin = manifest.origin
    if isinstance(origin, UpdateOrigin):
        return
    excluded = [item.id for item in origin.excluded]
    if list(origin.accepted) != sorted(set(origin.accepted)) or excluded != sorted(set(excluded)):
        raise PackageRejected("manifest", FILE, "ids do not ascend")
    if set(origin.accepted) & set(excluded):
        raise PackageRejected("manifest", FILE, "an id is accepted and excluded")
    if len(origin.weights) != len(origin.accepted):
        raise PackageRejected("manifest", FILE, "accepted and weights differ in length")
    check_history(origin.history, manifest.version, origin.accepted)
