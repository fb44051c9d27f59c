"""Keyword rules: an expert's own words, found as whole words or phrases in the question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from r3mes_ray.serving.routing.base import ExpertProfile

_WORD = re.compile(r"[^\W_]+")


class KeywordRules:
    """Scores experts by their keywords.

    A keyword that several experts share counts its share for each. With weight w found in all, the score is
    1 - 2^-w: one keyword of its own gives 0.5, two 0.75; it stays below 1.
    """

    def __init__(self, profiles: Sequence[ExpertProfile]) -> None:
        phrases = {profile.name: {_normal(keyword) for keyword in profile.keywords} - {""} for profile in profiles}
        shared = Counter(phrase for own in phrases.values() for phrase in own)
        self._weights = {name: {phrase: 1.0 / shared[phrase] for phrase in own} for name, own in phrases.items()}

    def scores(self, question: str) -> dict[str, float]:
        """Score in [0, 1) of every expert, 0 where no keyword occurs."""
        text = f" {_normal(question)} "
        return {
            name: 1.0 - 0.5 ** sum(weight for phrase, weight in weights.items() if f" {phrase} " in text)
            for name, weights in self._weights.items()
        }


def _normal(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))
