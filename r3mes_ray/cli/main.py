"""The command `r3mes`: finds a command's module, and turns errors into sentences and exit codes.

Modules are imported when their command is asked for, so that `r3mes --help` answers at once. Exit codes: 0 success,
1 an error of the tree in `errors`, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from importlib.metadata import version
from typing import Any, cast

import typer
import typer.exceptions

from r3mes_ray.cli.context import clean_output, enter, report, split_globals
from r3mes_ray.cluster import prepare
from r3mes_ray.errors import R3mesError

GROUPS = {
    "up": ("node", "Start chain, content, Ray and serving on this machine; Ctrl-C stops them"),
    "demo": ("demo", "The whole loop: three miners, one round, one question"),
    "status": ("node", "What runs, and where"),
    "serve": ("serve", "Run a serving node by itself"),
    "chat": ("chat", "Ask a question"),
    "mine": ("mine", "Train an update for an expert and submit it"),
    "round": ("round", "Open, run, resume and inspect training rounds"),
    "propose": ("propose", "Open and follow rounds of several experts, until stopped"),
    "chain": ("chain", "Run the embedded chain"),
    "keys": ("keys", "Make, import, list and delete keys"),
    "tx": ("tx", "Send and look up transactions"),
    "gov": ("gov", "Propose, deposit, vote, and read proposals"),
    "governance": ("gov", "The same"),
    "query": ("query", "Ask the chain"),
    "verify": ("verify", "Check commitments, Merkle trees and gradient hashes, offline"),
    "content": ("content", "Add, get, pin and verify content"),
    "cid": ("cid", "Compute the CID of a file"),
    "model": ("model", "Train, inspect and evaluate the base model"),
    "adapter": ("adapter", "Import, publish, pin, roll back and preload adapters"),
    "bench": ("bench", "Measure, beside peers, as ratios"),
}
"""Command → (module of this package that has it, one line of help)."""

HELP = """Usage: r3mes [--home DIR] [--config FILE] [--json] COMMAND …

R3MES on Ray: train, aggregate and serve experts on a ternary base model.
The global options work before and after the command; `r3mes COMMAND --help` explains one."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point; ends the process with its exit code."""
    sys.exit(execute(sys.argv[1:] if arguments is None else arguments))


def execute(arguments: list[str]) -> int:
    """Run one invocation and return its exit code."""
    try:
        context, rest = split_globals(arguments)
        enter(context)
        prepare(context.settings)
        with clean_output():
            return dispatch(rest)
    except R3mesError as error:
        report(error, arguments)
        return 1
    except typer.Exit as stop:
        return stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def dispatch(arguments: list[str]) -> int:
    """Hand the arguments after the global options to their command."""
    match arguments:
        case [] | ["--help" | "-h" | "help"]:
            print(HELP, "\n\nCommands:", *(f"\n  {name:11}{text}" for name, (_, text) in GROUPS.items()), sep="")
            return 0 if arguments else 2
        case ["--version"]:
            print(f"r3mes {version('r3mes-ray')}")
            return 0
        case [name, *rest] if name in GROUPS:
            return _invoke(name, rest)
        case [name, *_]:
            near = difflib.get_close_matches(name, GROUPS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; `r3mes --help` lists the commands"
            print(f"error: there is no command {name!r}{hint}", file=sys.stderr)
    return 2


def _invoke(name: str, arguments: list[str]) -> int:
    """Import a command's module and run it: its command `name` where it has one, else the whole group."""
    app = importlib.import_module(f"r3mes_ray.cli.{GROUPS[name][0]}").app
    group: Any = typer.main.get_command(app)
    command = getattr(group, "commands", {}).get(name, group)
    try:
        result = command.main(arguments, prog_name=f"r3mes {name}", standalone_mode=False)
    except typer.exceptions.TyperException as error:
        cast(Any, error).show()
        return 2
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()
