"""A chat as a body of Bedrock's Converse API."""

import re
from typing import Any

import msgspec

from torana.llm import chat as c
from torana.llm.dialects import bedrock_wire as wire
from torana.llm.errors import LlmError

_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_CHOICES = {"auto": "auto", "required": "any", "tool": "tool"}
_UNNAMEABLE = re.compile(r"[^A-Za-z0-9\s\-()\[\]]+")


def body(chat: c.Chat, model: str) -> bytes:
    """Raises `LlmError`."""
    _refuse_what_it_lacks(chat, model)
    out: dict[str, Any] = {
        "messages": [
            wire.Turn(message.role, [_block(part) for part in message.parts])
            for message in chat.messages
            if message.parts
        ]
    }
    if chat.system:
        out["system"] = [{"text": chat.system}]
    how = wire.Inference(chat.max_tokens, chat.temperature, chat.top_p, list(chat.stop) or None)
    if how != wire.Inference():
        out["inferenceConfig"] = how
    if chat.tools and (chat.tool_choice is None or chat.tool_choice.mode != "none"):
        out["toolConfig"] = _tools(chat)
    more: dict[str, Any] = {}
    if chat.top_k is not None:
        more["top_k"] = chat.top_k
    if chat.thinking_tokens:
        more["thinking"] = {"type": "enabled", "budget_tokens": chat.thinking_tokens}
    if more:
        out["additionalModelRequestFields"] = more
    config = _output(chat)
    if config:
        out["outputConfig"] = config
    return msgspec.json.encode(out)


def _refuse_what_it_lacks(chat: c.Chat, model: str) -> None:
    lacking = list(chat.only)
    lacking += ["frequency_penalty"] if chat.frequency_penalty else []
    lacking += ["presence_penalty"] if chat.presence_penalty else []
    lacking += ["seed"] if chat.seed is not None else []
    choice = chat.tool_choice
    lacking += ["parallel_tool_calls"] if choice and choice.parallel is False else []
    if chat.format is not None and chat.format.schema is None:
        lacking.append("response_format without a schema")
    if "anthropic" not in model:
        lacking += ["top_k"] if chat.top_k is not None else []
        lacking += ["a thinking budget"] if chat.thinking_tokens else []
    if lacking:
        raise LlmError(
            "invalid_request",
            f"{model} is behind Bedrock's Converse API, which has no {', '.join(lacking)}: leave "
            "it out, or choose a model whose provider has it",
            param=lacking[0],
        )


def _output(chat: c.Chat) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if chat.format is not None and chat.format.schema is not None:
        schema = msgspec.json.encode(chat.format.schema).decode()
        named = {"schema": schema, "name": chat.format.name}
        config["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": named}}
    if chat.effort and chat.effort != "none":
        config["effort"] = chat.effort
    return config


def _tools(chat: c.Chat) -> dict[str, Any]:
    empty = {"type": "object", "properties": dict[str, Any]()}
    specs = [
        {
            "toolSpec": wire.Spec(
                t.name, {"json": t.schema or empty}, t.description or None, t.strict
            )
        }
        for t in chat.tools
    ]
    config: dict[str, Any] = {"tools": specs}
    if chat.tool_choice is not None:
        mode = _CHOICES[chat.tool_choice.mode]
        config["toolChoice"] = {mode: {"name": chat.tool_choice.name} if mode == "tool" else {}}
    return config


def _block(part: c.Part) -> wire.Block:
    match part:
        case c.Text():
            return wire.Block(part.text)
        case c.Image():
            return wire.Block(image=_image(part))
        case c.File():
            return wire.Block(document=_document(part))
        case c.Thinking():
            if part.sealed:
                return wire.Block(reasoning_content=wire.Reasoning(redacted_content=part.sealed))
            reason = wire.Reason(part.text, part.signature or None)
            return wire.Block(reasoning_content=wire.Reasoning(reason))
        case c.ToolUse():
            return wire.Block(tool_use=wire.Use(part.id, part.name, _input(part)))
        case c.ToolResult():
            shown = [
                wire.ResultBlock(each.text)
                if isinstance(each, c.Text)
                else wire.ResultBlock(image=_image(each))
                for each in part.parts
            ]
            status = "error" if part.failed else None
            return wire.Block(tool_result=wire.Result(part.id, shown, status))


def _image(image: c.Image) -> wire.Media:
    if image.url:
        raise LlmError("invalid_request", "Bedrock wants an image's bytes, not its address")
    kind = image.media_type.partition("/")[2]
    return wire.Media("jpeg" if kind == "jpg" else kind, wire.Bytes(image.data))


def _document(file: c.File) -> wire.Media:
    kind = _DOCUMENTS.get(file.media_type)
    if kind is None:
        raise LlmError("invalid_request", f"Bedrock reads no documents of type {file.media_type}")
    name = " ".join(_UNNAMEABLE.sub(" ", file.name).split())
    return wire.Media(kind, wire.Bytes(file.data), name[:200] or "document")


def _input(use: c.ToolUse) -> Any:
    try:
        return msgspec.json.decode(use.arguments or "{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError(
            "invalid_request", f"the arguments of tool call {use.id} are not JSON: {error}"
        ) from error
