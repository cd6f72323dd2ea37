"""How services of this process invoke functions: through the Lambda service, wherever it runs."""

from urllib.parse import quote

from torana.message import Headers, Request, read
from torana.services.ports import Busy, Failed, FunctionFailed
from torana.services.router import Invocation, Router

_MOST = 7 * 1024 * 1024


async def invoked(router: Router, region: str, arn: str, payload: bytes, timeout: float) -> bytes:
    """The function's answer. See `torana.services.ports.Functions`."""
    target = f"/2015-03-31/functions/{quote(arn, safe='')}/invocations"
    request = Request("POST", target, Headers([("Content-Type", "application/json")]), payload)
    found = Invocation("lambda", region, "", request, None, timeout)
    try:
        reply = await router.dispatch(found)
    except ConnectionError as error:
        raise Failed(str(error)) from error
    body = await read(reply.body, _MOST)
    told = body.decode("utf-8", "replace")
    if reply.status == 429:
        raise Busy(told)
    if reply.status >= 300:
        raise Failed(told)
    if "x-amz-function-error" in reply.headers:
        raise FunctionFailed(told)
    return body
