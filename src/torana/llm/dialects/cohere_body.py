"""A chat as a body of Cohere's API."""

from typing import Any

import msgspec

from torana.llm import chat as c
from torana.llm.dialects import cohere_wire as wire
from torana.llm.errors import LlmError

EFFORTS = {"minimal": 512, "low": 1024, "medium": 4096, "high": 16384}
"""Tokens to reason with."""


def body(chat: c.Chat, model: str) -> bytes:
    """Raises `LlmError`."""
    _refuse_what_it_lacks(chat, model)
    messages = [wire.Said("system", chat.system)] if chat.system else []
    for message in chat.messages:
        messages.extend(_assistant(message) if message.role == "assistant" else _user(message))
    format = chat.format
    given = {
        "model": model,
        "messages": messages,
        "max_tokens": chat.max_tokens,
        "temperature": chat.temperature,
        "p": chat.top_p,
        "k": chat.top_k,
        "stop_sequences": list(chat.stop) or None,
        "seed": chat.seed,
        "frequency_penalty": chat.frequency_penalty,
        "presence_penalty": chat.presence_penalty,
        "thinking": _thinking(chat),
        "response_format": format and wire.Format("json_object", format.schema),
        "stream": chat.stream or None,
        **_tools(chat),
    }
    return msgspec.json.encode({name: value for name, value in given.items() if value is not None})


def _refuse_what_it_lacks(chat: c.Chat, model: str) -> None:
    lacking = list(chat.only)
    if chat.tool_choice is not None and chat.tool_choice.parallel is False and chat.tools:
        lacking.append("parallel_tool_calls")
    if lacking:
        raise LlmError(
            "invalid_request",
            f"{model} is behind Cohere's API, which has no {', '.join(lacking)}: leave it out, "
            "or choose a model whose provider has it",
            param=lacking[0],
        )


def _thinking(chat: c.Chat) -> wire.Thinking | None:
    budget = chat.thinking_tokens
    if budget is None and chat.effort:
        budget = 0 if chat.effort == "none" else EFFORTS.get(chat.effort)
    if budget is None:
        return None
    return wire.Thinking("enabled", budget) if budget else wire.Thinking("disabled")


def _tools(chat: c.Chat) -> dict[str, Any]:
    """This API demands any tool, or none: one that is named is demanded by offering no other."""
    choice = chat.tool_choice or c.ToolChoice()
    offered = [each for each in chat.tools if choice.mode != "tool" or each.name == choice.name]
    if not offered:
        return {}
    out: dict[str, Any] = {"tools": [_tool(each) for each in offered]}
    if choice.mode != "auto":
        out["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"
    if any(each.strict for each in offered):
        out["strict_tools"] = True
    return out


def _tool(tool: c.Tool) -> wire.Offered:
    schema = tool.schema or {"type": "object", "properties": dict[str, Any]()}
    return wire.Offered(
        wire.Function(tool.name, description=tool.description or None, parameters=schema)
    )


def _assistant(message: c.Message) -> list[wire.Said]:
    """What is said before tools are called is the plan. Reasoning stays behind: it is another
    provider's."""
    text = "".join(part.text for part in message.parts if isinstance(part, c.Text)) or None
    calls = [
        wire.Called(part.id, "function", wire.Function(part.name, part.arguments or "{}"))
        for part in message.parts
        if isinstance(part, c.ToolUse)
    ]
    if calls:
        return [wire.Said("assistant", tool_calls=calls, tool_plan=text)]
    return [wire.Said("assistant", text)] if text else []


def _user(message: c.Message) -> list[wire.Said]:
    turns: list[wire.Said] = []
    content: list[wire.Block] = []
    for part in message.parts:
        match part:
            case c.ToolResult():
                if any(isinstance(each, c.Image) for each in part.parts):
                    raise LlmError("invalid_request", "Cohere's API takes no images from a tool")
                shown = "".join(each.text for each in part.parts if isinstance(each, c.Text))
                turns.append(wire.Said("tool", shown, tool_call_id=part.id))
            case c.Text():
                content.append(wire.Block("text", part.text))
            case c.Image():
                url = part.url or f"data:{part.media_type};base64,{part.data}"
                content.append(wire.Block("image_url", image_url={"url": url}))
            case c.File():
                raise LlmError("invalid_request", "Cohere's API takes no files")
            case _:
                raise LlmError("invalid_request", "a user's turn holds what only models write")
    if len(content) == 1 and content[0].text is not None:
        turns.append(wire.Said("user", content[0].text))
    elif content:
        turns.append(wire.Said("user", content))
    return turns
