import pytest

from r3mes_ray.errors import ExpertNotFound
from r3mes_ray.serving.target import Auto, Base, Named, parse_target


@pytest.mark.parametrize(
    ("model", "target"),
    [
        ("auto", Auto()),
        ("base", Base()),
        ("optics", Named("optics", None)),
        ("optics@0", Named("optics", 0)),
        ("a@b@12", Named("a@b", 12)),
    ],
)
def test_parse_target_name_says_who_answers(model, target):
    assert parse_target(model) == target


@pytest.mark.parametrize("model", ["optics@", "@1", "optics@x", "optics@-1", "optics@1.0", "optics@٣", "o@" + "9" * 19])
def test_parse_target_version_that_is_no_number_is_not_found(model):
    with pytest.raises(ExpertNotFound):
        parse_target(model)
