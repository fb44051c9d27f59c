"""`r3mes verify`: for auditors; computes what a file says again, without a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from r3mes_ray.cli.context import current, emit
from r3mes_ray.cli.passphrases import read_text
from r3mes_ray.errors import ClaimDiffers
from r3mes_ray.protocol import claims
from r3mes_ray.protocol.claims import Claim, Difference

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Check commitments, Merkle trees and gradient hashes, offline."
)

File = Annotated[Path, typer.Argument(help="JSON; - is standard input.")]
C = TypeVar("C", bound=Claim)


@app.command()
def commitment(file: File) -> None:
    """Commitments with all that they are made of: root, preimage and hash."""
    _verify(file, claims.RoundClaim, "rounds", lambda claim: claims.round_differences(claim, _prefix()))


@app.command()
def merkle(file: File) -> None:
    """Merkle roots of accepted updates."""
    _verify(file, claims.TreeClaim, "rounds", lambda claim: claims.tree_differences(claim, _prefix()))


@app.command("gradient-hash")
def gradient_hash(file: File) -> None:
    """Hashes of an update's tensors and configuration."""
    _verify(file, claims.GradientClaim, "gradient_hashes", claims.gradient_differences)


@app.command()
def proof(file: File) -> None:
    """Proofs that an update is among the accepted ones; index and total must come from the chain."""
    _verify(file, claims.ProofClaim, "proofs", lambda claim: claims.proof_differences(claim, _prefix()))


def _verify(file: Path, kind: type[C], name: str, differences: Callable[[C], Iterable[Difference]]) -> None:
    found = claims.read_claims(read_text(file, claims.MAX_CHARS), kind, name)
    for number, claim in enumerate(found):
        for difference in differences(claim):
            raise ClaimDiffers(f"{name}[{number}].{difference.where}", difference.said, difference.computed)
    emit({"ok": True, "verified": len(found)}, "ok")


def _prefix() -> str:
    return current().settings.chain.bech32_prefix
