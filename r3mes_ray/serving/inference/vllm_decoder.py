"""vLLM's `LLMEngine`, stepped by the engine's thread, as a `Decoder`; and its LoRA slots.

vLLM batches, samples and keeps the caches; who is admitted, and what text is certain, is decided here, as for every
engine. An adapter is added before a request may name it: a bad one inside a request would hang vLLM 0.32.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vllm import SamplingParams
from vllm.lora.request import LoRARequest
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
from vllm.v1.engine.llm_engine import LLMEngine

from r3mes_ray.errors import InvalidInput, PackageRejected
from r3mes_ray.models.adapters import AdapterPackage, write_package
from r3mes_ray.serving.inference.base import BASE_SLOT, GenerationRequest, Piece, PreparedAdapter
from r3mes_ray.serving.inference.loop import Ticket
from r3mes_ray.serving.inference.sequence import Answer, TextRules, tokens_left


@dataclass(frozen=True, slots=True)
class PreparedFolder:
    """A package as a folder that vLLM reads; it is there as long as this is."""

    name: str
    folder: tempfile.TemporaryDirectory[str] = field(repr=False)
    nbytes: int


class VllmSlots:
    """Numbered slots over vLLM's adapters; `place` is called on the thread that steps the engine."""

    def __init__(self, engine: LLMEngine, max_rank: int) -> None:
        self._engine, self._max_rank = engine, max_rank
        self._numbers = itertools.count(1)
        self._placed: dict[int, tuple[LoRARequest, PreparedFolder]] = {}

    def prepare(self, package: AdapterPackage) -> PreparedFolder:
        """Write the package where vLLM can read it.

        Raises:
            PackageRejected: its rank is above what the engine has memory for.
        """
        found = package.manifest
        for layer, module in package.modules().items():
            if module.rank > self._max_rank:
                detail = f"{module.rank} is above {self._max_rank}; raise serving.engine.max_rank"
                raise PackageRejected("rank", layer, detail)
        folder = tempfile.TemporaryDirectory(prefix="r3mes-vllm-")
        write_package(package, Path(folder.name))
        # vLLM's prefix cache is keyed by name: the name says what is in the package.
        return PreparedFolder(f"{found.expert}@{found.version}-{found.gradient_hash}", folder, package.nbytes)

    def place(self, slot: int, adapter: PreparedAdapter | None) -> None:
        """Add an adapter to vLLM, or take it out.

        Raises:
            PackageRejected: vLLM does not take it.
        """
        if adapter is None:
            placed = self._placed.pop(slot, None)
            if placed is not None:
                self._engine.remove_lora(placed[0].lora_int_id)
            return
        if not isinstance(adapter, PreparedFolder):
            raise InvalidInput("adapter", f"{type(adapter).__name__} was prepared by another engine")
        request = LoRARequest(adapter.name, next(self._numbers), adapter.folder.name)
        try:
            added = self._engine.add_lora(request)
        except (ValueError, RuntimeError, KeyError) as error:
            raise PackageRejected("engine", adapter.name, f"vLLM does not take it: {error}") from error
        if not added:
            raise PackageRejected("engine", adapter.name, "vLLM does not take it, and does not say why")
        self._placed[slot] = (request, adapter)

    def request_of(self, slot: int) -> LoRARequest | None:
        """What a request of this slot names.

        Raises:
            InvalidInput: the slot is empty.
        """
        if slot == BASE_SLOT:
            return None
        placed = self._placed.get(slot)
        if placed is None:
            raise InvalidInput("slot", f"{slot} is empty")
        return placed[0]


class VllmDecoder:
    """Tickets as requests of an `LLMEngine`."""

    def __init__(self, engine: LLMEngine, slots: VllmSlots, rules: TextRules) -> None:
        self._engine, self._slots, self._rules = engine, slots, rules
        self._numbers = itertools.count()
        self._names: dict[Ticket, str] = {}
        self._running: dict[str, tuple[Ticket, Answer]] = {}

    def admit(self, ticket: Ticket) -> None:
        """Hand a request to vLLM; its prompt is read in the next steps, beside the others' tokens.

        Raises:
            InvalidInput: vLLM does not take it, for instance for its JSON schema.
        """
        name, request = str(next(self._numbers)), ticket.request
        prompt = {"prompt_token_ids": list(request.prompt)}
        lora = self._slots.request_of(ticket.slot)
        try:
            self._engine.add_request(name, prompt, sampling_params(request, self._rules), lora_request=lora)
        except ValueError as error:
            what = "request" if request.sampling.json_schema is None else "response_format"
            raise InvalidInput(what, str(error).strip().partition("\n")[0]) from error
        self._names[ticket] = name
        self._running[name] = (ticket, Answer(request, self._rules))

    def step(self) -> list[tuple[Ticket, Piece]]:
        """One step of vLLM; requests whose prompt is still being read have no piece."""
        pieces: list[tuple[Ticket, Piece]] = []
        for output in self._engine.step():
            running = self._running.get(output.request_id)
            if running is not None:
                pieces += [(running[0], piece) for piece in _pieces(running[1], output.outputs[0], running[0].request)]
        return pieces

    def drop(self, ticket: Ticket) -> None:
        """Abort a request; one that has ended in vLLM already is gone there."""
        name = self._names.pop(ticket, None)
        if name is not None:
            del self._running[name]
            self._engine.abort_request([name])


def sampling_params(request: GenerationRequest, rules: TextRules) -> SamplingParams:
    """The parameters of a request as vLLM has them; stop texts are found here, as for every engine."""
    wanted = request.sampling
    # Special tokens have no place in an answer, whatever a client's bias says.
    biases = dict(wanted.logit_bias) | dict.fromkeys(sorted(rules.never), float("-inf"))
    schema = wanted.json_schema
    return SamplingParams(
        max_tokens=tokens_left(request, rules),
        temperature=wanted.temperature,
        top_p=wanted.top_p,
        top_k=wanted.top_k,
        min_p=wanted.min_p,
        presence_penalty=wanted.presence_penalty,
        frequency_penalty=wanted.frequency_penalty,
        repetition_penalty=wanted.repetition_penalty,
        seed=wanted.seed,
        logit_bias=biases or None,
        logprobs=wanted.top_logprobs,
        stop_token_ids=sorted(rules.end_tokens),
        structured_outputs=None if schema is None else StructuredOutputsParams(json=schema),
        detokenize=False,
        output_kind=RequestOutputKind.DELTA,
    )


def _pieces(answer: Answer, output: Any, request: GenerationRequest) -> list[Piece]:
    """One for each new token, up to the one that ends the answer."""
    tokens: Sequence[int] = output.token_ids
    told = output.logprobs if request.sampling.top_logprobs is not None else None
    pieces: list[Piece] = []
    for place, token in enumerate(tokens):
        chances = () if told is None else (answer.chances(_ranked(token, told[place], request.sampling.top_logprobs)),)
        pieces.append(answer.push(token, chances))
        if pieces[-1].finish_reason is not None:
            return pieces
    if output.finish_reason is not None:
        pieces.append(answer.end("length" if output.finish_reason == "length" else "stop"))
    return pieces


def _ranked(token: int, told: Mapping[int, Any], wanted: int | None) -> list[tuple[int, float]]:
    """(id, log probability) of the chosen token, then of the likeliest, best first."""
    best = sorted(told, key=lambda one: (-told[one].logprob, one))[: wanted or 0]
    return [(one, float(told[one].logprob)) for one in (token, *best)]
