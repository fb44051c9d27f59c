"""Aggregation rules by the name that a round carries on chain: one paper, one file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from r3mes_ray.errors import InvalidInput
from r3mes_ray.training.rules.base import Decision, Evidence, Rule, RuleInput
from r3mes_ray.training.rules.mean import mean
from r3mes_ray.training.rules.parameters import RuleParameters, parse_parameters

RULES: Mapping[str, Rule] = MappingProxyType({"mean": mean})
"""Every rule that this version can compute."""


def rule_named(name: str) -> Rule:
    """The rule of that name.

    Raises:
        InvalidInput: a name that this version does not know.
    """
    rule = RULES.get(name)
    if rule is None:
        raise InvalidInput("aggregation rule", f"{name[:80]!r} is unknown here; known are {', '.join(sorted(RULES))}")
    return rule


__all__ = ["RULES", "Decision", "Evidence", "Rule", "RuleInput", "RuleParameters", "parse_parameters", "rule_named"]
