"""The access log's lines, against the value of each variable asked for by itself."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import api, mock, ports
from torana.gateway.access_line import JSON_FORMAT, access_line
from torana.gateway.contract import Compiled, Context, Principal, SocketEvent
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.variables import CONTEXT, ERROR, IDENTITY, INTEGRATION, WAF, getter, text
from torana.message import Headers, Peer, Request
from torana.model.rest import Stage
from torana.net.client import HttpClient

TABLES = {"error": ERROR, "identity": IDENTITY, "integration": INTEGRATION, "waf": WAF}
NAMES = [
    *sorted(CONTEXT.keys() - TABLES.keys()),
    *(f"{first}.{name}" for first, table in TABLES.items() for name in sorted(table)),
    *("authorizer.claims", "authorizer.n", "identity.clientCert.subjectDN", "error.no"),
]
WORDS = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from('"\\{}\n\r\t\x00\x1f\x7f%\u2028\ufeff'),
    max_size=12,
)
PIECES = st.lists(st.sampled_from(NAMES).map("$context.{}".format) | WORDS, max_size=12)
AT = st.floats(0, 4e9)


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    word = lambda: draw(WORDS)  # noqa: E731
    stage = Stage(word(), deployment_id=word())
    method = mock(path="/" + word())
    to = Compiled(
        api(method), stage, method, ports(HttpClient()), draw(st.booleans()), route_key=word()
    )
    headers = Headers([("User-Agent", word())] if draw(st.booleans()) else [])
    request = Request(word(), "/", headers, peer=Peer(word()), version=word(), received=draw(AT))
    ctx = Context(request, to, "4f1c-id", "/", "", {}, {}, full_path=word(), domain=word())
    ctx.api_key_id, ctx.api_key, ctx.trace_id = word(), word(), word()
    ctx.status, ctx.integration_status = draw(st.sampled_from([(0, 0), (200, 201), (502, 0)]))
    ctx.integration_latency = draw(st.just(-1.0) | st.floats(0, 900))
    ctx.finished, ctx.response_length = draw(AT), draw(st.integers(0, 1 << 40))
    ctx.error = draw(st.none() | WORDS.map(lambda w: GatewayError("DEFAULT_5XX", w, detail=w)))
    ctx.web_acl = (word(), draw(st.sampled_from(["", "ALLOW"])))
    said = {"n": draw(st.integers() | st.floats() | st.booleans() | WORDS), "user": word()}
    ctx.principal = Principal(word(), said)
    if draw(st.booleans()):
        ctx.socket = SocketEvent("MESSAGE", word(), word(), 1, word(), 1000, word())
    return ctx


def one(name: str, ctx: Context) -> str:
    value: Any = getter(name)(ctx)
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()[1:-1] or "-"
    return text(value) or "-"


def generally(format: str, ctx: Context) -> str:
    names = re.compile(r"\$context\.([A-Za-z][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*)")
    return names.sub(lambda found: one(found[1], ctx), format.replace("\n", " "))


@given(PIECES, contexts())
def test_a_line_has_every_variables_text(pieces: list[str], ctx: Context) -> None:
    format = " ".join(pieces)
    assert access_line(format, ctx.to)(ctx) == generally(format, ctx)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(ctx=contexts())
def test_each_variable_is_written_as_it_is_escaped(name: str, ctx: Context) -> None:
    assert access_line(f"<$context.{name}>", ctx.to)(ctx) == f"<{one(name, ctx)}>"


@given(contexts())
def test_no_request_breaks_a_line_or_forges_a_member(ctx: Context) -> None:
    said = access_line(JSON_FORMAT, ctx.to)(ctx)
    assert "\n" not in said
    assert list(msgspec.json.decode(said)) == list(msgspec.json.decode(JSON_FORMAT))


@given(contexts())
def test_a_variable_that_does_not_exist_is_refused(ctx: Context) -> None:
    with pytest.raises(InvalidApi, match=r"no variable \$context\.nothing"):
        access_line("$context.nothing", ctx.to)
