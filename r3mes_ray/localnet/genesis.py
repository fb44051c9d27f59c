"""What a chain starts from: its identity, its parameters and its first balances."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints, ValidationError

from r3mes_ray.errors import ChainMismatch, ConfigError, GenesisConflict
from r3mes_ray.localnet.parameters import Amount, Parameters, Record
from r3mes_ray.localnet.state import State
from r3mes_ray.settings import Settings

PARAMETERS_KEY = b"parameters"
DENOM_PATTERN = r"^[a-zA-Z][a-zA-Z0-9/:._-]{2,127}$"


class Balance(Record):
    """What one account has at genesis, in the base denomination."""

    address: str
    amount: Amount


class Genesis(Record):
    """The first state of a chain; nodes of one chain have the same one."""

    chain_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,50}$")]
    """Signed by every transaction."""
    time: datetime
    """Time of block 0."""
    bech32_prefix: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}$")] = "remes"
    """Human-readable part of account addresses."""
    denom: Annotated[str, StringConstraints(pattern=DENOM_PATTERN)] = "uremes"
    """Base denomination of fees, bonds and rewards."""
    balances: tuple[Balance, ...] = ()
    """First balances; an address at most once."""
    parameters: Parameters = Parameters()
    """First parameters."""


def genesis_of(settings: Settings, balances: dict[str, int], time: datetime | None = None) -> Genesis:
    """The genesis that settings describe; `time` defaults to now.

    Raises:
        ConfigError: a balance or a phase length is out of range.
    """
    local = settings.localnet
    try:
        made = Genesis(
            chain_id=settings.chain.chain_id,
            time=(time or datetime.now(UTC)).replace(microsecond=0),
            bech32_prefix=settings.chain.bech32_prefix,
            denom=settings.chain.denom,
            balances=tuple(Balance(address=a, amount=n) for a, n in sorted(balances.items())),
            parameters=Parameters(
                submit_blocks=local.submit_blocks,
                commit_blocks=local.commit_blocks,
                reveal_blocks=local.reveal_blocks,
                challenge_blocks=local.challenge_blocks,
                rule_set=local.rule_set,
                voting_period_s=local.voting_period_s,
            ),
        )
        # Every parameter is written down, so that a later default cannot change this chain.
        return Genesis.model_validate(made.model_dump())
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError("genesis." + ".".join(str(part) for part in first["loc"]), first["msg"]) from error


def genesis_path(settings: Settings) -> Path:
    """Where a home keeps its chain's genesis."""
    return settings.home / "chain" / "genesis.json"


def read_genesis(path: Path) -> Genesis | None:
    """The genesis in a file, or `None` when there is no file.

    Raises:
        ConfigError: the file is not a genesis.
    """
    try:
        return Genesis.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ConfigError(str(path), f"not a genesis: {error}") from error


def check_genesis(stored: Genesis, wanted: Genesis, home: Path) -> None:
    """Refuse to continue a chain under another genesis; the time does not count.

    Raises:
        ChainMismatch: the home's chain has another chain-id.
        GenesisConflict: another difference, named.
    """
    if stored.chain_id != wanted.chain_id:
        raise ChainMismatch(wanted.chain_id, stored.chain_id)
    ours, theirs = wanted.model_dump(exclude={"time"}), stored.model_dump(exclude={"time"})
    for field in ours:
        if ours[field] != theirs[field]:
            raise GenesisConflict(str(home), _difference(field, theirs[field], ours[field]))


def canonical(record: Record) -> bytes:
    """JSON with sorted keys and without white space, of what was given: a default that came later is not in it."""
    return json.dumps(
        record.model_dump(mode="json", exclude_unset=True), sort_keys=True, separators=(",", ":")
    ).encode()


def parameters_of(state: State) -> Parameters:
    """The parameters that hold in a state."""
    value = state.get(PARAMETERS_KEY)
    return Parameters() if value is None else _parse_parameters(value)


@lru_cache(maxsize=8)
def _parse_parameters(value: bytes) -> Parameters:
    return Parameters.model_validate_json(value)


def _difference(field: str, stored: object, wanted: object) -> str:
    if isinstance(stored, dict) and isinstance(wanted, dict):
        for key in wanted:
            if stored.get(key) != wanted[key]:
                return f"{field}.{key} is {stored.get(key)!r} there and {wanted[key]!r} here"
    return f"{field} differs"
