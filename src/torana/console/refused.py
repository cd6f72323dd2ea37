"""How the console says no, and how it answers in JSON."""

from typing import Any

import msgspec

from torana.message import BodyTooLarge, Headers, Reply, Request, read


class Refused(Exception):
    """An answer that is no success: what the browser shows."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.more = status, code, more

    def reply(self) -> Reply:
        """As JSON."""
        reply = as_json({"code": self.code, "message": str(self), **self.more}, self.status)
        # What a service refused has an id of its own, and is on record under it.
        reply.denied = "" if "requestId" in self.more else None
        return reply


def as_json(value: object, status: int = 200) -> Reply:
    """Never kept by anybody: it is about who is signed in."""
    fields = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Reply(status, Headers(fields), msgspec.json.encode(value))


async def body_of(request: Request, limit: int) -> dict[str, Any]:
    """A JSON object. Raises `Refused`."""
    try:
        data = await read(request.body, limit)
        return msgspec.json.decode(data, type=dict[str, Any]) if data else {}
    except BodyTooLarge:
        raise Refused(413, "TooLarge", f"The request is over {limit} bytes") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, "Malformed", f"The request is no JSON object: {error}") from error
    except (TimeoutError, ConnectionError) as error:
        raise Refused(408, "Incomplete", "The request broke off") from error
