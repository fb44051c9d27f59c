"""The embedded chain as a process of its own, kept alive while the node runs."""

from __future__ import annotations

import asyncio
import ctypes
import json
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from r3mes_ray.errors import ChainUnavailable
from r3mes_ray.settings import Settings

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
RESTART_DELAY_S = 1.0
_PR_SET_PDEATHSIG = 1


class ChainProcess:
    """Starts `r3mes chain start`, restarts it when it dies, stops it when asked.

    The process ends with its parent even when the parent is killed (Linux), so that no chain is left behind.
    """

    def __init__(self, settings: Settings, config: Path, balances: Sequence[str], say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._command = [sys.executable, "-m", "r3mes_ray.cli.main", "chain", "start", "--json"]
        self._command += ["--home", str(settings.home), "--config", str(config)]
        for balance in balances:
            self._command += ["--genesis-balance", balance]
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Process id of the chain that runs now; 0 before the start."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start the chain and wait until it answers.

        Raises:
            ChainUnavailable: it ended or did not get ready; the text has its last words.
        """
        await self._spawn()
        self._watch = asyncio.create_task(self._keep_alive())

    async def stop(self) -> None:
        """Let the chain finish its block and end."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _spawn(self) -> None:
        log = self._settings.home / "logs" / "chain.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
        self._process = process
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_TIMEOUT_S) if process.stdout else b""
        except TimeoutError:
            line = b""
        said = _parse(line)
        if not said or "error" in said:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            reason = said.get("error", {}).get("message") or f"it did not start; {log} says why"
            raise ChainUnavailable(self._settings.chain.grpc_address, str(reason))

    async def _keep_alive(self) -> None:
        while self._process is not None:
            code = await self._process.wait()
            self._say(f"the chain ended with code {code}; starting it again")
            await asyncio.sleep(RESTART_DELAY_S)
            try:
                await self._spawn()
            except ChainUnavailable as error:
                self._say(f"{error}; trying again")


def _parse(line: bytes) -> dict[str, dict[str, str]]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
