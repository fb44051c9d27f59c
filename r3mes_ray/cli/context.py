"""What every command shares: the global options, output, and errors as sentences.

`--home DIR`, `--config FILE` and `--json` work before and after the subcommand. A command prints through `emit`: with
`--json` standard output carries JSON and nothing else; progress goes to standard error.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, TypeVar

from rich.console import Console

from r3mes_ray.errors import ConfigError, R3mesError
from r3mes_ray.settings import Settings, load_settings

T = TypeVar("T")

progress = Console(stderr=True, highlight=False)
"""Where progress and warnings go."""


@dataclass(frozen=True, slots=True)
class Context:
    """The global options of one invocation, resolved."""

    settings: Settings
    json: bool


_context: ContextVar[Context] = ContextVar("context")
_output: ContextVar[TextIO | None] = ContextVar("output", default=None)


def current() -> Context:
    """The context of this invocation."""
    return _context.get()


def enter(context: Context) -> None:
    """Set the context; `main` does it once."""
    _context.set(context)


def split_globals(arguments: list[str]) -> tuple[Context, list[str]]:
    """Take the global options out of `arguments`, wherever they stand before a `--`.

    Raises:
        ConfigError: an option without its value, or settings that cannot be read.
    """
    values: dict[str, str] = {}
    rest: list[str] = []
    as_json = False
    pending = iter(arguments)
    for argument in pending:
        name, equals, value = argument.partition("=")
        if argument == "--":
            rest += [argument, *pending]
        elif argument == "--json":
            as_json = True
        elif name in ("--home", "--config"):
            taken = value if equals else next(pending, "")
            if not taken:
                raise ConfigError(name, "needs a value")
            values[name] = taken
        else:
            rest.append(argument)
    home, config = values.get("--home"), values.get("--config")
    settings = load_settings(Path(home) if home else None, Path(config) if config else None)
    return Context(settings, as_json), rest


@contextmanager
def clean_output() -> Iterator[None]:
    """With `--json`, keep standard output for `emit`: what Ray and others print themselves goes to standard error."""
    if not current().json:
        yield
        return
    token = _output.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _output.reset(token)


def emit(record: Any, text: str) -> None:
    """Print a result: `record` (dataclass, mapping or list) as one JSON document with `--json`, else `text`."""
    if current().json:
        print(json.dumps(plain(record), ensure_ascii=False), file=_output.get(), flush=True)
    else:
        print(text, flush=True)


def plain(value: Any) -> Any:
    """Turn dataclasses, paths and tuples into what JSON can hold."""
    match value:
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case Path():
            return str(value)
        case bytes():
            return value.hex()
        case _:
            return value


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end; Ctrl-C cancels it."""
    return asyncio.run(coroutine)


def report(error: R3mesError, arguments: list[str]) -> None:
    """Print an error and its next step: JSON on standard output with `--json`, else sentences on standard error."""
    # The error may be of the settings themselves, before there is a context.
    if "--json" in arguments:
        body = {"error": {"type": type(error).__name__, "message": str(error), "next_step": error.hint}}
        print(json.dumps(body, ensure_ascii=False), flush=True)
        return
    print(f"error: {error}", file=sys.stderr)
    if error.hint:
        print(f"next:  {error.hint}", file=sys.stderr, flush=True)
