"""A chat as a body of OpenAI's Chat Completions."""

from typing import Any

from torana.llm import chat as c
from torana.llm.errors import LlmError


def write(chat: c.Chat, model: str) -> dict[str, Any]:
    """Raises `LlmError` for what this API cannot express."""
    if chat.only:
        raise LlmError(
            "invalid_request",
            f"{model} is behind another API, which has no {', '.join(chat.only)}: leave it "
            "out, or choose a model whose provider has it",
            param=chat.only[0],
        )
    body: dict[str, Any] = {"model": model, "messages": _messages(chat)}
    given = {
        "max_tokens": chat.max_tokens,
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "top_k": chat.top_k,
        "stop": list(chat.stop) or None,
        "seed": chat.seed,
        "frequency_penalty": chat.frequency_penalty,
        "presence_penalty": chat.presence_penalty,
        "reasoning_effort": chat.effort or _effort(chat.thinking_tokens),
        "user": chat.user or None,
    }
    body.update((name, value) for name, value in given.items() if value is not None)
    if chat.tools:
        body["tools"] = [_tool(tool) for tool in chat.tools]
    if chat.tool_choice is not None and chat.tools:
        body.update(_tool_choice(chat.tool_choice))
    if chat.format is not None:
        body["response_format"] = _format(chat.format)
    if chat.stream:
        body["stream"] = True
    return body


def _effort(tokens: int | None) -> str | None:
    """The nearest effort to a bound on reasoning, for clients that name tokens."""
    if not tokens:
        return None
    return "low" if tokens <= 2048 else "medium" if tokens <= 8192 else "high"


def _messages(chat: c.Chat) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    if chat.system:
        said.append({"role": "system", "content": chat.system})
    for message in chat.messages:
        said.extend(_assistant(message) if message.role == "assistant" else _user(message))
    return said


def _assistant(message: c.Message) -> list[dict[str, Any]]:
    """Reasoning is the other provider's own and stays behind."""
    text = "".join(part.text for part in message.parts if isinstance(part, c.Text))
    calls = [
        {
            "id": part.id,
            "type": "function",
            "function": {"name": part.name, "arguments": part.arguments},
        }
        for part in message.parts
        if isinstance(part, c.ToolUse)
    ]
    turn: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        turn["tool_calls"] = calls
    return [turn]


def _user(message: c.Message) -> list[dict[str, Any]]:
    """The results of tools are turns of their own, before what the user says."""
    turns: list[dict[str, Any]] = []
    content: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, c.ToolResult):
            shown = "".join(each.text for each in part.parts if isinstance(each, c.Text))
            turns.append({"role": "tool", "tool_call_id": part.id, "content": shown})
            content.extend(_part(each) for each in part.parts if isinstance(each, c.Image))
        else:
            content.append(_part(part))
    if len(content) == 1 and content[0]["type"] == "text":
        turns.append({"role": "user", "content": content[0]["text"]})
    elif content:
        turns.append({"role": "user", "content": content})
    return turns


def _part(part: c.Part) -> dict[str, Any]:
    match part:
        case c.Text():
            return {"type": "text", "text": part.text}
        case c.Image():
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            return {"type": "image_url", "image_url": {"url": url}}
        case c.File():
            if part.media_type.startswith("audio/"):
                audio = {"data": part.data, "format": part.media_type.partition("/")[2]}
                return {"type": "input_audio", "input_audio": audio}
            data = f"data:{part.media_type};base64,{part.data}"
            return {"type": "file", "file": {"filename": part.name, "file_data": data}}
        case _:
            raise LlmError("invalid_request", "a user's turn holds a part that only models write")


def _tool(tool: c.Tool) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema,
    }
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: c.ToolChoice) -> dict[str, Any]:
    fields: dict[str, Any] = {"tool_choice": choice.mode}
    if choice.mode == "tool":
        fields["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    if choice.parallel is not None:
        fields["parallel_tool_calls"] = choice.parallel
    return fields


def _format(format: c.Format) -> dict[str, Any]:
    if format.schema is None:
        return {"type": "json_object"}
    inner: dict[str, Any] = {"name": format.name, "schema": format.schema}
    if format.strict is not None:
        inner["strict"] = format.strict
    return {"type": "json_schema", "json_schema": inner}
