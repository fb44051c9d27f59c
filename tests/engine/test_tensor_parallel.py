"""A model that is sharded over two processes answers as PEFT does, base, LoRA and DoRA in one batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from engine_models import EXACT, ROUNDING, Oracle, make_case

TOKENS = 5
SHARDED = """
import json, sys
from pathlib import Path
import vllm
from r3mes_ray.vllm_plugin import adapter_request

if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    llm = vllm.LLM(
        job["model"], dtype="float32", max_model_len=64, max_num_seqs=8, enforce_eager=True, enable_lora=True,
        max_loras=2, max_lora_rank=16, skip_tokenizer_init=True, tensor_parallel_size=2,
        distributed_executor_backend="mp",
    )
    adapters = [made and adapter_request(made[0], made[1], Path(made[2])) for made in job["adapters"]]
    for adapter in filter(None, adapters):
        llm.llm_engine.add_lora(adapter)
    sampling = vllm.SamplingParams(
        temperature=0, max_tokens=job["tokens"], ignore_eos=True, detokenize=False, logprobs=20
    )
    prompts = [{"prompt_token_ids": job["prompt"]} for _ in adapters]
    outputs = [output.outputs[0] for output in llm.generate(prompts, sampling, lora_request=adapters, use_tqdm=False)]
    chances = [[{token: chance.logprob for token, chance in place.items()} for place in o.logprobs] for o in outputs]
    print("FOUND" + json.dumps([[list(o.token_ids), c] for o, c in zip(outputs, chances, strict=True)]))
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["qwen2", "bitnet"])
def test_sharded_engine_equals_peft_in_a_mixed_batch(kind, tmp_path):
    model_folder, adapters, vocabulary, model = make_case(kind, tmp_path)
    chosen = [None, adapters[3], adapters[11]]  # the base, a LoRA and a DoRA of rank 16
    prompt = torch.randint(10, vocabulary, (9,), generator=torch.Generator().manual_seed(4)).tolist()
    job = {
        "model": str(model_folder),
        "adapters": [made and (made.name, made.number, str(made.folder)) for made in chosen],
        "prompt": prompt,
        "tokens": TOKENS,
    }
    script = tmp_path / "sharded.py"
    script.write_text(SHARDED)
    own = {name: value for name, value in os.environ.items() if name != "VLLM_ENABLE_V1_MULTIPROCESSING"}
    settings = {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    ended = subprocess.run(
        [sys.executable, str(script), json.dumps(job)], env=own | settings, capture_output=True, text=True, timeout=280
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    found = json.loads(ended.stdout.partition("FOUND")[2].partition("\n")[0])
    oracle = Oracle(model, [made for made in chosen if made is not None])
    tolerance = ROUNDING if kind == "bitnet" else EXACT
    for made, (tokens, chances) in zip(chosen, found, strict=True):
        expected = oracle.logprobs(made, prompt + tokens)[len(prompt) - 1 : -1]
        for place, token in enumerate(tokens):
            assert float(expected[place].max() - expected[place][token]) <= tolerance
            assert max(abs(float(expected[place][int(t)]) - c) for t, c in chances[place].items()) <= tolerance
    assert len({tuple(tokens) for tokens, _ in found}) == len(chosen), "each adapter is to show"
