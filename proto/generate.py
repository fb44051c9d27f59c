"""Write `r3mes_ray/wire` from the definitions beside this file.

Usage: `python proto/generate.py [OUTPUT_FOLDER]`. The same definitions and the same grpcio-tools give the same bytes.
Generated modules import each other as `r3mes_ray.wire.…`; names inside the descriptors stay the paths below `proto/`.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

SOURCE = Path(__file__).parent
PACKAGE = "r3mes_ray.wire"
ROOTS = ("cosmos", "cosmos_proto", "gogoproto", "r3mes", "remes", "tendermint")
_IMPORT = re.compile(rf"^from ((?:{'|'.join(ROOTS)})(?:\.\w+)*) import ", re.MULTILINE)
_MODULE = re.compile(r"(_builder\.BuildTopDescriptorsAndMessages\(DESCRIPTOR, ')")


def main(arguments: list[str]) -> None:
    """Replace the generated files in the folder that is given, or in the package."""
    target = Path(arguments[0]) if arguments else SOURCE.parent / "r3mes_ray" / "wire"
    with tempfile.TemporaryDirectory() as scratch:
        _compile(Path(scratch))
        _replace(Path(scratch), target)


def _compile(output: Path) -> None:
    paths = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.proto"))
    files = [path for path in paths if not path.startswith("google/")]
    outputs = [f"--{kind}_out={output}" for kind in ("python", "pyi", "grpc_python")]
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    status = protoc.main(["protoc", f"-I{SOURCE}", f"-I{well_known}", *outputs, *files])
    if status != 0:
        raise SystemExit(f"protoc failed with status {status}")


def _replace(generated: Path, target: Path) -> None:
    for root in ROOTS:
        shutil.rmtree(target / root, ignore_errors=True)
    for path in sorted(generated.rglob("*.py*")):
        text = path.read_text()
        if path.name.endswith("_pb2_grpc.py") and "class " not in text:
            continue
        text = _MODULE.sub(rf"\g<1>{PACKAGE}.", _IMPORT.sub(rf"from {PACKAGE}.\1 import ", text))
        destination = target / path.relative_to(generated)
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_text(text)
        for folder in destination.relative_to(target).parents[:-1]:
            name = folder.as_posix().replace("/", ".")
            (target / folder / "__init__.py").write_text(f'"""Generated from proto/: {name}."""\n')


if __name__ == "__main__":
    main(sys.argv[1:])
