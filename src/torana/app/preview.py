"""Compiling without serving, to look at the result."""

from collections.abc import Iterable

from torana.app.definitions import BadDefinitions, compiled, gather, parse, place
from torana.gateway.contract import AwsCall, Bucket, Compiled, Context, Observe, Ports
from torana.gateway.errors import InvalidApi
from torana.message import Reply
from torana.model.usage import QuotaSettings
from torana.net.client import HttpClient
from torana.state.bucket import LocalBucket


def preview(paths: Iterable[str]) -> list[tuple[str, str, str, str]]:
    """API, stage, method and chain of every method. Raises `BadDefinitions`."""
    rows: list[tuple[str, str, str, str]] = []
    nobody = ports()
    for document in parse(gather(paths)):
        id, stage = place(document)
        try:
            served = compiled(document, nobody).plan
        except InvalidApi as error:
            raise BadDefinitions(str(error)) from error
        for route in served.routes:
            rows.append((id, stage, route.to.place(), str(route)))
    return rows


def ports() -> Ports:
    """Ports of plans that nobody will ask."""

    async def aws(call: AwsCall) -> Reply:
        raise ConnectionError("a preview calls nobody")

    def bucket(name: str, rate: float, burst: int) -> Bucket:
        return LocalBucket(rate, burst)

    def observe(to: Compiled) -> Observe:
        def nothing(ctx: Context) -> None:
            return

        return nothing

    def quota(name: str, settings: QuotaSettings) -> Bucket:
        return LocalBucket(0, settings.limit)

    return Ports(
        HttpClient(),
        lambda value: None,
        aws,
        bucket,
        quota,
        observe,
        vpc_link=lambda connection_id: "https://preview.invalid",
        client_certificate=lambda id: ("", ""),
    )
