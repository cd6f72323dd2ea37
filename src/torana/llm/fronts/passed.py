"""APIs whose bodies pass as they are, to providers that speak them: embeddings, Responses, and the
rest of OpenAI's. Source: OpenAI API reference."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from torana.llm.chat import Chat
from torana.llm.dialect import Front, Peek, Writer
from torana.llm.errors import LlmError
from torana.message import Reply


class _Head(Struct):
    model: str
    stream: bool | None = None
    max_tokens: int | None = None
    max_output_tokens: int | None = None


_head = msgspec.json.Decoder(_Head)


class Passed:
    """Implements `Front` for one operation, with the errors of another front's API."""

    def __init__(
        self, operation: str, of: Front, refuse: Callable[[LlmError], Reply] | None = None
    ) -> None:
        """`refuse`: how errors are spelled, if not as `of` does."""
        self.operation, self.dialect, self._of = operation, of.dialect, of
        self._refuse = refuse or of.refuse

    def peek(self, body: bytes, path: str) -> Peek:
        """See `Front`."""
        try:
            head = _head.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("invalid_request", f"Invalid request: {error}") from error
        return Peek(head.model, bool(head.stream), head.max_output_tokens or head.max_tokens)

    def read(self, body: bytes, peek: Peek) -> Any:
        """Never asked: bodies pass only to providers that speak them."""
        raise self._foreign()

    def write(self, answer: Any, chat: Any, seconds: float) -> bytes:
        """See `read`."""
        raise self._foreign()

    def writer(self, chat: Chat) -> Writer:
        """See `read`."""
        raise self._foreign()

    def fail(self, error: LlmError) -> bytes:
        """See `Front`."""
        return self._of.fail(error)

    def refuse(self, error: LlmError) -> Reply:
        """See `Front`."""
        return self._refuse(error)

    def _foreign(self) -> LlmError:
        return LlmError(
            "invalid_request",
            f"the provider of this model has no {self.operation} API",
            code="unsupported_operation",
        )
