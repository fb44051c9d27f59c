"""What `r3mes round run` refuses before it works on a round that is open already."""

from types import SimpleNamespace

import pytest

from r3mes_ray.cli.proposing import check_limit
from r3mes_ray.errors import ConfigError


@pytest.mark.parametrize(("parameters", "limit"), [("", None), ('{"limit":2}', None), ('{"limit":2}', 2)])
def test_limit_that_the_round_has_or_that_was_not_asked_for_is_taken(parameters, limit):
    check_limit(SimpleNamespace(round_id=7, rule_parameters=parameters), limit)


@pytest.mark.parametrize(("parameters", "stands"), [("", "no limit"), ('{"limit":2}', "the limit 2")])
def test_limit_that_an_open_round_does_not_have_is_refused_by_name(parameters, stands):
    with pytest.raises(ConfigError, match=f"5 is asked for, but round 7 is open with {stands} on chain"):
        check_limit(SimpleNamespace(round_id=7, rule_parameters=parameters), 5)
