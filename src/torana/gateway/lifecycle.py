"""What clients are told of a version's life: that it is deprecated, retired, or not there yet.

Source: RFC 9745 (`Deprecation`), RFC 8594 (`Sunset`), RFC 5829 (`successor-version`).
"""

from collections.abc import Callable
from datetime import UTC
from email.utils import format_datetime

from torana.gateway.authorizers.aws_iam import signed
from torana.gateway.contract import Compiled, Context, Finish, Gate
from torana.gateway.errors import GatewayError, Refusal
from torana.message import Headers, Reply
from torana.model.lifecycle import Deprecation, moment
from torana.telemetry.caller_meter import CallerMeter
from torana.telemetry.recorder import Recorder

ANONYMOUS = "anonymous"
PREVIEW = "torana:PreviewApi"
"""What a caller must be allowed to reach a version in design."""


def build(to: Compiled) -> Gate | None:
    """For versions in design: to everybody else it is as if there were no such method. Raises
    `InvalidApi`."""
    found = to.lifecycle()
    if found is None or found.state != "design":
        return None
    check = signed(to, PREVIEW)
    absent: Refusal = "RESOURCE_NOT_FOUND" if to.route_key else "MISSING_AUTHENTICATION_TOKEN"

    async def preview(ctx: Context) -> None:
        try:
            await check(ctx)
        except GatewayError as error:
            if error.type == "MISSING_AUTHENTICATION_TOKEN":
                raise GatewayError(absent) from error
            raise

    return preview


def dress(to: Compiled) -> Finish | None:
    """For what is deprecated, and for what was."""
    found = to.lifecycle()
    given = found and found.of(to.place())
    fields = [] if given is None else fields_of(given)
    if not fields:
        return None
    names = {name.lower() for name, _ in fields if name != "Link"}

    def tell(ctx: Context, reply: Reply) -> Reply:
        kept = [item for item in reply.headers.items if item[0].lower() not in names]
        reply.headers = Headers([*kept, *fields])
        return reply

    return tell


def counter(to: Compiled, recorder: Recorder) -> Callable[[Context], None] | None:
    """Counts who calls what is deprecated."""
    found = to.lifecycle()
    if found is None or found.of(to.place()) is None or not to.method.http_method:
        return None
    place = to.api.id, to.stage.stage_name, to.place()
    meter = recorder.meter(("callers", *place), lambda: CallerMeter(*place))
    assert isinstance(meter, CallerMeter)
    note = meter.note

    def count(ctx: Context) -> None:
        who = ctx.principal
        note((ctx.finished, ctx.api_key_id or who.context.get("userArn") or who.id or ANONYMOUS))

    return count


def fields_of(given: Deprecation) -> list[tuple[str, str]]:
    """The header fields of a deprecation."""
    fields: list[tuple[str, str]] = []
    since, sunset = moment(given.since), moment(given.sunset)
    if since is not None:
        fields.append(("Deprecation", f"@{int(since.timestamp())}"))
    if sunset is not None:
        fields.append(("Sunset", format_datetime(sunset.astimezone(UTC), usegmt=True)))
    links = [
        (given.successor, "successor-version", True),
        (given.documentation, "deprecation", bool(since)),
        (given.documentation, "sunset", bool(sunset)),
    ]
    said = [f'<{address}>; rel="{rel}"' for address, rel, fits in links if address and fits]
    if said:
        fields.append(("Link", ", ".join(said)))
    return fields
