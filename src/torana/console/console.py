"""The console's addresses: the page, its files, who is signed in, and what they ask for."""

import base64
import logging
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any
from urllib.parse import quote, unquote

from torana.app.insight import Insight
from torana.auth.grants import decide, refusal
from torana.auth.policy import Question
from torana.console.door import Door, Entrant
from torana.console.live import Live
from torana.console.refused import Refused, as_json, body_of
from torana.console.service_calls import ServiceCalls
from torana.console.sessions import Sessions
from torana.console.static_files import StaticFiles
from torana.message import Headers, Reply, Request
from torana.services.lambda_.code import CODE
from torana.state.store import StoreUnavailable
from torana.wire.faults import ServiceError

_log = logging.getLogger("torana.console")

_PARAMS = 32 * 1024 * 1024
"""Bytes of a call's parameters: pictures and archives travel within, in base64."""
_LLM_DESK = "/llm/v1/"

Answer = Callable[[Entrant, Request, list[str]], Awaitable[Reply]]

_NEEDED = {
    ("GET", "live"): "cloudwatch:GetMetricData",
    ("GET", "served"): "apigateway:GET",
    ("GET", "llm"): "bedrock:ListFoundationModels",
    ("POST", "llm"): "bedrock:InvokeModel",
    ("POST", "evaluations"): "bedrock:InvokeModel",
    ("GET", "desk"): "torana:ReadLlmKeys",
    ("POST", "desk"): "torana:WriteLlmKeys",
    ("PATCH", "desk"): "torana:WriteLlmKeys",
    ("DELETE", "desk"): "torana:WriteLlmKeys",
}
"""Permissions for what is no operation of a service. The others see to theirs."""
_RECORDED = frozenset({"desk", "evaluations", "llm"})
"""What goes on record here. Calls of services do so where they are answered."""


class Console:
    """Implements `Site`."""

    def __init__(self, insight: Insight) -> None:
        self._insight = insight
        self._files = StaticFiles()
        self._door = Door(Sessions(insight.store), insight.find)
        self._calls = ServiceCalls(insight.services, insight.names, insight.settings.region)
        self._live = Live(insight.snapshots)
        self._answers: dict[tuple[str, str], Answer] = {
            ("GET", "live"): self._stream,
            ("GET", "served"): self._served,
            ("GET", "definition"): self._definition,
            ("GET", "code"): self._code,
            ("POST", "api"): self._call,
            ("GET", "llm"): self._llm_models,
            ("POST", "llm"): self._ask_llm,
            ("POST", "evaluations"): self._evaluate,
            ("GET", "desk"): self._desk,
            ("POST", "desk"): self._desk,
            ("PATCH", "desk"): self._desk,
            ("DELETE", "desk"): self._desk,
        }

    async def __call__(self, request: Request) -> Reply:
        """Answer whatever is below `/console`."""
        try:
            return await self._answer(request)
        except Refused as error:
            return error.reply()
        except StoreUnavailable:
            return Refused(503, "Unavailable", "The store does not answer").reply()
        except Exception:  # noqa: BLE001 - the boundary: a fault in one request stays there
            _log.exception("%s %s failed", request.method, request.target.partition("?")[0])
            return Refused(500, "InternalFailure", "Internal error").reply()

    async def aclose(self) -> None:
        """End the streams, so that the listener can drain."""
        await self._live.aclose()
        self._calls.close()

    async def _answer(self, request: Request) -> Reply:
        path = request.target.partition("?")[0].removeprefix("/console").strip("/")
        head, *rest = [unquote(part) for part in path.split("/")]
        if (request.method, head) == ("GET", "session"):
            return await self._session(request)
        if (request.method, head) == ("POST", "session"):
            return self._heard(request, await self._door.sign_in(request), "")
        if (request.method, head) == ("DELETE", "session"):
            return self._heard(request, await self._door.sign_out(request), "")
        answer = self._answers.get((request.method, head))
        if answer is not None:
            who = await self._door.enter(request)
            _allow(who, _NEEDED.get((request.method, head)))
            reply = await answer(who, request, rest)
            recorded = head in _RECORDED
            arn = who.credential.principal.arn
            return self._heard(request, reply, arn) if recorded else reply
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "MethodNotAllowed", f"{request.method} is not allowed here")
        if head == "assets":
            reply = self._files.file(request, "/".join(rest))
            if reply is None:
                raise Refused(404, "NotFound", "There is no such file")
            return reply
        return self._files.page("index.html", "/console")

    def _heard(self, request: Request, reply: Reply, arn: str) -> Reply:
        self._insight.heard(request, reply, "console", arn)
        return reply

    async def _session(self, request: Request) -> Reply:
        """Who is signed in and what there is; null for who is not."""
        try:
            who = await self._door.enter(request)
        except Refused as error:
            if error.status != 401:
                raise
            return as_json(None)
        settings, insight = self._insight.settings, self._insight
        self._live.begin()
        return as_json(
            {
                "arn": who.credential.principal.arn,
                "accessKeyId": who.credential.access_key_id,
                "account": settings.account,
                "region": settings.region,
                "csrf": who.csrf,
                "ends": who.session.ends(),
                "front": insight.front(),
                "suffix": settings.domain_suffix,
                "services": sorted(insight.names()),
                "llm": insight.llm is not None,
                "version": version("torana"),
            }
        )

    async def _stream(self, who: Entrant, request: Request, rest: list[str]) -> Reply:
        return self._live.stream()

    async def _served(self, who: Entrant, request: Request, rest: list[str]) -> Reply:
        return as_json({"stages": self._insight.served()})

    async def _definition(self, who: Entrant, request: Request, rest: list[str]) -> Reply:
        """An API as OpenAPI, now (`draft`) or as it was deployed, for who may read it."""
        if len(rest) != 2:
            raise Refused(404, "NotFound", "Ask for /console/definition/{api}/{deployment}")
        api_id, deployment = rest
        ask: dict[str, Any] = {"restApiId": api_id}
        operation = "GetRestApi"
        if deployment != "draft":
            ask["deploymentId"], operation = deployment, "GetDeployment"
        await self._calls(who.credential, request.peer, "apigateway", operation, ask)
        try:
            text = await self._insight.definition(api_id, ask.get("deploymentId"))
        except ServiceError as error:
            raise Refused(error.status or 400, error.code, error.message) from None
        if text is None:
            raise Refused(404, "NotFoundException", "There is no such deployment")
        return as_json({"text": text})

    async def _code(self, who: Entrant, request: Request, rest: list[str]) -> Reply:
        """A function's zip, for who may read the function."""
        ask = {"FunctionName": "/".join(rest)}
        found = await self._calls(who.credential, request.peer, "lambda", "GetFunction", ask)
        digest = base64.b64decode(found["Configuration"].get("CodeSha256") or "").hex()
        kept = await self._insight.store.get(CODE, digest) if digest else None
        if kept is None:
            raise Refused(404, "NotFound", "The settings name this function's folder")
        fields = [("Content-Type", "application/zip"), ("Cache-Control", "no-store")]
        return Reply(200, Headers(fields), kept.body)

    async def _call(self, who: Entrant, request: Request, rest: list[str]) -> Reply:
        if len(rest) != 2:
            raise Refused(404, "NotFound", "Ask for /console/api/{service}/{Operation}")
        params = await body_of(request, _PARAMS)
        service, operation = rest
        called = self._calls(who.credential, request.peer, service, operation, params)
        return as_json(await called)

    async def _llm_models(self, who: Entrant, request: Request, rest: list[str]) -> Reply:
        """What the settings say, without anything secret."""
        settings = self._insight.settings.llm
        models: dict[str, Any] = {
            name: {
                "targets": [f"{each.provider}/{each.model}" for each in model.targets],
                "fallbacks": model.fallbacks,
                "routing": model.routing,
                "guardrails": model.guardrails,
                "cacheSeconds": model.cache_seconds,
            }
            for name, model in settings.models.items()
        }
        providers = {
            name: {"type": each.type, "baseUrl": each.base_url}
            for name, each in settings.providers.items()
        }
        return as_json(
            {
                "models": models,
                "providers": providers,
                "teams": settings.teams,
                "keys": sorted(settings.keys),
            }
        )

    async def _ask_llm(self, who: Entrant, request: Request, rest: list[str]) -> Reply:
        llm = self._insight.llm
        if llm is None:
            raise Refused(404, "NoModels", "No models are declared in the settings")
        asked = Request(
            request.method,
            "/" + "/".join(rest),
            Headers([("Content-Type", request.headers.get("content-type") or "application/json")]),
            request.body,
            request.peer,
        )
        name = who.credential.principal.arn.rpartition(":")[2]
        return await llm.ask(asked, f"console/{name}")

    async def _evaluate(self, who: Entrant, request: Request, rest: list[str]) -> Reply:
        """Versions of a prompt side by side."""
        if len(rest) != 1:
            raise Refused(404, "NotFound", "Ask for /console/evaluations/{prompt}")
        return await self._at_desk(request, f"prompts/{quote(rest[0], safe='')}/evaluations")

    async def _desk(self, who: Entrant, request: Request, rest: list[str]) -> Reply:
        """Virtual keys and what they used."""
        return await self._at_desk(request, request.target.partition("/console/desk/")[2])

    async def _at_desk(self, request: Request, place: str) -> Reply:
        llm = self._insight.llm
        if llm is None:
            raise Refused(404, "NoModels", "No models are declared in the settings")
        target = _LLM_DESK + place
        return await llm.desk(
            Request(request.method, target, request.headers, request.body, request.peer)
        )


def _allow(who: Entrant, action: str | None) -> None:
    """Raises `Refused`."""
    if action is None:
        return
    principal = who.credential.principal
    verdict = decide(principal.grants, Question(action, "*", principal.caller))
    if not verdict.allowed:
        message = refusal(principal.arn, action, "*", verdict)
        raise Refused(403, "AccessDeniedException", message)
