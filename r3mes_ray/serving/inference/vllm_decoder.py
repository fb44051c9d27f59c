"""The `LLMEngine` of vLLM, stepped by the engine's thread, as a `Decoder`.

vLLM batches, samples and keeps keys and values; who is admitted, and what text is certain, is decided here, as for
every engine.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from vllm import SamplingParams
from vllm.exceptions import VLLMClientError
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
from vllm.v1.engine import EngineCoreRequest
from vllm.v1.engine.llm_engine import LLMEngine
from vllm.v1.structured_output.backend_types import StructuredOutputOptions
from vllm.v1.structured_output.backend_xgrammar import XgrammarBackend

from r3mes_ray.errors import InvalidInput
from r3mes_ray.serving.inference.base import GenerationRequest, Piece
from r3mes_ray.serving.inference.loop import Ticket
from r3mes_ray.serving.inference.sequence import Answer, TextRules, tokens_left
from r3mes_ray.serving.inference.vllm_slots import VllmSlots


class VllmDecoder:
    """Tickets as requests of an `LLMEngine`."""

    def __init__(self, engine: LLMEngine, slots: VllmSlots, rules: TextRules) -> None:
        self._engine, self._slots, self._rules = engine, slots, rules
        self._numbers = itertools.count()
        self._names: dict[Ticket, str] = {}
        self._running: dict[str, tuple[Ticket, Answer]] = {}

    @property
    def admissions(self) -> int:
        """All that have a place: vLLM reads their prompts together, in pieces, beside the others' tokens."""
        return int(self._engine.vllm_config.scheduler_config.max_num_seqs)

    def read(self, request: GenerationRequest) -> EngineCoreRequest:
        """A request as vLLM's engine takes it, without name and adapter; may run beside the engine's thread.

        Raises:
            InvalidInput: vLLM does not take it, for instance for its JSON schema.
        """
        prompt, engine = {"prompt_token_ids": list(request.prompt)}, self._engine
        try:
            parameters = sampling_params(request, self._rules)
            return engine.input_processor.process_inputs("", prompt, parameters, engine.get_supported_tasks())
        except (ValueError, VLLMClientError) as error:
            what = "request" if request.sampling.json_schema is None else "response_format"
            raise InvalidInput(what, str(error).strip().partition("\n")[0]) from error

    def guide(self, request: GenerationRequest) -> EngineCoreRequest:
        """Read a request with a JSON schema, and compile that: vLLM's engine finds it in the compiler's cache.

        Raises:
            InvalidInput: as `read`.
        """
        read, config = self.read(request), self._engine.vllm_config
        grammars = self._engine.engine_core.engine_core.structured_output_manager
        if grammars.backend is None:
            vocabulary = config.model_config.get_vocab_size()
            grammars.backend = XgrammarBackend(config, tokenizer=grammars.tokenizer, vocab_size=vocabulary)
        try:
            grammars.backend.compile_grammar(StructuredOutputOptions.JSON, request.sampling.json_schema)
        except RuntimeError as error:
            raise InvalidInput("response_format", str(error).strip().partition("\n")[0]) from error
        return read

    def admit(self, ticket: Ticket) -> None:
        """Hand a request to vLLM; its prompt is read in the next steps, beside the others' tokens.

        Raises:
            InvalidInput: vLLM does not take it, or its slot is empty.
        """
        request = self.read(ticket.request) if ticket.guided is None else ticket.guided
        request.lora_request = self._slots.request_of(ticket.slot)
        request.request_id = name = str(next(self._numbers))
        self._engine.add_request(name, request, request.params)
        self._names[ticket] = name
        self._running[name] = (ticket, Answer(ticket.request, self._rules))

    def step(self) -> list[tuple[Ticket, Piece]]:
        """One step of vLLM; requests whose prompt is still being read have no piece."""
        # Tells this thread torch's number of threads: vLLM's attention compares the two, and stops where they differ.
        torch.get_num_threads()
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
