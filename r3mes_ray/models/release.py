"""From texts to a model folder: what `r3mes model train-base` runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.checkpoint import quantise_state, write_checkpoint
from r3mes_ray.models.corpus import encode, read_text, split_corpus
from r3mes_ray.models.pretrain import Pretraining, PretrainReport, PretrainSettings, new_model, tiny_config
from r3mes_ray.models.tokenizer import save_tokenizer, train_tokenizer

VOCABULARY = 4096
_TOKENIZER_PIECE = 100_000


@dataclass(frozen=True, slots=True)
class TrainedBase:
    """What a run gave: losses in nats per token on held-out text of the base's own corpus."""

    folder: Path
    parameters: int
    steps: int
    tokens: int
    seconds: float
    loss_before: float
    loss_after: float


def train_base(
    data: Sequence[Path],
    tokenizer_data: Sequence[Path],
    out: Path,
    settings: PretrainSettings,
    on_report: Callable[[PretrainReport], None],
    command: str,
) -> TrainedBase:
    """Train tokenizer and model on `data`, and write the packed model to `out`; continues from a checkpoint in `out`.

    Only the tokenizer sees `tokenizer_data`; `command` is the command line, for the model card.

    Raises:
        InvalidInput: a text cannot be read or is too short.
    """
    texts = [read_text(path) for path in data]
    pieces = _pieces(texts) + _pieces([read_text(path) for path in tokenizer_data])
    tokenizer = train_tokenizer(pieces, VOCABULARY)
    if len(tokenizer) != VOCABULARY:
        raise InvalidInput("text", f"gives {len(tokenizer)} tokens, {VOCABULARY} are needed: too little text")
    run = Pretraining(
        new_model(tiny_config(VOCABULARY), settings.seed), split_corpus(encode(tokenizer, "".join(texts))), settings
    )
    before = run.heldout_loss()
    checkpoint = out / "training" / "checkpoint.safetensors"
    if checkpoint.exists():
        run.resume(checkpoint)
    run.run(on_report, checkpoint)
    result = _result(run, out, before)
    write_release(run, tokenizer, result, card(result, settings, [path.name for path in data], command))
    return result


def write_release(run: Pretraining, tokenizer: Any, result: TrainedBase, text: str) -> None:
    """Write packed weights, tokenizer and model card."""
    state = {name: parameter.detach() for name, parameter in run.model.named_parameters()}
    write_checkpoint(quantise_state("r3mes/tiny", run.model.config, state), result.folder)
    save_tokenizer(tokenizer, result.folder)
    (result.folder / "README.md").write_text(text)


def card(result: TrainedBase, settings: PretrainSettings, data: Sequence[str], command: str) -> str:
    """The model card."""
    return f"""---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [bitnet, ternary]
---
# r3mes/tiny

A BitNet b1.58 causal language model of {result.parameters / 1e6:.1f} M parameters: ternary weights (absmean), int8
activations (absmax per token), sub-norms and squared ReLU, as in BitNet-2B-4T. It is small enough to be trained on one
CPU core and to travel with the package: the ground that experts are trained on. It speaks in the style of its texts and
knows little.

| | |
|---|---|
| data | {", ".join(data)} (sources and licences: NOTICE beside the data) |
| tokens seen | {result.tokens:,} in {result.steps:,} steps of {settings.batch} x {settings.window_tokens} |
| training time | {result.seconds:.0f} s |
| loss on held-out text, before | {result.loss_before:.3f} nats per token |
| loss on held-out text, after | {result.loss_after:.3f} nats per token (perplexity {math.exp(result.loss_after):.1f}) |
| licence | Apache-2.0 |

Made by:

    {command}

The learning rate falls with the clock, so that a repetition gives a model like this one, not the same bits.

The tokenizer is a byte-level BPE of {VOCABULARY} tokens, trained on the same text and on the experts' training texts.
Weights are two bits each (four in a byte) with one scale a tensor; embeddings and norms are bfloat16.
"""


def _result(run: Pretraining, out: Path, before: float) -> TrainedBase:
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    return TrainedBase(out, parameters, run.step, run.tokens, run.seconds, before, run.heldout_loss())


def _pieces(texts: Sequence[str]) -> list[str]:
    return [text[i : i + _TOKENIZER_PIECE] for text in texts for i in range(0, len(text), _TOKENIZER_PIECE)]
