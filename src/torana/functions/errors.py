"""What becomes of an invocation that does not end well, in the service's words."""

from typing import Any

import msgspec
from msgspec import Struct

RESPONSE_LIMIT = 6 * 1024 * 1024 + 100
"""Bytes of a buffered response. Source: Lambda quotas; the exact number is in its message."""


class Failure(Struct, frozen=True):
    """A function error that the function did not report itself."""

    type: str
    message: str

    def payload(self) -> bytes:
        """As the caller gets it."""
        return msgspec.json.encode({"errorType": self.type, "errorMessage": self.message})


class Throttled(Exception):
    """No instance is free and no more may be started. `reason` is one of the service's."""

    def __init__(self, reason: str) -> None:
        super().__init__("Rate Exceeded.")
        self.reason = reason


class NodeLost(Throttled):
    """The node that ran the event is gone, with it what it was at: it may be tried again."""

    def __init__(self) -> None:
        super().__init__("ServiceException")


class CannotStart(Exception):
    """The machine refuses a new instance: says why."""


def exited(request_id: str, status: int) -> Failure:
    """The runtime is gone. `status` is negative for a signal."""
    if status == 0:
        how = "Runtime exited without providing a reason"
    elif status < 0:
        how = f"Runtime exited with error: signal: {_signal(-status)}"
    else:
        how = f"Runtime exited with error: exit status {status}"
    return Failure("Runtime.ExitError", f"RequestId: {request_id} Error: {how}")


_SIGNALS = {6: "aborted", 9: "killed", 11: "segmentation fault", 15: "terminated"}


def _signal(number: int) -> str:
    return _SIGNALS.get(number, str(number))


def timed_out(request_id: str, seconds: float) -> Failure:
    """The invocation took too long."""
    return Failure(
        "Sandbox.Timedout",
        f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",
    )


def too_large(size: int) -> Failure:
    """The response is over the limit."""
    return Failure(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
        f"({RESPONSE_LIMIT} bytes).",
    )


def runtime_error(kind: str, message: str) -> dict[str, Any]:
    """The body of a Runtime API refusal."""
    return {"errorType": kind, "errorMessage": message}
