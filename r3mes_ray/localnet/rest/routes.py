"""Which path asks which query, read from the `google.api.http` options of the definitions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor

from r3mes_ray.localnet.queries import Answer, Service

_PARAMETER = re.compile(r"\{([a-z_]+)(=\*\*)?\}")
# The stubs of protobuf do not know extensions of options.
_HTTP: Any = annotations_pb2.http


@dataclass(frozen=True, slots=True)
class Binding:
    """One path of one method; `path` is in Starlette's form.

    Attributes:
        verb: GET, or POST for a request that comes as JSON in the body.
        answer: `None` where the chain has no state for it.
    """

    verb: str
    path: str
    method: MethodDescriptor
    answer: Answer | None


def bindings(services: Iterable[Service]) -> list[Binding]:
    """All paths, the most literal first: `blocks/latest` comes before `blocks/{height}`."""
    found = [
        Binding(verb, _PARAMETER.sub(_starlette, path), method, service.answers.get(method.name))
        for service in services
        for method in service.descriptor.methods
        for verb, path in _paths(method)
    ]
    return sorted(found, key=lambda binding: (binding.path.count("{"), ":path}" in binding.path, binding.path))


def _paths(method: MethodDescriptor) -> Iterator[tuple[str, str]]:
    rule = method.GetOptions().Extensions[_HTTP]
    for one in (rule, *rule.additional_bindings):
        if one.get:
            yield "GET", one.get
        elif one.post:
            yield "POST", one.post


def _starlette(found: re.Match[str]) -> str:
    return f"{{{found[1]}:path}}" if found[2] else f"{{{found[1]}}}"
