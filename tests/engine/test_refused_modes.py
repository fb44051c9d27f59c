"""Modes that lead around the exact layers end a start at once, by name."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from engine_models import save_plain
from vllm import envs

from r3mes_ray.errors import ConfigError
from r3mes_ray.vllm_plugin.modes import refuse_modes

START = """
import sys, vllm
if __name__ == "__main__":
    vllm.LLM(sys.argv[1], dtype="float32", enforce_eager=True, skip_tokenizer_init=True, enable_lora=True, **{options})
"""


def start(tmp_path, options, **environment):
    """What a user's own script says that starts vLLM with all its processes."""
    save_plain("llama", tmp_path / "model")
    script = tmp_path / "start.py"
    script.write_text(START.format(options=options))
    own = {name: value for name, value in os.environ.items() if name != "VLLM_ENABLE_V1_MULTIPROCESSING"}
    command = [sys.executable, str(script), str(tmp_path / "model")]
    return subprocess.run(
        command, env=own | {"HF_HUB_OFFLINE": "1"} | environment, capture_output=True, text=True, timeout=300
    )


def test_start_with_fully_sharded_loras_is_refused_by_name_before_a_process_is_started(tmp_path):
    ended = start(tmp_path, {"fully_sharded_loras": True})
    assert ended.returncode == 1
    assert "setting fully_sharded_loras: adapters of sharded rank bypass DoRA's gains" in ended.stderr
    assert "EngineCore" not in ended.stdout + ended.stderr


def test_start_with_a_second_stream_is_refused_by_name(tmp_path):
    ended = start(tmp_path, {}, VLLM_LORA_ENABLE_DUAL_STREAM="1")
    assert ended.returncode == 1
    # Without a CUDA device it is vLLM itself that refuses.
    assert "VLLM_LORA_ENABLE_DUAL_STREAM" in ended.stderr or "Dual CUDA streams" in ended.stderr
    assert "EngineCore" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("sharded", "dual", "named"), [(True, False, "fully_sharded_loras"), (False, True, "DUAL_STREAM")]
)
def test_mode_that_leads_around_the_exact_path_is_refused_by_name(monkeypatch, sharded, dual, named):
    monkeypatch.setattr(envs, "VLLM_LORA_ENABLE_DUAL_STREAM", dual, raising=False)
    with pytest.raises(ConfigError, match=named):
        refuse_modes(SimpleNamespace(fully_sharded_loras=sharded))
