import subprocess
import sys
from pathlib import Path

import r3mes_ray.wire

REPOSITORY = Path(__file__).parents[3]


def _contents(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.suffix in (".py", ".pyi") and "__pycache__" not in p.parts)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def test_generated_files_regenerated_are_equal(tmp_path: Path) -> None:
    subprocess.run([sys.executable, REPOSITORY / "proto" / "generate.py", tmp_path], check=True)
    committed = _contents(Path(r3mes_ray.wire.__path__[0]))
    del committed["__init__.py"]
    assert _contents(tmp_path) == committed


def test_generated_files_registered_under_their_proto_paths() -> None:
    from r3mes_ray.wire.cosmos.tx.v1beta1 import tx_pb2
    from r3mes_ray.wire.remes.remes.v1 import tx_pb2 as remes

    assert tx_pb2.DESCRIPTOR.name == "cosmos/tx/v1beta1/tx.proto"
    assert remes.MsgSubmitGradient.DESCRIPTOR.full_name == "remes.remes.v1.MsgSubmitGradient"
    assert remes.MsgSubmitGradient.__module__ == "r3mes_ray.wire.remes.remes.v1.tx_pb2"
