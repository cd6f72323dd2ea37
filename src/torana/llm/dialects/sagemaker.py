"""Models behind Amazon SageMaker endpoints, whose containers speak OpenAI's Chat Completions (vLLM,
TGI, LMI, SGLang).

Source: Amazon SageMaker Runtime API reference, "InvokeEndpoint",
"InvokeEndpointWithResponseStream"; SageMaker AI developer guide, "Messages API".
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from torana.llm import chat as c
from torana.llm.dialect import Exchange
from torana.llm.dialects.openai import OpenAi
from torana.llm.errors import LlmError, kind_of
from torana.llm.sse import Events
from torana.wire.event_stream import MEDIA_TYPE, Frame, Frames, MalformedFrame


class _Fault(Struct, rename="pascal"):
    message: str = ""
    original_message: str = ""
    original_status_code: int = 0


_fault = msgspec.json.Decoder(_Fault)


class SageMaker(OpenAi):
    """Implements `Dialect`. A model is an endpoint, or `ENDPOINT/NAME` where the container serves
    it under a name of its own."""

    name = "sagemaker"
    exchanges: ClassVar[Mapping[str, Exchange]] = {}
    stream_type: ClassVar[str] = MEDIA_TYPE
    usage_alone: ClassVar[bool] = False

    def path(self, operation: str, model: str, stream: bool) -> str | None:
        """See `Dialect`."""
        if operation != "chat":
            return None
        endpoint = quote(model.partition("/")[0], safe="")
        action = "invocations-response-stream" if stream else "invocations"
        return f"/endpoints/{endpoint}/{action}"

    def cutter(self) -> "_Cutter":
        """See `Dialect`."""
        return _Cutter()

    def write(self, chat: c.Chat, model: str) -> bytes:
        """See `Dialect`."""
        endpoint, _, served = model.partition("/")
        return super().write(chat, served or endpoint)

    def refusal(self, status: int, body: bytes) -> LlmError:
        """See `Dialect`. A container's own error is within SageMaker's."""
        try:
            found = _fault.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return super().refusal(status, body)
        if found.original_status_code:
            return super().refusal(found.original_status_code, found.original_message.encode())
        return LlmError(kind_of(status), found.message or f"the provider answered {status}")


class _Cutter(Events):
    """Frames hold pieces of the container's own stream, cut anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self._frames = Frames()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of the container's events. Raises `ValueError` for damaged frames."""
        for frame in self._frames.feed(piece):
            if frame.headers.get(":message-type") == "event":
                yield from super().feed(frame.payload)
            else:
                yield _told(frame)

    def flush(self) -> Iterator[bytes]:
        """Raises `MalformedFrame` where the stream breaks off."""
        if not self._frames.whole:
            raise MalformedFrame("the stream ends within a frame")
        return super().flush()


def _told(frame: Frame) -> bytes:
    """An exception as the container's API would tell it."""
    headers = frame.headers
    name = headers.get(":exception-type") or headers.get(":error-code") or "InternalStreamFailure"
    try:
        message = _fault.decode(frame.payload or b"{}").message
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = ""
    said = message or headers.get(":error-message") or name
    return msgspec.json.encode({"error": {"message": said, "code": name}})
