"""`/llm/v1/…` of the management listener: who may use the LLM API, what it was used for, prompts
side by side, weights of models."""

from pathlib import Path
from urllib.parse import unquote

import msgspec

from torana.app.llm_desk_wire import Refused, answered, body_of
from torana.app.llm_evaluate import BadEvaluation, Bench, Evaluation
from torana.app.llm_register import KINDS, STORED, Register
from torana.app.llm_reports import Reports
from torana.app.llm_weights import WEIGHTS, Weights
from torana.llm.serve import Llm as Api
from torana.llm_settings import Llm
from torana.message import Reply, Request
from torana.sealing import Cover
from torana.state.counters import Counters
from torana.state.store import Conflict, Store


class Desk:
    """Answers those who have shown their credentials."""

    def __init__(
        self,
        api: Api,
        settings: Llm,
        store: Store,
        counters: Counters,
        usage: Path,
        bench: Bench,
        cover: Cover | None = None,
    ) -> None:
        self._bench, self._weights = bench, Weights(api.plan.models, store)
        self._store, self._reports = store, Reports(usage, cover)
        self._register = Register(api, settings, store, counters)

    async def load(self) -> int:
        """Take in what the store has. Gives the revision to follow from."""
        revision = await self._store.revision()
        await self._weights.load()
        await self._register.load()
        return revision

    async def follow(self, revision: int) -> None:
        """Take in what any process changes, for as long as this one runs."""
        async for news in self._store.watch(revision, (*STORED, WEIGHTS)):
            if news.resync:
                await self.load()
                continue
            for each in news.events:
                if each.kind == WEIGHTS:
                    self._weights.take(each)
                else:
                    self._register.take(each)
            self._register.publish()

    async def handle(self, request: Request) -> Reply:
        """Answer a request that has shown its credentials."""
        path, _, query = request.target.partition("?")
        parts = [unquote(part) for part in path.strip("/").split("/")[2:]]
        try:
            if parts[:1] == ["prompts"]:
                return await self._prompts(request, parts[1:])
            if parts[:1] == ["models"]:
                return await self._models(request, parts[1:])
            if parts and parts[0] in KINDS:
                return await self._register.handle(request, parts[0], parts[1:])
            report = await self._reports.handle(parts, query) if request.method == "GET" else None
            if report is None:
                raise Refused(404, f"there is no {request.method} {path}")
            return report
        except Refused as error:
            return answered(error.status, {"message": str(error)})
        except Conflict:
            return answered(409, {"message": "somebody else changed this: read it again"})

    async def _prompts(self, request: Request, parts: list[str]) -> Reply:
        if not parts and request.method == "GET":
            return answered(200, {"prompts": self._bench.listed()})
        if len(parts) != 2 or parts[1] != "evaluations" or request.method != "POST":
            raise Refused(404, f"there is no {request.method} of prompts/{'/'.join(parts)}")
        try:
            asked = msgspec.convert(await body_of(request), Evaluation)
            return answered(200, await self._bench.evaluate(parts[0], asked))
        except (msgspec.ValidationError, BadEvaluation) as error:
            raise Refused(400, str(error)) from error

    async def _models(self, request: Request, parts: list[str]) -> Reply:
        if not parts and request.method == "GET":
            return answered(200, {"models": self._weights.listed()})
        if len(parts) != 2 or parts[1] != "weights" or request.method not in ("PUT", "DELETE"):
            raise Refused(404, f"there is no {request.method} of models/{'/'.join(parts)}")
        given = await body_of(request) if request.method == "PUT" else None
        try:
            return answered(200, await self._weights.change(parts[0], given))
        except (KeyError, ValueError) as error:
            raise Refused(400, str(error.args[0])) from error
