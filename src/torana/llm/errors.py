"""What goes wrong on the way to a model, in terms that every front can spell."""

from typing import Literal

from torana.message import Reply

Kind = Literal[
    "invalid_request",
    "authentication",
    "permission",
    "not_found",
    "too_large",
    "rate_limit",
    "budget",
    "timeout",
    "overloaded",
    "upstream",
    "internal",
]

STATUS: dict[Kind, int] = {
    "invalid_request": 400,
    "authentication": 401,
    "permission": 403,
    "not_found": 404,
    "too_large": 413,
    "rate_limit": 429,
    "budget": 429,
    "timeout": 504,
    "overloaded": 503,
    "upstream": 502,
    "internal": 500,
}


class LlmError(Exception):
    """A refusal or a failure. `retry_after` is in seconds."""

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        code: str = "",
        param: str = "",
        retry_after: float | None = None,
        status: int = 0,
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message, self.code, self.param = message, code, param
        self.retry_after = retry_after
        self.status = status or STATUS[kind]


def kind_of(status: int) -> Kind:
    """What a provider's status means."""
    for kind, own in STATUS.items():
        if own == status and kind != "budget":
            return kind
    if status in (408, 524):
        return "timeout"
    if status == 529:
        return "overloaded"
    return "upstream" if status >= 500 else "invalid_request"


def told(reply: Reply, error: LlmError) -> Reply:
    """The same, and why a client was not let in."""
    if error.kind in ("authentication", "permission"):
        reply.denied = error.message
    return reply
