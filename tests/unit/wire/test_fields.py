"""Every message, field, enum, rpc, signer and REST path of the predecessor's wire against the table of its facts."""

import importlib
import re
from pathlib import Path

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor

from r3mes_ray.wire.cosmos.msg.v1 import msg_pb2

TABLE = Path(__file__).parents[2] / "golden" / "remes_fields.txt"
PACKAGES = {"module": "remes.remes.module.v1.module_pb2", "gradient": "gradient_pb2"}


def _sections() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    for line in TABLE.read_text().splitlines():
        if line.startswith("#### "):
            lines = sections.setdefault(line.removeprefix("#### ").removesuffix(".proto"), [])
        else:
            lines.append(line.removeprefix("- "))
    return sections


def _type(field: FieldDescriptor) -> str:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return "map<string,string>"
    if field.message_type is not None:
        name = field.message_type.name
    elif field.enum_type is not None:
        name = field.enum_type.name
    else:
        name = _SCALARS[field.type]
    return f"repeated {name}" if field.is_repeated else name


_SCALARS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_FLOAT: "float",
}


def _message_line(message: Descriptor) -> str:
    signers = message.GetOptions().Extensions[msg_pb2.signer]
    head = f"{message.name} [signer={','.join(signers)}]" if signers else message.name
    fields = sorted(message.fields, key=lambda field: field.number)
    return f"{head}: " + ("; ".join(f"{f.number} {f.name}:{_type(f)}" for f in fields) or "(empty)")


def _enum_line(enum: EnumDescriptor) -> str:
    return f"enum {enum.name}: " + ", ".join(f"{value.name}={value.number}" for value in enum.values)


def _rpc_lines(file: FileDescriptor) -> list[str]:
    lines = []
    for service in file.services_by_name.values():
        for method in service.methods:
            path = method.GetOptions().Extensions[annotations_pb2.http].get
            rest = f" — GET `{path}`" if path else ""
            lines.append(
                f"rpc `{service.name}.{method.name}`({method.input_type.name}) → {method.output_type.name}{rest}"
            )
    return lines


def _by_number(line: str) -> str:
    """The table lists some fields out of order; numbers decide, not the order of lines."""
    head, _, body = line.partition(": ")
    if line.startswith(("rpc ", "enum ")) or body == "(empty)":
        return line
    return f"{head}: " + "; ".join(sorted(body.split("; "), key=lambda field: int(re.match(r"\d+", field)[0])))


@pytest.mark.parametrize("section", _sections())
def test_wire_file_equals_table(section: str) -> None:
    module = importlib.import_module("r3mes_ray.wire." + PACKAGES.get(section, f"remes.remes.v1.{section}_pb2"))
    file: FileDescriptor = module.DESCRIPTOR
    built = [
        *_rpc_lines(file),
        *map(_enum_line, file.enum_types_by_name.values()),
        *map(_message_line, file.message_types_by_name.values()),
    ]
    assert sorted(built) == sorted(map(_by_number, _sections()[section]))


def test_wire_table_covers_every_file() -> None:
    folder = Path(msg_pb2.__file__).parents[3] / "remes" / "remes" / "v1"
    built = {path.name.removesuffix("_pb2.py") for path in folder.glob("*_pb2.py")}
    assert built == set(_sections()) - set(PACKAGES)
    assert len(built) == 21


def test_wire_repeated_numbers_are_packed() -> None:
    from r3mes_ray.wire.remes.remes.v1 import tx_pb2

    message = tx_pb2.MsgCommitAggregation(participant_gradient_ids=[0, 1, 300])
    assert message.SerializeToString().hex() == "22040001ac02"


def test_wire_msg_service_is_marked_for_transactions() -> None:
    from r3mes_ray.wire.r3mes.v1 import tx_pb2 as r3mes
    from r3mes_ray.wire.remes.remes.v1 import tx_pb2 as remes

    for module in (remes, r3mes):
        assert module.DESCRIPTOR.services_by_name["Msg"].GetOptions().Extensions[msg_pb2.service] is True
