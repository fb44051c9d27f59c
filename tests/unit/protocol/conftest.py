from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="session")
def protocol_vectors() -> dict[str, Any]:
    return json.loads((GOLDEN / "protocol_v2.json").read_text())
