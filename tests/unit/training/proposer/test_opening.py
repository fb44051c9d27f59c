"""What a node's settings ask for stands on chain with the rounds that it opens."""

import hashlib

import pytest

from r3mes_ray.errors import InvalidInput
from r3mes_ray.settings import Settings
from r3mes_ray.settings.training import TrainingSettings
from r3mes_ray.training.proposer.opening import parameters_of
from r3mes_ray.training.rules import RuleParameters, check_parameters, parse_parameters

ELSEWHERE = {
    "rank": "target_rank",
    "limit": None,
    "gate_sha256": "evaluation",
    "gate_margin_nats": "evaluation",
    "gate_window_tokens": "evaluation",
}
"""Parameters whose setting has another name, or is an argument."""


def test_settings_without_a_word_give_the_default_rule():
    assert parameters_of(TrainingSettings(min_updates=1), None) == RuleParameters()


def test_every_parameter_of_a_rule_has_a_setting():
    names = {ELSEWHERE.get(name, name) for name in RuleParameters.model_fields}
    assert names - {None} <= set(TrainingSettings.model_fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weight_cap", 3),
        ("keep", 4),
        ("iterations", 7),
        ("radius", 0.25),
        ("faults", 2),
        ("if_too_few", "lower"),
        ("before", "arc"),
        ("outer_learning_rate", 0.7),
        ("outer_momentum", 0.9),
        ("outer_method", "nesterov"),
        ("min_updates", 5),
        ("max_update_bytes", 1000),
    ],
)
def test_setting_reaches_the_chain_and_whoever_reads_it(name, value):
    training = Settings.model_validate({"training": {name: value}}).training
    on_chain = parameters_of(training, 9).to_json()
    assert f'"{name}":' in on_chain
    assert getattr(parse_parameters(on_chain), name) == value
    assert parse_parameters(on_chain).limit == 9


def test_setting_that_the_rule_does_not_read_opens_no_round():
    training = Settings.model_validate({"training": {"rule": "median", "radius": 0.5}}).training
    with pytest.raises(InvalidInput, match="radius: median reads none, only centered-clipping"):
        check_parameters(training.rule, parameters_of(training, None))


def test_gate_of_the_settings_stands_on_chain_by_its_texts_hash(tmp_path):
    text = tmp_path / "heldout.txt"
    text.write_text("def f(x):\n    return x\n")
    gate = {"text": text, "margin_nats": 0.25, "window_tokens": 32}
    training = Settings.model_validate({"training": {"evaluation": gate}}).training
    on_chain = parse_parameters(parameters_of(training, None).to_json())
    assert on_chain.gate_sha256 == hashlib.sha256(text.read_bytes()).hexdigest()
    assert (on_chain.gate_margin_nats, on_chain.gate_window_tokens) == (0.25, 32)
