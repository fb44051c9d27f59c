"""Updates that are in the expert already and come again, in whatever encoding: known by the sketches in its manifest.

What an update does is compared, not its step: an old x is at x − x₀ from today's start version, wherever it began. A
step that is taken again from the new version is no repeat: who goes on with the same data may well take it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from r3mes_ray.models.adapters.history import (
    MAX_SKETCHES,
    History,
    PastRound,
    SketchedUpdate,
    decode_sketch,
    encode_sketch,
)
from r3mes_ray.training.algebra import REPRODUCIBLE
from r3mes_ray.training.reproducible import root
from r3mes_ray.training.round import EARLIER_ROUNDS
from r3mes_ray.training.steps import Steps
from r3mes_ray.types import UpdateId

REPEATED = 0.9999
"""Cosine from which an update is an old one again. More than between updates of one round: who trains on the same data
to the end comes near to where it was before."""
SKETCH_ROUNDING = 1e-5
"""How far a sketch may be from ours, as a share of it: other arithmetic may move the last bits of its float32."""


def find_repeats(steps: Steps, history: History) -> dict[int, str]:
    """Why updates are refused, by their places in `steps`: each is compared with the history of the start version."""
    past = [(update, entry.version) for entry in history for update in entry.updates]
    if not past or not len(steps.sketches):
        return {}
    old = torch.stack([decode_sketch(update.sketch) for update, _ in past]) - steps.start
    new = steps.sketches - steps.start
    inner = REPRODUCIBLE.product(new, old)
    lengths = [root(REPRODUCIBLE.row_dots(rows, rows)) for rows in (new, old)]
    size = lengths[0][:, None] * lengths[1][None, :]
    found = {}
    for place, again in enumerate((size > 0) & (inner >= REPEATED * size)):
        if bool(again.any()):
            first = int(again.to(torch.uint8).argmax())
            update, version = past[first]
            cosine = float(inner[place, first] / size[place, first])
            found[place] = f"is update {update.id} of version {version} again: cosine of sketches {cosine:.6f}"
    return found


def continued(
    history: History, version: int, steps: Steps, everyone: Sequence[UpdateId], accepted: Sequence[UpdateId]
) -> History:
    """The history of a new version: that of its start version and its own updates, as far back as there is room.

    Args:
        history: of the start version.
        version: the new one.
        steps: of `everyone`, in this order.
        everyone: the ids of the updates that were compared.
        accepted: those that the version is made of, ascending.
    """
    places = {update_id: place for place, update_id in enumerate(everyone)}
    own = (SketchedUpdate(id_, encode_sketch(steps.sketches[places[id_]])) for id_ in accepted[:MAX_SKETCHES])
    found, room = [PastRound(version, tuple(own))], MAX_SKETCHES - len(accepted)
    for past in reversed(history[1 - EARLIER_ROUNDS :]):
        if room <= 0:
            break
        found.append(PastRound(past.version, past.updates[:room]))
        room -= len(past.updates)
    return tuple(reversed(found))


def same_history(said: History, ours: History) -> bool:
    """Whether a published history is ours, but for the rounding of its own round's sketches."""
    if len(said) != len(ours) or said[:-1] != ours[:-1]:
        return False
    own, expected = said[-1], ours[-1]
    if own.version != expected.version or len(own.updates) != len(expected.updates):
        return False
    return all(
        a.id == b.id and _near(decode_sketch(a.sketch), decode_sketch(b.sketch))
        for a, b in zip(own.updates, expected.updates, strict=True)
    )


def _near(said: Tensor, ours: Tensor) -> bool:
    return float((said - ours).norm()) <= SKETCH_ROUNDING * float(ours.norm())
