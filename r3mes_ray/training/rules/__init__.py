"""Aggregation rules by the name that a round carries on chain: one paper, one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from r3mes_ray.errors import InvalidInput
from r3mes_ray.training.rules import (
    centered_clipping,
    coordinate_median,
    geometric_median,
    krum,
    meamed,
    mean,
    median_norm,
    minimum_diameter,
    monna,
    trimmed_mean,
)
from r3mes_ray.training.rules.base import CoordinateRule, Decision, Evidence, Rule, RuleInput
from r3mes_ray.training.rules.before import decide
from r3mes_ray.training.rules.parameters import RuleParameters, parse_parameters

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "mean": mean.mean,
        "krum": krum.krum,
        "multi-krum": krum.multi_krum,
        "geometric-median": geometric_median.geometric_median,
        "centered-clipping": centered_clipping.centered_clipping,
        "mda": minimum_diameter.minimum_diameter,
        "monna": monna.monna,
        "median-norm": median_norm.median_norm,
    }
)
"""Rules that choose coefficients from distances: exact in the space of weights, at the cost of the factors."""

COORDINATE_RULES: Mapping[str, CoordinateRule] = MappingProxyType(
    {
        "median": coordinate_median.coordinate_median,
        "trimmed-mean": trimmed_mean.trimmed_mean,
        "meamed": meamed.mean_around_median,
    }
)
"""Rules on each weight by itself: their result is dense, and what rank r keeps of it is published."""

LARGEST_FAULTS: Mapping[str, Callable[[int], int]] = MappingProxyType(
    {
        "mean": mean.largest_faults,
        "krum": krum.largest_faults,
        "multi-krum": krum.largest_faults,
        "geometric-median": geometric_median.largest_faults,
        "centered-clipping": centered_clipping.largest_faults,
        "mda": minimum_diameter.largest_faults,
        "monna": monna.largest_faults,
        "median-norm": median_norm.largest_faults,
        "median": coordinate_median.largest_faults,
        "trimmed-mean": trimmed_mean.largest_faults,
        "meamed": meamed.largest_faults,
    }
)
"""How many liars each rule bears among N updates: its breakdown condition."""


def rule_named(name: str) -> Rule | CoordinateRule:
    """The rule of that name.

    Raises:
        InvalidInput: a name that this version does not know.
    """
    rule = RULES.get(name) or COORDINATE_RULES.get(name)
    if rule is None:
        known = ", ".join(sorted([*RULES, *COORDINATE_RULES]))
        raise InvalidInput("aggregation rule", f"{name[:80]!r} is unknown here; known are {known}")
    return rule


READERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "keep": ("multi-krum",),
        "iterations": ("geometric-median", "centered-clipping"),
        "radius": ("centered-clipping",),
    }
)
"""Parameters that only some rules read."""


def check_parameters(name: str, parameters: RuleParameters) -> None:
    """Refuse parameters that a rule cannot take, before a round is opened with them.

    Raises:
        InvalidInput: an unknown rule, liars that the mean cannot bear, a pre-aggregation of a coordinate-wise rule, a
            parameter that the rule does not read, one that no number of updates within the round's limit allows, or
            an outer method without momentum.
    """
    rule_named(name)
    for parameter, readers in READERS.items():
        if getattr(parameters, parameter) is not None and name not in readers:
            raise InvalidInput("rule parameters", f"{parameter}: {name} reads none, only {' and '.join(readers)}")
    if parameters.before is not None and name in COORDINATE_RULES:
        raise InvalidInput("rule parameters", f"before: {name} works on each weight by itself, and mixes no updates")
    if parameters.faults and least_updates(name, parameters.faults) is None:
        raise InvalidInput("rule parameters", f"faults: {name} bears no liar; choose another rule")
    if parameters.outer_method and not parameters.outer_momentum:
        raise InvalidInput("rule parameters", f"outer_method: {parameters.outer_method} needs an outer_momentum")
    needed = updates_needed(name, parameters) or 0
    if parameters.if_too_few is None and parameters.limit is not None and parameters.limit < needed:
        raise InvalidInput("rule parameters", f"limit: {name} needs {needed} updates, not {parameters.limit}")


def updates_needed(name: str, parameters: RuleParameters) -> int | None:
    """The smallest number of updates that the rule takes with these parameters, unless f is lowered; None if none."""
    faults = parameters.faults or 0
    least = least_updates(name, faults)
    return None if least is None else max(least, (parameters.keep or 0) + faults)


def least_updates(name: str, faults: int) -> int | None:
    """The smallest number of updates among which the rule bears that many liars; None if there is none."""
    bears = LARGEST_FAULTS[name]
    return next((n for n in range(1, 8 * (faults + 1)) if bears(n) >= faults), None)


def faults_borne(name: str, count: int, parameters: RuleParameters) -> int | None:
    """The f that a rule is run with on `count` updates; None where the round's policy refuses so few.

    The rule that reads `keep` averages count − f at most, where the policy lowers.
    """
    wanted, largest = parameters.faults or 0, LARGEST_FAULTS[name](count)
    if wanted <= largest and (parameters.if_too_few == "lower" or count - wanted >= (parameters.keep or 0)):
        return wanted
    return largest if parameters.if_too_few == "lower" and largest >= 0 else None


__all__ = [
    "COORDINATE_RULES",
    "LARGEST_FAULTS",
    "RULES",
    "CoordinateRule",
    "Decision",
    "Evidence",
    "Rule",
    "RuleInput",
    "RuleParameters",
    "check_parameters",
    "decide",
    "faults_borne",
    "least_updates",
    "parse_parameters",
    "rule_named",
    "updates_needed",
]
