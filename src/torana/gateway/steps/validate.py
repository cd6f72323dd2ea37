"""Request validation: required parameters, and the body against its model.

Source: Developer Guide, "Request validation for REST APIs in API Gateway".
"""

from collections.abc import Callable

import msgspec

from torana.gateway.content import media_type
from torana.gateway.contract import Compiled, Context, Gate
from torana.gateway.errors import GatewayError, InvalidApi
from torana.gateway.schemas import BodyCheck, body_validator

Has = Callable[[Context], bool]


def build(to: Compiled) -> Gate | None:
    """A gate for methods with a validator that has something to check."""
    name = to.method.request_validator
    if name is None:
        return None
    found = to.api.request_validators.get(name)
    if found is None:
        raise InvalidApi(f"request validator {name!r} is not defined")
    required = required_of(to) if found.validate_request_parameters else []
    checks = _checks(to) if found.validate_request_body else {}
    if not required and not checks:
        return None

    def validate(ctx: Context) -> None:
        demand(ctx, required)
        if checks:
            _check_body(ctx, checks)

    return validate


def demand(ctx: Context, required: list[tuple[str, Has]]) -> None:
    """Raises `GatewayError` naming the parameters that are not there."""
    missing = [parameter for parameter, has in required if not has(ctx)]
    if missing:
        names = ", ".join(missing)
        raise GatewayError(
            "BAD_REQUEST_PARAMETERS", f"Missing required request parameters: [{names}]"
        )


def required_of(to: Compiled) -> list[tuple[str, Has]]:
    """The parameters that a method wants. Raises `InvalidApi`."""
    wanted = sorted(name for name, needed in to.method.request_parameters.items() if needed)
    return [_parameter(name) for name in wanted]


def _parameter(expression: str) -> tuple[str, Has]:
    _, _, rest = expression.partition("method.request.")
    location, _, name = rest.partition(".")
    lower = name.lower()
    table: dict[str, Has] = {
        "header": lambda ctx: bool(ctx.request.headers.get(lower)),
        "querystring": lambda ctx: bool((ctx.query().get(name) or [""])[0]),
        "path": lambda ctx: bool(ctx.path_parameters.get(name)),
    }
    if location not in table or not name:
        raise InvalidApi(f"request parameter {expression!r} names no header, querystring or path")
    return name, table[location]


def _checks(to: Compiled) -> dict[str, BodyCheck]:
    checks: dict[str, BodyCheck] = {}
    for content_type, name in to.method.request_models.items():
        if name == "Empty":
            continue
        if name not in to.api.models:
            raise InvalidApi(f"model {name!r} is not defined")
        checks[content_type.lower()] = body_validator(to.api.models[name], to.api.models)
    return checks


def _check_body(ctx: Context, checks: dict[str, BodyCheck]) -> None:
    check = checks.get(media_type(ctx.request.headers.get("content-type")))
    check = check or checks.get("$default")
    if check is not None:
        judge(ctx, check)


def judge(ctx: Context, check: BodyCheck) -> None:
    """Raises `GatewayError` for a body that does not match."""
    try:
        wrong = check(ctx.whole_body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GatewayError("BAD_REQUEST_BODY", detail=f"[{error}]") from None
    if wrong is not None:
        raise GatewayError("BAD_REQUEST_BODY", detail=wrong)
