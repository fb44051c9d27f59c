"""The command `r3mes`: finds a command's module, and turns errors into sentences and exit codes.

Modules are imported when their command is asked for, so that `r3mes --help` answers at once. Exit codes: 0 success,
1 an error of the tree in `errors`, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click
import typer

from r3mes_ray.cli.context import enter, report, split_globals
from r3mes_ray.errors import R3mesError

GROUPS = {
    "up": ("node", "Start chain, content, Ray and serving on this machine; Ctrl-C stops them"),
    "demo": ("demo", "The whole loop: three miners, one round, one question"),
    "status": ("node", "What runs, and where"),
    "serve": ("serve", "Run a serving node by itself"),
    "chat": ("chat", "Ask a question"),
    "mine": ("mine", "Train an update for an expert and submit it"),
    "round": ("round", "Open, run, resume and inspect training rounds"),
    "chain": ("chain", "Run the embedded chain"),
    "keys": ("keys", "Make, import, list and delete keys"),
    "tx": ("tx", "Send and look up transactions"),
    "query": ("query", "Ask the chain"),
    "content": ("content", "Add, get, pin and verify content"),
    "cid": ("cid", "Compute the CID of a file"),
    "model": ("model", "Train, inspect and evaluate the base model"),
    "bench": ("bench", "Measure, beside peers, as ratios"),
}
"""Command → (module of this package that has it, one line of help)."""

HELP = """R3MES on Ray: train, aggregate and serve experts on a ternary base model.

Global options, before or after the command: --home DIR (default ~/.r3mes), --config FILE, --json."""


class LazyGroup(click.Group):
    """A click group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of `GROUPS`."""
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in GROUPS:
            return None
        module = importlib.import_module(f"r3mes_ray.cli.{GROUPS[cmd_name][0]}")
        return _command(module.app, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in GROUPS.items()])


def _command(app: typer.Typer, name: str) -> Any:
    """The click command of a typer app: its command `name` where it has one, else the whole group."""
    command: Any = typer.main.get_command(app)
    commands = getattr(command, "commands", {})
    chosen = commands.get(name, command)
    chosen.name = name
    return chosen


def main(arguments: list[str] | None = None) -> None:
    """Entry point; ends the process with its exit code."""
    sys.exit(execute(sys.argv[1:] if arguments is None else arguments))


def execute(arguments: list[str]) -> int:
    """Run one invocation and return its exit code."""
    try:
        context, rest = split_globals(arguments)
        enter(context)
        group = LazyGroup(name="r3mes", help=HELP, no_args_is_help=True)
        result = group.main(rest or ["--help"], prog_name="r3mes", standalone_mode=False)
    except R3mesError as error:
        report(error)
        return 1
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()
