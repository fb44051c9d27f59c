"""Errors in the shape of the OpenAI API, with our next step in `hint`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from r3mes_ray.errors import (
    ContentError,
    DeadlineExceeded,
    ExpertNotFound,
    InvalidInput,
    PackageRejected,
    PromptTooLong,
    QueueFull,
    R3mesError,
)

RETRY_AFTER_S = 1
"""What a client is told to wait for when the queue is full or a part is not there."""


@dataclass(frozen=True, slots=True)
class Fault:
    """How an error is told: HTTP status, OpenAI's type and code, the field at fault, and whether to try again."""

    status: int
    type: str
    code: str
    param: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """`Retry-After` where another try may succeed."""
        return {"Retry-After": str(RETRY_AFTER_S)} if self.status in (429, 503) else {}


def fault_of(error: R3mesError) -> Fault:
    """Map an error of the tree; what has no place of its own is a server error."""
    match error:
        case ExpertNotFound():
            return Fault(404, "invalid_request_error", "model_not_found", "model")
        case PromptTooLong():
            return Fault(400, "invalid_request_error", "context_length_exceeded", "messages")
        case PackageRejected():
            return Fault(503, "server_error", "adapter_rejected")
        case InvalidInput():
            return Fault(400, "invalid_request_error", "invalid_value", error.what)
        case QueueFull():
            return Fault(429, "rate_limit_error", "queue_full")
        case DeadlineExceeded():
            return Fault(504, "timeout_error", "deadline_exceeded")
        case ContentError():
            return Fault(503, "server_error", "content_unavailable")
        case _:
            return Fault(503, "server_error", "unavailable")


def error_body(message: str, fault: Fault, hint: str = "") -> dict[str, Any]:
    """The JSON of an error."""
    body = {"message": message, "type": fault.type, "param": fault.param, "code": fault.code}
    if hint:
        body["hint"] = hint
    return {"error": body}
