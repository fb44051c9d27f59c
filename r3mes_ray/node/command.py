"""Runs `r3mes` commands as processes of their own, as their users would."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from r3mes_ray.errors import CommandFailed

TAIL_LINES = 15


class Command:
    """One running command: its progress goes to `log` and to `say`, its result is the JSON document it prints."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path, say: Callable[[str], None]) -> None:
        self._name, self._process, self._log, self._say = name, process, log, say
        self._lines: list[str] = []
        self._news = asyncio.Event()
        self._output = asyncio.create_task(self._read_output())
        self._progress = asyncio.create_task(self._read_progress())

    @classmethod
    async def start(cls, name: str, *arguments: str, home: Path, say: Callable[[str], None]) -> Command:
        """Start `r3mes ARGUMENTS --json --home HOME`; `name` is its log's file name."""
        log = home / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "r3mes_ray.cli.main", *arguments, "--json", "--home", str(home)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return cls(name, process, log, say)

    async def result(self) -> dict[str, Any]:
        """Wait for the end and return what it printed.

        Raises:
            CommandFailed: it ended with an error; the text has its last words.
        """
        output = await self._output
        await self._progress
        code = await self._process.wait()
        printed = _last_document(output)
        if code != 0 or "error" in printed:
            said = printed.get("error", {}).get("message") or "\n".join(self._lines[-TAIL_LINES:])
            raise CommandFailed(self._name, code, said)
        return printed

    async def said(self, text: str) -> None:
        """Wait until a line of progress has `text` in it.

        Raises:
            CommandFailed: the command ended without it.
        """
        while not any(text in line for line in self._lines):
            if self._progress.done():
                await self.result()
                raise CommandFailed(self._name, 0, f"it never said {text!r}")
            self._news.clear()
            waiting = asyncio.ensure_future(self._news.wait())
            await asyncio.wait({waiting, self._progress}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    async def stop(self) -> None:
        """End the command if it still runs."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()

    async def _read_output(self) -> str:
        stream = self._process.stdout
        return (await stream.read()).decode() if stream is not None else ""

    async def _read_progress(self) -> None:
        stream = self._process.stderr
        if stream is None:
            return
        with self._log.open("w") as log:
            async for raw in stream:
                line = raw.decode(errors="replace").rstrip()
                log.write(line + "\n")
                log.flush()
                self._lines.append(line)
                self._news.set()
                self._say(line)


def _last_document(output: str) -> dict[str, Any]:
    lines = output.strip().splitlines()
    try:
        document = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {"items": document}
