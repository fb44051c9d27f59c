"""Messages in grpc-gateway's JSON: names as in the definitions, 64-bit numbers as text, what is not set as null."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import descriptor_pool, json_format
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from r3mes_ray.errors import InvalidInput

_MAX_DEPTH = 50


def to_json(message: Message) -> dict[str, Any]:
    """A message as the gateway writes it.

    Raises:
        InvalidInput: it carries a message whose type is not known here.
    """
    try:
        rendered: dict[str, Any] = json_format.MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        _add_nulls(message, rendered)
    except (TypeError, KeyError, json_format.SerializeToJsonError, DecodeError) as error:
        raise InvalidInput("answer", f"it carries what cannot be written as JSON: {error}") from error
    return rendered


def from_json(method: MethodDescriptor, values: object) -> Message:
    """A request from JSON.

    Raises:
        InvalidInput: not of the request's form.
    """
    request = GetMessageClass(method.input_type)()
    if not isinstance(values, dict):
        raise InvalidInput("request", "expected a JSON object")
    try:
        json_format.ParseDict(values, request, ignore_unknown_fields=True, max_recursion_depth=_MAX_DEPTH)
    except (json_format.ParseError, RecursionError, ValueError, TypeError, AttributeError) as error:
        raise InvalidInput("request", str(error)[:200]) from error
    return request


def from_query(
    method: MethodDescriptor, path: Mapping[str, object], query: Iterable[tuple[str, str]]
) -> dict[str, object]:
    """A request's JSON from the parts of a URL; nested fields have dots, what has no field is left out."""
    values: dict[str, object] = {name: str(value) for name, value in path.items()}
    for name, text in query:
        _set(values, method.input_type, name.split(".", 4), text)
    return values


def _set(values: dict[str, Any], kind: Descriptor, names: list[str], text: str) -> None:
    field = kind.fields_by_name.get(names[0]) or kind.fields_by_camelcase_name.get(names[0])
    if field is None:
        return
    if len(names) > 1:
        inner = values.setdefault(field.name, {})
        if field.message_type is not None and isinstance(inner, dict):
            _set(inner, field.message_type, names[1:], text)
        return
    if field.message_type is not None:
        raise InvalidInput(field.name, "it has fields of its own, such as pagination.limit")
    value = {"true": True, "false": False}.get(text, text) if field.type == FieldDescriptor.TYPE_BOOL else text
    if field.is_repeated:
        values[field.name] = [*values.get(field.name, ()), value]
    else:
        values[field.name] = value


def _add_nulls(message: Message, rendered: dict[str, Any]) -> None:
    if isinstance(message, AnyMessage):
        message = _unpacked(message)
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        value = getattr(message, field.name)
        if field.is_repeated:
            pairs = list(zip(value, rendered.get(field.name, ()), strict=True))
        elif message.HasField(field.name):
            pairs = [(value, rendered[field.name])]
        else:
            pairs = []
            if field.containing_oneof is None:
                rendered[field.name] = None
        for child, part in pairs:
            if isinstance(part, dict):
                _add_nulls(child, part)


def _unpacked(packed: AnyMessage) -> Message:
    kind = descriptor_pool.Default().FindMessageTypeByName(packed.type_url.rpartition("/")[2])
    return GetMessageClass(kind).FromString(packed.value)
