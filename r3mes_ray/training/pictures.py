"""A round as pictures (PNG): how far its updates go, how alike they are, and what became of each.

Made with matplotlib's objects, without its global state: no display is needed. Colours are Okabe and Ito's, which
colour-blind readers can tell apart; what is refused is hatched too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from r3mes_ray.errors import ConfigError
from r3mes_ray.training.geometry import Geometry
from r3mes_ray.training.records import Excluded
from r3mes_ray.training.rules.geometry import median
from r3mes_ray.types import RoundId, UpdateId

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACCEPTED, REFUSED, MUTED = "#0072B2", "#D55E00", "#666666"
DPI = 120
MOST_TICKS, MOST_NUMBERS = 26, 12
LOG_FROM = 20.0
"""Largest norm over the smallest from which on the axis is logarithmic."""


@dataclass(frozen=True, slots=True)
class RoundPicture:
    """What is drawn: `geometry` may lack updates that were refused before they could be compared."""

    round_id: RoundId
    expert: str
    rule: str
    geometry: Geometry
    accepted: tuple[UpdateId, ...]
    excluded: tuple[Excluded, ...]

    @property
    def ids(self) -> tuple[UpdateId, ...]:
        """All updates of the round, ascending."""
        return tuple(sorted((*self.accepted, *(entry.update_id for entry in self.excluded))))

    def title(self, what: str) -> str:
        """A heading that says of which round a picture is."""
        return f"{what}\nround {self.round_id} of {self.expert}, rule {self.rule}"


def draw_round(picture: RoundPicture, folder: Path) -> tuple[Path, ...]:
    """Write three pictures into a folder, which is made where it is missing.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("--pictures", "matplotlib is needed: pip install 'r3mes-ray[pictures]'") from error
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, draw in (("norms", _norms), ("similarity", _similarity), ("verdicts", _verdicts)):
        figure = Figure(figsize=(9.0, 5.0), layout="constrained")
        draw(picture, figure)
        path = folder / f"round-{picture.round_id}-{name}.png"
        figure.savefig(path, dpi=DPI)
        made.append(path)
    return tuple(made)


def _norms(picture: RoundPicture, figure: Figure) -> None:
    axes = figure.add_subplot()
    ids = picture.ids
    known = dict(zip(picture.geometry.updates, picture.geometry.norms, strict=True))
    _bars(axes, picture, known)
    unknown = [place for place, update in enumerate(ids) if update not in known]
    if unknown:
        bottom = axes.get_xaxis_transform()
        label = "refused before it was compared"
        axes.plot(unknown, [0.02] * len(unknown), "x", color=MUTED, transform=bottom, clip_on=False, label=label)
    lengths = [length for length in known.values() if length > 0]
    if lengths:
        middle = median(lengths)
        axes.axhline(middle, color="black", linestyle="--", linewidth=1, label=f"median {middle:.3g}")
        if max(lengths) > LOG_FROM * min(lengths):
            axes.set_yscale("log")
    axes.set_title(picture.title("How far each update goes"))
    axes.set_ylabel("norm of the step from the start version")
    axes.set_xlim(-0.6, len(ids) - 0.4)
    _id_ticks(axes, ids, picture.accepted)
    _legend(axes, figure)


def _similarity(picture: RoundPicture, figure: Figure) -> None:
    geometry = picture.geometry
    figure.set_size_inches(8.2, 7.2)
    axes = figure.add_subplot()
    if not geometry.updates:
        axes.set_axis_off()
        axes.set_title(picture.title("No update could be compared"))
        return
    image = axes.imshow(geometry.cosines, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    figure.colorbar(image, ax=axes, label="cosine of two steps from the start version", shrink=0.85)
    if len(geometry.updates) <= MOST_NUMBERS:
        for row, line in enumerate(geometry.cosines):
            for column, cosine in enumerate(line):
                colour = "white" if abs(cosine) > 0.6 else "black"
                axes.text(column, row, f"{cosine:.2f}", ha="center", va="center", color=colour, fontsize=9)
    axes.set_title(picture.title("How alike the updates are"))
    _id_ticks(axes, geometry.updates, picture.accepted)
    _id_ticks(axes, geometry.updates, picture.accepted, vertical=True)


def _verdicts(picture: RoundPicture, figure: Figure) -> None:
    counts = Counter(entry.rule for entry in picture.excluded)
    names = ["accepted", *(rule for rule, _ in counts.most_common())]
    figure.set_size_inches(9.0, 4.4 + 0.34 * len(names))
    upper, lower = figure.subplots(2, 1, height_ratios=[0.6 + 0.34 * len(names), 3.0])
    numbers = [len(picture.accepted), *(counts[name] for name in names[1:])]
    colours = [ACCEPTED] + [REFUSED] * len(counts)
    bars = upper.barh(names, numbers, color=colours, hatch=["", *("//" for _ in counts)], edgecolor="white")
    upper.bar_label(bars, [_members(picture, name) for name in names], padding=4, fontsize=9)
    upper.invert_yaxis()
    # Room for the ids beside the longest bar.
    upper.set_xlim(0, 1.9 * max(numbers))
    upper.xaxis.get_major_locator().set_params(integer=True)
    upper.set_xlabel("updates, with their ids")
    upper.set_title(picture.title("What became of the updates"))
    shares = dict(zip(picture.geometry.updates, picture.geometry.shares, strict=True))
    _bars(lower, picture, {update: shares.get(update, 0.0) for update in picture.ids})
    if picture.accepted:
        equal = 1 / len(picture.accepted)
        lower.axhline(equal, color="black", linestyle="--", linewidth=1, label=f"equal share {equal:.3g}")
    lower.set_ylabel("share in the aggregate")
    lower.set_xlim(-0.6, len(picture.ids) - 0.4)
    _id_ticks(lower, picture.ids, picture.accepted)
    _legend(lower, figure)


def _bars(axes: Axes, picture: RoundPicture, values: dict[UpdateId, float]) -> None:
    """A bar for each update that has a value, at its place among all of the round."""
    accepted = set(picture.accepted)
    for label, colour, hatch, chosen in (
        ("accepted", ACCEPTED, "", True),
        ("refused", REFUSED, "//", False),
    ):
        places = [p for p, update in enumerate(picture.ids) if update in values and (update in accepted) is chosen]
        heights = [values[picture.ids[place]] for place in places]
        if any(heights):
            axes.bar(places, heights, width=0.8, color=colour, hatch=hatch, edgecolor="white", label=label)


def _id_ticks(axes: Axes, ids: Sequence[UpdateId], accepted: Sequence[UpdateId], *, vertical: bool = False) -> None:
    """Ids along the axis, those of refused updates in their colour."""
    kept = set(accepted)
    places = _places(ids, kept)
    axis = axes.yaxis if vertical else axes.xaxis
    axis.set_ticks(places, [str(ids[place]) for place in places])
    axis.set_label_text("update (its id on chain)")
    for label, place in zip(axis.get_ticklabels(), places, strict=True):
        label.set_fontsize(8)
        if ids[place] not in kept:
            label.set_color(REFUSED)


def _places(ids: Sequence[UpdateId], accepted: set[UpdateId]) -> list[int]:
    """Where there is room for an id: at refused updates first, then at every few of the others."""
    every = -(-len(ids) // MOST_TICKS)
    taken: list[int] = []
    for place in [p for p, update in enumerate(ids) if update not in accepted] + list(range(0, len(ids), every)):
        if all(abs(place - other) >= every for other in taken):
            taken.append(place)
    return sorted(taken)


def _members(picture: RoundPicture, rule: str) -> str:
    ids = [entry.update_id for entry in picture.excluded if entry.rule == rule]
    if rule == "accepted" and not ids:
        ids = list(picture.accepted)
    shown = ", ".join(map(str, ids[:12]))
    return f"{len(ids)}: {shown}{', …' if len(ids) > 12 else ''}" if ids else "0"


def _legend(axes: Axes, figure: Figure) -> None:
    if axes.get_legend_handles_labels()[0]:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
