"""One reader under libFuzzer: `fuzz_target.py READER [libFuzzer options] CORPUS`. Anything but a refusal is a crash."""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["r3mes_ray"]):
    import asyncio

    from r3mes_ray.content.car import read_car
    from r3mes_ray.content.dag_pb import decode_node, encode_node
    from r3mes_ray.content.unixfs import read_node
    from r3mes_ray.errors import ContentError, InvalidInput, PackageRejected
    from r3mes_ray.models.adapters.gradient_package import read_gradient_package
    from r3mes_ray.models.adapters.manifest import decode_manifest, encode_manifest
    from r3mes_ray.models.adapters.peft_config import decode_config, encode_config
    from r3mes_ray.models.adapters.tensors import decode_tensors, encode_tensors
    from r3mes_ray.protocol.cid import cid_of, parse_cid

MIB = 2**20


def safetensors(data: bytes) -> None:
    with suppress(PackageRejected):
        if encode_tensors(decode_tensors(data)) != data:
            raise RuntimeError("read, but not canonical")


def dag_pb(data: bytes) -> None:
    with suppress(ContentError):
        read_node(parse_cid(cid_of(data, 0x70)), data)
    with suppress(InvalidInput):
        if len(encode_node(decode_node(data))) > len(data) + 4 * data.count(b"\x0a"):
            raise RuntimeError("grew by more than the fields that may be left out")


def package(data: bytes) -> None:
    kind, rest = data[:1], data[1:]
    with suppress(PackageRejected):
        if kind == b"m":
            if encode_manifest(decode_manifest(rest)) != rest:
                raise RuntimeError("read, but not canonical")
        elif kind == b"c":
            if encode_config(decode_config(rest, "tiny", "ab" * 32), "tiny") != rest:
                raise RuntimeError("read, but not canonical")
        else:
            read_gradient_package(rest, max_bytes=MIB)


def car(data: bytes) -> None:
    async def read() -> None:
        async def parts():
            for at in range(0, len(data), 7):
                yield data[at : at + 7]

        with suppress(ContentError):
            async for _ in read_car(parts(), "peer"):
                pass

    asyncio.run(read())


READERS = {"safetensors": safetensors, "dag_pb": dag_pb, "package": package, "car": car}

if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], READERS[sys.argv[1]])
    atheris.Fuzz()
