"""What is counted where a provider cannot count: the words of a chat."""

import msgspec

from torana.llm.chat import Chat, Part, Text, Thinking, ToolResult, ToolUse
from torana.llm.errors import LlmError


def words(chat: Chat) -> tuple[str, int]:
    """Its text, tools and calls among it, and how many messages they are in. Raises `LlmError` for
    pictures and documents: only their model knows what they count."""
    said = [chat.system] if chat.system else []
    said += [msgspec.json.encode(each).decode() for each in chat.tools]
    said += [_shown(part) for message in chat.messages for part in message.parts]
    return "\n".join(said), len(chat.messages) + bool(chat.system)


def _shown(part: Part) -> str:
    match part:
        case Text() | Thinking():
            return part.text
        case ToolUse():
            return f"{part.name} {part.arguments}"
        case ToolResult():
            return "\n".join(_shown(each) for each in part.parts)
        case _:
            raise LlmError(
                "invalid_request",
                "the provider of this model has no counter, and only words can be estimated",
                code="unsupported_operation",
            )
