from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "r3mes_ray" / "wire"


def python_files():
    return [
        path
        for folder in ("r3mes_ray", "tests", "proto")
        for path in (ROOT / folder).rglob("*.py")
        if GENERATED not in path.parents
    ]


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_file_size_stays_within_one_responsibility(path):
    lines = len(path.read_text().splitlines())
    assert lines <= 300, f"{lines} lines: split it"
