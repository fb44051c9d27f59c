"""A base row batched with an adapter's row: prints the tokens of the base alone, and of the two rows.

Arguments: the model's folder, then the adapters' folders; the first one is asked beside the base. The process has
neither Ray nor anything of a chain's: the plugin needs none.
"""

import json
import sys

sys.modules |= dict.fromkeys(["ray", "grpc", "r3mes_ray.chain", "r3mes_ray.cluster", "r3mes_ray.content"])

from vllm import LLM, SamplingParams  # noqa: E402
from vllm.lora.request import LoRARequest  # noqa: E402

model, *folders = sys.argv[1:]
adapters = [LoRARequest(f"a{number}", number, folder) for number, folder in enumerate(folders, 1)]
llm = LLM(
    model,
    dtype="float32",
    max_model_len=64,
    max_num_seqs=4,
    enforce_eager=True,
    enable_lora=True,
    max_loras=len(adapters),
    max_lora_rank=8,
    enable_prefix_caching=False,
    skip_tokenizer_init=True,
)
for adapter in adapters:
    llm.llm_engine.add_lora(adapter)


def tokens(requests):
    prompts = [{"prompt_token_ids": [11, 12, 13, 14]}] * len(requests)
    sampling = SamplingParams(temperature=0, max_tokens=8, ignore_eos=True, detokenize=False)
    outputs = llm.generate(prompts, sampling, lora_request=requests, use_tqdm=False)
    return [list(output.outputs[0].token_ids) for output in outputs]


print(json.dumps({"alone": tokens([None])[0], "last": tokens([adapters[-1]])[0], "mixed": tokens([None, adapters[0]])}))
