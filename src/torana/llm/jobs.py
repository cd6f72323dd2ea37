"""`/v1/files` and `/v1/batches`, as OpenAI's clients call them."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote

import msgspec

from torana.llm.batch_run import BatchRunner
from torana.llm.batches import Batches, Wanted
from torana.llm.errors import LlmError, told
from torana.llm.files import PURPOSES, Files, one, shown
from torana.llm.forms import file_of, values
from torana.llm.fronts.openai_errors import refuse
from torana.llm.keys import Key, Keys, identify
from torana.message import BodyTooLarge, Continued, Headers, Reply, Request, read

_log = logging.getLogger("torana.llm")

_LIMIT = 100 * 1024 * 1024
"""Bytes of a file."""
_PATH = re.compile(r"/v1/(files|batches)(?:/([A-Za-z0-9_-]{1,64})(?:/(content|cancel))?)?")
T = TypeVar("T")

Asked = tuple[Request, Key, str]
"""A request, whose it is, and the id that it names."""


class Jobs:
    """Implements the front door's `Beside`."""

    def __init__(
        self, keys: Callable[[], Keys], files: Files, batches: Batches, runner: BatchRunner | None
    ) -> None:
        """`runner`: of this process; None: another one's looks for what is new."""
        self._keys, self._files, self._batches, self._runner = keys, files, batches, runner
        self._table: dict[tuple[str, str, bool, str], Callable[[Asked], Awaitable[Reply]]] = {
            ("POST", "files", False, ""): self._upload,
            ("GET", "files", False, ""): self._list_files,
            ("GET", "files", True, ""): self._file,
            ("GET", "files", True, "content"): self._content,
            ("DELETE", "files", True, ""): self._delete,
            ("POST", "batches", False, ""): self._create,
            ("GET", "batches", False, ""): self._list_batches,
            ("GET", "batches", True, ""): self._batch,
            ("POST", "batches", True, "cancel"): self._cancel,
        }

    surface = "llm"

    def takes(self, path: str) -> bool:
        """See `Beside`."""
        return path.startswith(("/v1/files", "/v1/batches")) and _PATH.fullmatch(path) is not None

    async def __call__(self, request: Request) -> Reply:
        """Answer a request."""
        found = _PATH.fullmatch(request.target.partition("?")[0])
        kind, id, action = found.groups() if found else ("", None, None)
        try:
            key = identify(self._keys(), request.headers)
            answer = self._table.get((request.method, kind, id is not None, action or ""))
            if answer is None:
                raise LlmError("invalid_request", f"{request.method} is not allowed", status=405)
            return await answer((request, key, id or ""))
        except LlmError as error:
            return told(refuse(error), error)
        except Exception:  # noqa: BLE001 - the boundary: a fault in one request stays there
            _log.exception("%s failed", request.target)
            return refuse(LlmError("internal", "Internal error"))

    async def _upload(self, asked: Asked) -> Reply:
        body = await _read(asked[0])
        given, file = values(body), file_of(body, "file")
        purpose = given.get("purpose", "")
        if purpose not in PURPOSES:
            text = f"'{purpose[:50]}' is not one of {', '.join(PURPOSES)}."
            raise LlmError("invalid_request", text, param="purpose")
        if file is None or not file[1]:
            raise LlmError("invalid_request", "'file' is missing or empty.", param="file")
        name = file[0][-255:] or "file"
        return _json(await self._files.put(asked[1].name, name, purpose, one(file[1])))

    async def _list_files(self, asked: Asked) -> Reply:
        query = _query(asked[0])
        found = [shown(each) for each in await self._files.listed(asked[1].name)]
        purpose = query.get("purpose")
        found = [each for each in found if purpose in (None, each["purpose"])]
        return _json(_page(found, query, 10000))

    async def _file(self, asked: Asked) -> Reply:
        return _json(shown(await self._files.find(asked[1].name, asked[2])))

    async def _content(self, asked: Asked) -> Reply:
        found = await self._files.find(asked[1].name, asked[2])
        fields = [("Content-Type", "application/octet-stream")]
        fields.append(("Content-Length", str(found.size)))
        return Reply(200, Headers(fields), Continued(b"", self._files.read(found)))

    async def _delete(self, asked: Asked) -> Reply:
        found = await self._files.find(asked[1].name, asked[2])
        await self._files.delete(found.key)
        return _json({"id": asked[2], "object": "file", "deleted": True})

    async def _create(self, asked: Asked) -> Reply:
        wanted = _decoded(await _read(asked[0]), Wanted)
        made = await self._batches.create(asked[1].name, wanted)
        if self._runner is not None:
            self._runner.wake()
        return _json(made.shown())

    async def _list_batches(self, asked: Asked) -> Reply:
        mine = [each async for each in self._batches.all() if each.owner == asked[1].name]
        mine.sort(key=lambda each: (each.created_at, each.id), reverse=True)
        return _json(_page([each.shown() for each in mine], _query(asked[0]), 100))

    async def _batch(self, asked: Asked) -> Reply:
        return _json((await self._batches.get(asked[2], asked[1].name)).shown())

    async def _cancel(self, asked: Asked) -> Reply:
        return _json((await self._batches.cancel(asked[2], asked[1].name)).shown())


async def _read(request: Request) -> bytes:
    try:
        return await read(request.body, _LIMIT)
    except BodyTooLarge as error:
        raise LlmError("too_large", f"The body is over {_LIMIT} bytes.") from error
    except (TimeoutError, ConnectionError) as error:
        raise LlmError("invalid_request", "The body did not come whole.") from error


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LlmError("invalid_request", f"Invalid request: {error}") from error


def _query(request: Request) -> dict[str, str]:
    return {name: unquote(value) for name, value in parse_qsl(request.target.partition("?")[2])}


def _page(found: list[Any], query: dict[str, str], most: int) -> dict[str, Any]:
    """Behind `after`, at most `limit`."""
    after, limit = query.get("after"), query.get("limit", "")
    ids = [each["id"] for each in found]
    start = ids.index(after) + 1 if after in ids else 0
    end = start + min(int(limit) if limit.isdigit() and int(limit) else 20, most)
    page = found[start:end]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": end < len(found),
    }


def _json(value: object) -> Reply:
    headers = Headers([("Content-Type", "application/json")])
    return Reply(200, headers, msgspec.json.encode(value))
