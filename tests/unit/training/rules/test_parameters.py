import pytest

from r3mes_ray.errors import InvalidInput
from r3mes_ray.training.rules import RuleParameters, parse_parameters

GATE = '{"gate_sha256":"' + "ab" * 32 + '"%s}'


def test_parameters_text_is_canonical_json():
    assert RuleParameters(rank=8, min_updates=2).to_json() == '{"min_updates":2,"rank":8,"weight_cap":2}'


def test_parameters_survive_the_chain():
    parameters = RuleParameters(rank=32, min_updates=3, limit=7, weight_cap=4)
    assert parse_parameters(parameters.to_json()) == parameters


@pytest.mark.parametrize("window", [8, 4096])
def test_gate_is_read_with_its_window(window):
    parameters = parse_parameters(GATE % f',"gate_margin_nats":0,"gate_window_tokens":{window}')
    assert (parameters.gate_sha256, parameters.gate_margin_nats, parameters.gate_window_tokens) == (
        "ab" * 32,
        0,
        window,
    )


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
        GATE % "",
        GATE % ',"gate_margin_nats":0',
        GATE % ',"gate_margin_nats":0,"gate_window_tokens":7',
        GATE % ',"gate_margin_nats":0,"gate_window_tokens":4097',
        GATE % ',"gate_margin_nats":0,"gate_window_tokens":64.5',
        '{"gate_margin_nats":0}',
        '{"gate_window_tokens":64}',
    ],
)
def test_parameters_that_break_the_schema_are_refused(text):
    with pytest.raises(InvalidInput, match="rule parameters"):
        parse_parameters(text)
