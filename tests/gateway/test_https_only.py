"""Who asks in plain text is sent to HTTPS."""

import asyncio
import http.client

import pytest

from tests.net.serving import serving
from torana.gateway.https_only import Handler, strict, to_https
from torana.message import Headers, Reply, Request


def _ask(port: int, method: str, host: str) -> http.client.HTTPResponse:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        client.request(method, "/a%2Fb?c=d", headers={"Host": host})
        answer = client.getresponse()
        answer.read()
        return answer
    finally:
        client.close()


@pytest.mark.parametrize(
    ("port", "method", "host", "status", "place"),
    [
        (8443, "GET", "api.test:8080", 301, "https://api.test:8443/a%2Fb?c=d"),
        (443, "HEAD", "api.test", 301, "https://api.test/a%2Fb?c=d"),
        (443, "POST", "[::1]:80", 308, "https://[::1]/a%2Fb?c=d"),
        (443, "GET", "api.test/evil@", 400, None),
    ],
)
async def test_the_same_address_over_https(
    port: int, method: str, host: str, status: int, place: str | None
) -> None:
    async with serving(to_https(port)) as listener:
        answer = await asyncio.to_thread(_ask, listener.port, method, host)
        assert (answer.status, answer.getheader("location")) == (status, place)


@pytest.mark.parametrize(("own", "sent"), [(None, "max-age=60"), ("max-age=5", "max-age=5")])
async def test_replies_say_to_stay_with_https_unless_they_say_it_themselves(
    own: str | None, sent: str
) -> None:
    fields = [("Strict-Transport-Security", own)] if own else []
    shared = Headers(fields)

    async def backend(_: Request) -> Reply:
        return Reply(200, shared)

    handler: Handler = strict(backend, 60)
    async with serving(handler) as listener:
        for _ in range(2):
            answer = await asyncio.to_thread(_ask, listener.port, "GET", "api.test")
            assert answer.headers.get_all("strict-transport-security") == [sent]
    assert len(shared.items) == len(fields)
