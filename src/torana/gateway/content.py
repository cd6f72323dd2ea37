"""Which template a message takes, and what counts as binary.

Source: Developer Guide, "Method request behavior for payloads without mapping templates" and
"Content type conversions in API Gateway".
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

from torana.gateway.errors import GatewayError
from torana.message import Headers
from torana.model.rest import PassthroughBehavior
from torana.vtl import Template

PASS = None


@lru_cache(maxsize=512)
def media_type(content_type: str | None) -> str:
    """The type without its parameters; JSON where a client names none."""
    if not content_type:
        return "application/json"
    return content_type.partition(";")[0].strip().lower()


def request_template(
    templates: Mapping[str, Template], behavior: PassthroughBehavior
) -> Callable[[str | None], Template | None]:
    """Chooses by content type: a template, None to pass the body on, or a 415."""
    exact = {name.strip().lower(): template for name, template in templates.items()}
    default = exact.get("$default")

    def choose(content_type: str | None) -> Template | None:
        found = exact.get(media_type(content_type), default)
        if found is not None:
            return found
        if behavior == "NEVER" or (behavior == "WHEN_NO_TEMPLATES" and exact):
            raise GatewayError("UNSUPPORTED_MEDIA_TYPE")
        return PASS

    return choose


@lru_cache(maxsize=512)
def _accepted(accept: str) -> tuple[str, ...]:
    return tuple(map(media_type, accept.split(",")))


def response_template(
    templates: Mapping[str, Template],
) -> Callable[[Headers], tuple[str, Template] | None]:
    """Chooses by what the client accepts; else JSON's; else the first one."""
    first = next(iter(templates.items()), None)
    if first is None or len(templates) == 1:
        return lambda headers: first
    default = (
        ("application/json", templates["application/json"])
        if ("application/json" in templates)
        else first
    )

    def choose(headers: Headers) -> tuple[str, Template]:
        accept = headers.get("accept")
        if accept is None:
            return default
        for name in _accepted(accept):
            if name in templates:
                return name, templates[name]
        return default

    return choose


def binary(types: tuple[str, ...]) -> Callable[[str | None], bool]:
    """Whether a Content-Type (or the first type of an Accept) is one of the API's binary types."""
    if not types:
        return lambda value: False
    exact = {name.lower() for name in types if "*" not in name}
    families = tuple(name.lower()[:-1] for name in types if name.endswith("/*") and name != "*/*")
    everything = "*/*" in types

    def is_binary(value: str | None) -> bool:
        if value is None:
            return everything
        name = value.partition(",")[0].partition(";")[0].strip().lower()
        return everything or name in exact or name.startswith(families or ("\0",))

    return is_binary
