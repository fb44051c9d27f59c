import inspect
import pickle

import pytest

from r3mes_ray import errors
from r3mes_ray.errors import R3mesError

EXAMPLES = {"str": "text", "int": 7, "float": 1.5, "str | None": None}


def leaves():
    return [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, R3mesError)]


def example(cls):
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return cls(*(EXAMPLES[p.annotation] for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD))


@pytest.mark.parametrize("cls", leaves(), ids=lambda cls: cls.__name__)
def test_error_crosses_a_process_unchanged(cls):
    error = example(cls)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


@pytest.mark.parametrize("cls", leaves(), ids=lambda cls: cls.__name__)
def test_error_stands_in_the_drawing(cls):
    assert cls.__name__ in errors.__doc__
