"""The evaluation gate's text: what a node's settings say of it, what a round declares, and what a refusal must name."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from r3mes_ray.models.corpus import read_text
from r3mes_ray.settings.training import EvaluationSettings
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.rules.parameters import RuleParameters
from r3mes_ray.types import UpdateId

LOSS = "loss"
"""Rule of an update that the evaluation gate refuses."""
PRINTED = 1.1e-6
"""How far the difference of two losses may be off, in nats, as a reason prints them."""
_DETAIL = re.compile(r"(\S+) nats per token on held-out text ([0-9a-f]{64}), the start version has (\S+)")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The gate's text, the tokens in one window of it, and by how much a loss may rise."""

    text: str
    window_tokens: int
    margin_nats: float

    @property
    def sha256(self) -> str:
        """Hex hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def held_out(gate: EvaluationSettings) -> HeldOut | None:
    """The gate that a node's settings ask for.

    Raises:
        InvalidInput: the text cannot be read.
    """
    if gate.text is None:
        return None
    return HeldOut(read_text(gate.text.expanduser()), gate.window_tokens, gate.margin_nats)


def gate_of_round(parameters: RuleParameters, own: HeldOut | None) -> HeldOut | None:
    """The gate that a node may apply in a round: the declared one, with its window and margin, if it has that text."""
    margin, window = parameters.gate_margin_nats, parameters.gate_window_tokens
    if own is None or margin is None or window is None or own.sha256 != parameters.gate_sha256:
        return None
    return replace(own, window_tokens=window, margin_nats=margin)


def why_no_gate(parameters: RuleParameters, own: HeldOut | None) -> str | None:
    """In words, why a node's gate and the round's are not the same; None where neither has one, or both the same."""
    declared, mine = parameters.gate_sha256, None if own is None else own.sha256
    if declared == mine:
        return None
    if declared is None:
        return f"no update is scored: the round declares no evaluation gate, this node's text is {mine}"
    has = "none" if mine is None else f"the text {mine}"
    return f"no update is scored: the round declares held-out text {declared}, this node has {has}"


def refusal(update_id: UpdateId, sha256: str, loss: float, start: float) -> Excluded:
    """An update that the gate refuses, with both losses in nats per token and the text's hash."""
    detail = f"{loss:.6f} nats per token on held-out text {sha256}, the start version has {start:.6f}"
    return Excluded(update_id, LOSS, detail)


def undeclared(parameters: RuleParameters, recorded: Sequence[Excluded]) -> str | None:
    """What is wrong with the refusals of an evaluation gate that a manifest records; None where nothing is."""
    faults = (_fault(parameters, entry) for entry in recorded if entry.rule == LOSS)
    return next((fault for fault in faults if fault is not None), None)


def _fault(parameters: RuleParameters, entry: Excluded) -> str | None:
    who, margin = f"update {entry.update_id} is refused for its loss", parameters.gate_margin_nats
    if margin is None:
        return f"{who}, and the round declares no evaluation gate"
    said = _numbers(entry.detail)
    if said is None:
        return f"{who}, and its reason does not name both losses and the text"
    loss, sha256, start = said
    if sha256 != parameters.gate_sha256:
        return f"{who} on text {sha256}, and the round declares {parameters.gate_sha256}"
    # What is not a number is above every limit.
    if math.isfinite(loss) and loss - start < margin - PRINTED:
        return f"{who}, and {loss:.6f} is not above {start:.6f} by more than {margin:g}"
    return None


def _numbers(detail: str) -> tuple[float, str, float] | None:
    found = _DETAIL.fullmatch(detail)
    if found is None:
        return None
    try:
        return float(found[1]), found[2], float(found[3])
    except ValueError:
        return None
