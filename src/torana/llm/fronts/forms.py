"""APIs whose bodies are forms with files: transcriptions, translations, edits of pictures.

Source: OpenAI API reference, "Audio", "Images".
"""

from torana.llm.dialect import Peek
from torana.llm.errors import LlmError
from torana.llm.forms import values
from torana.llm.fronts.passed import Passed


class Form(Passed):
    """Implements `Front`. Bodies pass as they are, but for the model's name."""

    def peek(self, body: bytes, path: str) -> Peek:
        """See `Front`."""
        given = values(body)
        if "model" not in given:
            raise LlmError("invalid_request", "you must provide a model parameter", param="model")
        return Peek(given["model"], given.get("stream", "").lower() == "true", 0)
