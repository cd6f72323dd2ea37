"""Renders a template as the gateway would, with a request's variables."""

from torana.message import Headers
from torana.vtl import Input, Parameters, Util, compile

_PARAMETERS = Parameters(
    path={"id": "7", "both": "path"},
    querystring={"q": ["1", "2"], "both": ["query"]},
    headers=Headers([("X-H", "h")]),
)


def render(template: str, body: bytes = b"{}") -> str:
    """The text of a template for this body and a fixed request."""
    request = Input(body, lambda: _PARAMETERS)
    context: dict[str, object] = {
        "identity": {"sourceIp": "1.2.3.4"},
        "responseOverride": {"header": dict[str, object]()},
        "stage": "prod",
    }
    return compile(template).render(
        {
            "context": context,
            "input": request,
            "m": {"k": "v"},
            "s": "str",
            "stageVariables": {"s": "v"},
            "util": Util(),
        }
    )
