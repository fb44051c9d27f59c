import pytest

from r3mes_ray.serving.routing.base import ExpertProfile
from r3mes_ray.serving.routing.keywords import KeywordRules

RULES = KeywordRules(
    [
        ExpertProfile("optics", "", ("light", "Prism", "thin plates", "terms"), ()),
        ExpertProfile("legal", "", ("licence", "c++", "terms"), ()),
    ]
)


@pytest.mark.parametrize(
    ("question", "optics", "legal"),
    [
        ("What happens in a PRISM?", 0.5, 0.0),
        ("light in a prism", 0.75, 0.0),
        ("Why are there colours in thin  plates?", 0.5, 0.0),
        ("a plate that is thin", 0.0, 0.0),
        ("lightning", 0.0, 0.0),
        ("in terms of", 1 - 0.5**0.5, 1 - 0.5**0.5),
        ("licence and light", 0.5, 0.5),
        ("", 0.0, 0.0),
    ],
)
def test_scores_question_counts_whole_words_and_phrases(question, optics, legal):
    assert RULES.scores(question) == pytest.approx({"optics": optics, "legal": legal})


def test_scores_expert_with_empty_keywords_is_zero():
    assert KeywordRules([ExpertProfile("e", "", ("", "?!"), ())]).scores("? ! anything") == {"e": 0.0}
