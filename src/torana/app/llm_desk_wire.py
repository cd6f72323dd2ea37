"""How `/llm/v1/…` is asked and answers: JSON objects, and refusals with a message."""

from typing import Any

import msgspec

from torana.message import BodyTooLarge, Headers, Reply, Request, read

_LIMIT = 4 * 1024 * 1024


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def body_of(request: Request) -> dict[str, Any]:
    """Raises `Refused`."""
    try:
        return msgspec.json.decode(await read(request.body, _LIMIT), type=dict[str, Any])
    except BodyTooLarge:
        raise Refused(413, "the body is too large") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, f"the body is no JSON object: {error}") from error


def answered(status: int, value: object) -> Reply:
    """A value, as JSON."""
    fields = Headers([("Content-Type", "application/json")])
    return Reply(status, fields, msgspec.json.encode(value))
