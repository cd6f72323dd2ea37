"""APIs whose bodies pass as they are, to providers that speak them: embeddings, Responses, and the
rest of OpenAI's. Source: OpenAI API reference."""

import msgspec
from msgspec import Struct

from torana.llm.chat import Answer, Chat
from torana.llm.dialect import Peek, Writer
from torana.llm.errors import LlmError
from torana.llm.fronts.openai_errors import refuse, told
from torana.llm.sse import event
from torana.message import Reply


class _Head(Struct):
    model: str
    stream: bool | None = None
    max_tokens: int | None = None
    max_output_tokens: int | None = None


_head = msgspec.json.Decoder(_Head)


class Passed:
    """Implements `Front` for one operation."""

    dialect = "openai"

    def __init__(self, operation: str) -> None:
        self.operation = operation

    def peek(self, body: bytes) -> Peek:
        """See `Front`."""
        try:
            head = _head.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LlmError("invalid_request", f"Invalid request: {error}") from error
        return Peek(head.model, bool(head.stream), head.max_output_tokens or head.max_tokens)

    def read(self, body: bytes) -> Chat:
        """Never asked: bodies pass only to providers that speak them."""
        raise self._foreign()

    def write(self, answer: Answer) -> bytes:
        """See `read`."""
        raise self._foreign()

    def writer(self, chat: Chat) -> Writer:
        """See `read`."""
        raise self._foreign()

    def fail(self, error: LlmError) -> bytes:
        """See `Front`."""
        return event(msgspec.json.encode(told(error)))

    def refuse(self, error: LlmError) -> Reply:
        """See `Front`."""
        return refuse(error)

    def _foreign(self) -> LlmError:
        return LlmError(
            "invalid_request",
            f"the provider of this model has no {self.operation} API",
            code="unsupported_operation",
        )
