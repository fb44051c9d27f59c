"""What Ray raises is translated at one place; importing Ray's exceptions starts no cluster."""

import pytest
from ray.exceptions import RayActorError, RayTaskError
from ray.serve.exceptions import BackPressureError

from r3mes_ray.errors import ExpertNotFound, QueueFull, ServingUnavailable
from r3mes_ray.serving.deployments import from_ray


def raised(error):
    with pytest.raises(Exception) as caught, from_ray("the engine"):
        raise error
    return caught.value


def test_from_ray_error_of_our_tree_arrives_as_itself():
    remote = RayTaskError("generate", "Traceback …", ExpertNotFound("x")).as_instanceof_cause()
    error = raised(remote)
    assert type(error) is ExpertNotFound
    assert str(error) == "no model or expert 'x' is served here"


def test_from_ray_back_pressure_is_a_full_queue():
    error = raised(BackPressureError(9, 32))
    assert (type(error), error.limit) == (QueueFull, 32)


@pytest.mark.parametrize(
    "error", [RayActorError(), RayTaskError("f", "Traceback\nValueError: odd", ValueError("odd")), TimeoutError()]
)
def test_from_ray_everything_else_is_unavailable(error):
    translated = raised(error)
    assert type(translated) is ServingUnavailable
    assert translated.part == "the engine"
    assert "Traceback" not in str(translated)


def test_from_ray_our_own_mistakes_are_not_hidden():
    assert type(raised(KeyError("bug"))) is KeyError
