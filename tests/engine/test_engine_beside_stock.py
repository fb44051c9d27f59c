"""What stock vLLM does wrong on a CPU, and that the plugin mends it: the same script, without and with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("vllm")

from engine_models import save_peft, save_plain

SCRIPT = Path(__file__).with_name("base_row.py")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stock")
    model = save_plain("llama", folder / "base")
    for number in (1, 2):
        save_peft(model, folder / str(number), number, 8, dora=False)
    return [str(folder / name) for name in ("base", "1", "2")]


def run(folders, plugins):
    environment = os.environ | {
        "VLLM_PLUGINS": plugins,
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "HF_HUB_OFFLINE": "1",
    }
    ended = subprocess.run(
        [sys.executable, SCRIPT, *folders], env=environment, capture_output=True, text=True, check=False, timeout=500
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])


def test_stock_vllm_gives_a_base_row_the_adapter_of_the_last_slot(folders):
    found = run(folders, plugins="")
    assert found["mixed"][0] != found["alone"]
    assert found["mixed"][0] == found["last"]


def test_plugin_gives_a_base_row_the_tokens_of_the_base_without_ray_or_a_chain(folders):
    found = run(folders, plugins="r3mes")
    assert found["mixed"][0] == found["alone"]
    assert found["mixed"][1] != found["alone"]
