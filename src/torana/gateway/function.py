"""Calling a Lambda function, through the Lambda service of this gateway or of AWS."""

import re
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote

from torana.gateway.address import with_stage_variables
from torana.gateway.aws_uri import parse
from torana.gateway.contract import AwsCall, Compiled, Context
from torana.gateway.errors import InvalidApi
from torana.message import Body, Headers, Reply, Request

_WHOLE = re.compile(r"/2015-03-31/functions/(?P<function>[^/]+)/invocations")
_STREAMED = re.compile(r"/2021-11-15/functions/(?P<function>[^/]+)/response-streaming-invocations")
_HEADERS = [("Content-Type", "application/json"), ("Host", "lambda")]


class Function:
    """A function by its integration address."""

    def __init__(
        self,
        to: Compiled,
        uri: str,
        credentials: str | None,
        timeout: float,
        *,
        streamed: bool,
        source: str = "",
    ) -> None:
        """`timeout` in seconds; `source`: the ARN of what calls, the method's if empty.
        Raises `InvalidApi`."""
        parts = parse(with_stage_variables(uri, to.stage.variables))
        pattern = _STREAMED if streamed else _WHOLE
        found = pattern.fullmatch(parts.target)
        if parts.service != "lambda" or found is None:
            form = pattern.pattern.replace("(?P<function>[^/]+)", "{function ARN}")
            raise InvalidApi(f"{uri!r} must be arn:aws:apigateway:{{region}}:lambda:path{form}")
        self._target = parts.target.replace(found["function"], quote(found["function"], safe=""))
        self._region, self._credentials, self._timeout = parts.region, credentials, timeout
        self._call, self._to, self._source = to.ports.aws, to, source

    async def __call__(self, ctx: Context, payload: bytes) -> Reply:
        """The service's reply. Raises `TimeoutError` and `ConnectionError`."""
        fields = Headers([*_HEADERS, ("X-Amzn-Trace-Id", ctx.trace_id)])
        request = Request("POST", self._target, fields, payload, ctx.request.peer)
        trace = ctx.trace
        if trace is not None:
            trace.address = f"https://lambda.{self._region}.amazonaws.com{self._target}"
            trace.sent = request
        reply = await self._call(
            AwsCall(
                "lambda",
                self._region,
                "",
                request,
                self._credentials,
                self._timeout,
                source=self._source or method_arn(ctx, self._to),
                caller=ctx.principal.identity,
            )
        )
        if trace is not None:
            trace.got = reply
        return reply


def method_arn(ctx: Context, to: Compiled) -> str:
    """What calls, as policies of functions name it: the method, not the request's own path."""
    stage, path = to.stage.stage_name, to.method.path
    # Routes such as `$default` have no method.
    verb = ctx.request.method if path.startswith("/") and ctx.socket is None else ""
    return to.arn(f"{stage}/{verb}{path}")


def sources(to: Compiled) -> Callable[[Context], str]:
    """`method_arn`, worked out once for the verb that the method has."""
    path, usual = to.method.path, to.method.http_method
    known = to.arn(f"{to.stage.stage_name}/{usual}{path}") if path.startswith("/") else None

    def source(ctx: Context) -> str:
        own = ctx.request.method == usual and ctx.socket is None
        return known if known is not None and own else method_arn(ctx, to)

    return source


async def chunks(body: Body) -> AsyncIterator[bytes]:
    """What a function streams, out of the event stream that it comes in.

    Raises `ConnectionError` when the function broke off, and what the stream raises.
    Source: the event stream encoding of Amazon's SDKs.
    """
    waiting = bytearray()
    async for piece in _pieces(body):
        waiting += piece
        while len(waiting) >= 12:
            total = int.from_bytes(waiting[:4], "big")
            if not 16 <= total <= _LONGEST:
                raise ConnectionError("the event stream is not one")
            if len(waiting) < total:
                break
            message = bytes(waiting[:total])
            del waiting[:total]
            body_at = 12 + int.from_bytes(message[4:8], "big")
            payload = message[body_at:-4]
            if b"\x00\x0cPayloadChunk" in message[12:body_at]:
                if payload:
                    yield payload
            elif b'"ErrorCode"' in payload:
                raise ConnectionError("the function broke off its stream")
            else:
                return
    raise ConnectionError("the event stream ended too early")


_LONGEST = 17 * 1024 * 1024
"""Bytes of a message."""


async def _pieces(body: Body) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    try:
        async for piece in body:
            yield piece
    finally:
        await body.aclose()
