"""The options of a round's phases, for every command that opens rounds."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any

import typer

from r3mes_ray.training.proposer.opening import PhaseBlocks

_Blocks = Annotated[int, typer.Option(min=0, help="Length of the phase; 0 takes the chain's default.")]
_OPTIONS = {f"{field.name}_blocks": field.name for field in fields(PhaseBlocks)}


def with_phase_blocks(command: Callable[..., None]) -> Callable[..., None]:
    """A command with `--submit-blocks` and so on, for one with the keyword argument `blocks`, a PhaseBlocks."""
    signature = inspect.signature(command, eval_str=True)
    others = [parameter for name, parameter in signature.parameters.items() if name != "blocks"]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=0, annotation=_Blocks) for name in _OPTIONS
    ]
    shown = signature.replace(parameters=[*others, *options])

    @functools.wraps(command)
    def called(**values: Any) -> None:
        blocks = PhaseBlocks(**{field: values.pop(name) for name, field in _OPTIONS.items()})
        command(**values, blocks=blocks)

    called.__signature__ = shown  # type: ignore[attr-defined]
    called.__annotations__ = {name: parameter.annotation for name, parameter in shown.parameters.items()}
    return called
