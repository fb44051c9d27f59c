import pytest

from r3mes_ray.errors import InvalidInput
from r3mes_ray.training.rules import RuleParameters, parse_parameters

GATE = '{"gate_sha256":"' + "ab" * 32 + '"}'


def test_parameters_text_is_canonical_json():
    assert RuleParameters(rank=8, min_updates=2).to_json() == '{"min_updates":2,"rank":8,"weight_cap":2}'


def test_parameters_survive_the_chain():
    parameters = RuleParameters(rank=32, min_updates=3, limit=7, weight_cap=4)
    assert parse_parameters(parameters.to_json()) == parameters


def test_parameters_of_an_empty_text_are_the_defaults():
    assert parse_parameters("") == RuleParameters()


@pytest.mark.parametrize(
    "text",
    [
        '{"rank":0}',
        '{"rank":"8"}',
        '{"rnak":8}',
        "[]",
        "{",
        "null",
        '{"rank":257}',
        "[" * 4000,
        "9" * 5000,
        GATE,
        '{"gate_margin_nats":0}',
    ],
)
def test_parameters_that_break_the_schema_are_refused(text):
    with pytest.raises(InvalidInput, match="rule parameters"):
        parse_parameters(text)
