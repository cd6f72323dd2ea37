"""Batches: many questions in a file, answered when there is room; what was accepted is not lost.

A batch is a document of the store; its answers are kept in the object store as they come. Source:
OpenAI API reference, "Batch".
"""

from collections.abc import AsyncIterator
from secrets import token_hex
from typing import Any, Literal

import msgspec
from msgspec import Struct, field, structs

from torana.llm.errors import LlmError
from torana.llm.files import Files, now
from torana.state.store import Change, Conflict, Store

KIND = "llm.batch"
ENDPOINTS = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/moderations",
    "/v1/messages",
)
OPEN = ("validating", "in_progress", "finalizing", "cancelling")
_DAY = 24 * 3600
_TRIES = 20

Status = Literal[
    "validating",
    "failed",
    "in_progress",
    "finalizing",
    "completed",
    "expired",
    "cancelling",
    "cancelled",
]
Json = dict[str, Any]


class Batch(Struct, frozen=True):
    """As it is kept."""

    id: str
    owner: str
    """The key's name."""
    endpoint: str
    input: str
    """A file's id."""
    created_at: int
    status: Status = "validating"
    metadata: dict[str, str] = {}
    total: int = 0
    completed: int = 0
    failed: int = 0
    output: str = ""
    errors_file: str = ""
    errors: tuple[Json, ...] = ()
    """Why it cannot be done."""
    times: dict[str, int] = field(default_factory=dict[str, int])
    """`in_progress_at` and the like."""

    @property
    def expires_at(self) -> int:
        """When what is left is given up."""
        return self.created_at + _DAY

    def shown(self) -> Json:
        """As the API tells it."""
        moments = ("in_progress", "finalizing", "completed", "failed", "expired")
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": {"object": "list", "data": list(self.errors)} if self.errors else None,
            "input_file_id": self.input,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output or None,
            "error_file_id": self.errors_file or None,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "request_counts": {
                "total": self.total,
                "completed": self.completed,
                "failed": self.failed,
            },
            "metadata": self.metadata or None,
            **{f"{each}_at": self.times.get(f"{each}_at") for each in moments},
            "cancelling_at": self.times.get("cancelling_at"),
            "cancelled_at": self.times.get("cancelled_at"),
        }


class Wanted(Struct):
    """What a client asks for."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None


class Batches:
    """Their documents."""

    def __init__(self, store: Store, files: Files) -> None:
        self._store, self._files = store, files

    async def create(self, owner: str, wanted: Wanted) -> Batch:
        """Accept one: it is done from now on, whatever happens. Raises `LlmError`."""
        if wanted.endpoint not in ENDPOINTS:
            raise _bad("endpoint", f"must be one of {', '.join(ENDPOINTS)}")
        if wanted.completion_window != "24h":
            raise _bad("completion_window", "must be '24h'")
        metadata = wanted.metadata or {}
        if len(metadata) > 16 or any(len(k) > 64 or len(v) > 512 for k, v in metadata.items()):
            raise _bad("metadata", "at most 16 pairs of up to 64 and 512 characters")
        await self._files.find(owner, wanted.input_file_id)
        made = Batch(
            f"batch_{token_hex(12)}",
            owner,
            wanted.endpoint,
            wanted.input_file_id,
            now(),
            metadata=metadata,
        )
        await self._store.commit([Change(KIND, made.id, 0, msgspec.json.encode(made))])
        return made

    async def get(self, id: str, owner: str | None = None) -> Batch:
        """Raises `LlmError` for one that is not there, or not the owner's."""
        document = await self._store.get(KIND, id)
        found = None if document is None else msgspec.json.decode(document.body, type=Batch)
        if found is None or owner not in (None, found.owner):
            raise LlmError("not_found", f"No batch found with id '{id}'.")
        return found

    async def all(self) -> AsyncIterator[Batch]:
        """Every key's."""
        async for document in self._store.scan(KIND):
            yield msgspec.json.decode(document.body, type=Batch)

    async def change(self, id: str, *, only: tuple[str, ...] = OPEN, **fields: Any) -> Batch:
        """Change members of one whose status is one of `only`, and note when; one of another
        status stays as it is. Raises `LlmError` when it is gone."""
        for _ in range(_TRIES):
            document = await self._store.get(KIND, id)
            if document is None:
                raise LlmError("not_found", f"No batch found with id '{id}'.")
            found = msgspec.json.decode(document.body, type=Batch)
            if found.status not in only:
                return found
            made = structs.replace(found, **fields)
            if made.status != found.status:
                times = {**found.times, f"{made.status}_at": now()}
                made = structs.replace(made, times=times)
            body = msgspec.json.encode(made)
            try:
                await self._store.commit([Change(KIND, id, document.version, body)])
            except Conflict:
                continue
            return made
        raise LlmError("overloaded", "The batch is being changed: try again.")

    async def cancel(self, id: str, owner: str) -> Batch:
        """Begin nothing more. Raises `LlmError`."""
        found = await self.get(id, owner)
        if found.status not in OPEN:
            text = f"Cannot cancel a batch with status '{found.status}'."
            raise LlmError("invalid_request", text, status=409)
        return await self.change(id, only=("validating", "in_progress"), status="cancelling")


def _bad(what: str, why: str) -> LlmError:
    return LlmError("invalid_request", f"Invalid '{what}': {why}.", param=what)
