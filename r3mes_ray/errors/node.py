"""Errors of serving and of the processes on one machine."""

from __future__ import annotations

from r3mes_ray.errors.base import R3mesError


class ServingError(R3mesError):
    """Something about answering a request."""


class ExpertNotFound(ServingError, LookupError):
    """No such model or expert is served here."""

    hint = "`GET /v1/models` lists what is served"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no model or expert {self.name[:100]!r} is served here"


class PromptTooLong(ServingError, ValueError):
    """The prompt leaves no room for an answer in the model's context."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(tokens, limit)
        self.tokens, self.limit = tokens, limit

    def __str__(self) -> str:
        return f"the prompt has {self.tokens} tokens, the model's context allows {self.limit}"


class QueueFull(ServingError):
    """More requests wait than the limit allows."""

    hint = "try again in a second, or raise serving.max_queued_requests"

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the queue is full: {self.limit} requests are waiting already"


class DeadlineExceeded(ServingError, TimeoutError):
    """A stage took longer than its time."""

    def __init__(self, stage: str, timeout_s: float) -> None:
        super().__init__(stage, timeout_s)
        self.stage, self.timeout_s = stage, timeout_s

    def __str__(self) -> str:
        return f"{self.stage} took longer than {self.timeout_s:g} s"


class ServingUnavailable(ServingError):
    """A part of the serving half is starting, stopping or gone; another try may succeed."""

    hint = "`GET /ready` says what is missing; try again in a few seconds"

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(part, reason)
        self.part, self.reason = part, reason

    def __str__(self) -> str:
        return f"{self.part} cannot answer: {self.reason}"


class SelfCheckFailed(ServingError):
    """An engine does not compute what an adapter says; it must not serve."""

    hint = "check that the versions of vLLM and this package fit, and that no other plugin changes LoRA"

    def __init__(self, part: str, found: str) -> None:
        super().__init__(part, found)
        self.part, self.found = part, found

    def __str__(self) -> str:
        return f"self-check of {self.part}: {self.found}"


class GatewayUnreachable(ServingError, ConnectionError):
    """No gateway answers at the address."""

    hint = "start one with `make up` or `r3mes serve`, or name another one with --url"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url, self.reason = url, reason

    def __str__(self) -> str:
        return f"no gateway answers at {self.url}: {self.reason}"


class GatewayRefused(ServingError):
    """A gateway answered with an error; `message` and `next_step` are its own."""

    def __init__(self, status: int, message: str, next_step: str) -> None:
        super().__init__(status, message, next_step)
        self.status, self.message, self.next_step = status, message, next_step

    @property
    def hint(self) -> str:  # type: ignore[override]
        """The gateway's next step."""
        return self.next_step

    def __str__(self) -> str:
        return f"the gateway refused ({self.status}): {self.message}"


class NodeError(R3mesError):
    """Something about the processes on this machine."""


class PortBusy(NodeError, OSError):
    """A port that a server needs is taken by another process."""

    def __init__(self, port: int, setting: str) -> None:
        super().__init__(port, setting)
        self.port, self.setting = port, setting

    @property
    def hint(self) -> str:  # type: ignore[override]
        """Name the setting that moves the server to another port."""
        return f"stop the process that listens there, or choose another port with the setting {self.setting}"

    def __str__(self) -> str:
        return f"port {self.port} is in use by another process"


class SpillFailed(NodeError, OSError):
    """The temporary folder does not hold what a computation keeps out of memory."""

    hint = "free space there, or name a folder on a larger disk in TMPDIR, and start again"

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(folder, reason)
        self.folder, self.reason = folder, reason

    def __str__(self) -> str:
        return f"the temporary folder {self.folder} does not keep the factors of a layer: {self.reason}"


class AlreadyRunning(NodeError):
    """A node of this home runs already."""

    hint = "stop it with Ctrl-C where it runs, or use another --home"

    def __init__(self, home: str, pid: int) -> None:
        super().__init__(home, pid)
        self.home, self.pid = home, pid

    def __str__(self) -> str:
        return f"a node of {self.home} runs already (process {self.pid})"


class NotRunning(NodeError):
    """The command needs a running node."""

    hint = "start one with `make up` (or `r3mes up`) in another terminal"

    def __init__(self, home: str) -> None:
        super().__init__(home)
        self.home = home

    def __str__(self) -> str:
        return f"no node of {self.home} is running"


class CommandFailed(NodeError):
    """A command that this one started ended with an error; `said` is its text or its last words."""

    def __init__(self, command: str, code: int, said: str) -> None:
        super().__init__(command, code, said)
        self.command, self.code, self.said = command, code, said

    def __str__(self) -> str:
        return f"{self.command} ended with code {self.code}: {self.said}"


class DemoFailed(NodeError):
    """The loop ran, but did not show what it claims."""

    def __init__(self, claim: str, found: str) -> None:
        super().__init__(claim, found)
        self.claim, self.found = claim, found

    def __str__(self) -> str:
        return f"the demo does not show that {self.claim}: {self.found}"
