"""A chat as a body of Gemini's API."""

from typing import Any

import msgspec

from torana.llm import chat as c
from torana.llm.dialects import gemini_wire as wire
from torana.llm.errors import LlmError

EFFORTS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24576}
"""Tokens to reason with, as Google's own OpenAI-compatible endpoint has it."""
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
_UNSIGNED = "skip_thought_signature_validator"
"""For calls that another provider's model made: Google's documented stand-in for a signature."""


def body(chat: c.Chat, model: str) -> bytes:
    """Raises `LlmError`."""
    _refuse_what_it_lacks(chat, model)
    names = {
        part.id: part.name
        for message in chat.messages
        for part in message.parts
        if isinstance(part, c.ToolUse)
    }
    out: dict[str, Any] = {
        "contents": [
            wire.Content(
                [_part(part, names, model) for part in message.parts],
                "model" if message.role == "assistant" else "user",
            )
            for message in chat.messages
            if message.parts
        ]
    }
    if chat.system:
        out["systemInstruction"] = wire.Content([wire.Part(chat.system)])
    if chat.tools:
        declared = [
            wire.Function(t.name, t.description, parameters_json_schema=t.schema or None)
            for t in chat.tools
        ]
        out["tools"] = [{"functionDeclarations": declared}]
        if chat.tool_choice is not None:
            choice = chat.tool_choice
            calling = wire.Calling(_MODES[choice.mode], [choice.name] if choice.name else None)
            out["toolConfig"] = {"functionCallingConfig": {"mode": calling.mode}}
            if calling.allowed_function_names:
                out["toolConfig"] = wire.ToolConfig(calling)
    out["generationConfig"] = _generation(chat)
    return msgspec.json.encode(out)


def _refuse_what_it_lacks(chat: c.Chat, model: str) -> None:
    lacking = list(chat.only)
    if chat.tool_choice is not None and chat.tool_choice.parallel is False and chat.tools:
        lacking.append("parallel_tool_calls")
    if lacking:
        raise LlmError(
            "invalid_request",
            f"{model} is behind Gemini's API, which has no {', '.join(lacking)}: leave it out, "
            "or choose a model whose provider has it",
            param=lacking[0],
        )


def _generation(chat: c.Chat) -> wire.Generation:
    format = chat.format
    budget = chat.thinking_tokens
    if budget is None and chat.effort:
        budget = EFFORTS.get(chat.effort)
    return wire.Generation(
        chat.max_tokens,
        chat.temperature,
        chat.top_p,
        chat.top_k,
        list(chat.stop) or None,
        None,
        chat.seed,
        chat.presence_penalty,
        chat.frequency_penalty,
        "application/json" if format is not None else None,
        response_json_schema=format.schema if format is not None else None,
        thinking_config=None if budget is None else wire.ThinkingConfig(budget > 0, budget),
    )


def _part(part: c.Part, names: dict[str, str], model: str) -> wire.Part:
    match part:
        case c.Text():
            return wire.Part(part.text)
        case c.Image():
            if part.url:
                return wire.Part(file_data=wire.FileData(part.url, part.media_type))
            return wire.Part(inline_data=wire.Inline(part.media_type, part.data))
        case c.File():
            return wire.Part(inline_data=wire.Inline(part.media_type, part.data))
        case c.Thinking():
            return wire.Part(part.text, thought=True)
        case c.ToolUse():
            signature = _UNSIGNED if model.startswith("gemini-3") else None
            call = wire.Call(part.name, _object(part))
            return wire.Part(function_call=call, thought_signature=signature)
        case c.ToolResult():
            if part.id not in names:
                raise LlmError(
                    "invalid_request", f"the tool result {part.id} answers no call", param=part.id
                )
            return wire.Part(function_response=wire.Returned(names[part.id], _returned(part)))


def _object(use: c.ToolUse) -> dict[str, Any]:
    try:
        return msgspec.json.decode(use.arguments or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError(
            "invalid_request", f"the arguments of tool call {use.id} are no object: {error}"
        ) from error


def _returned(result: c.ToolResult) -> dict[str, Any]:
    if any(isinstance(part, c.Image) for part in result.parts):
        raise LlmError("invalid_request", "Gemini's API takes no images from a tool")
    text = "".join(part.text for part in result.parts if isinstance(part, c.Text))
    return {"error" if result.failed else "output": text}
