"""The LLM API, from settings: providers, models and keys that fit together."""

import ssl
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from time import time
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from torana.app.llm_access import access_of
from torana.app.llm_content import content_mistakes
from torana.app.llm_endpoints import EndpointOrigin, Invoke
from torana.app.llm_engines import EngineOrigin, counting
from torana.app.llm_guards import Means, guard_mistakes, guard_named, guard_of
from torana.app.llm_keys import Binder, holders_of, mistakes_of
from torana.app.llm_models import model_mistakes, model_of
from torana.auth.signer import sign
from torana.llm.access import Access
from torana.llm.dialects import DIALECTS
from torana.llm.keys import digest
from torana.llm.prices import catalogue
from torana.llm.realtime import LIMITS
from torana.llm.route import Dial, Estimate, Provider
from torana.llm.serve import Plan
from torana.llm_settings import Llm, LlmProvider
from torana.message import Headers, Request, WebSocket
from torana.net.client import Client, Origin, Timeouts
from torana.net.websocket_client import connect
from torana.services.credentials import BadCredentials, outgoing_credentials
from torana.services.ports import Engines
from torana.settings import BadSettings, secret
from torana.state.counters import Counters


class Vendor(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `vendors.toml`."""

    dialect: str
    base_url: str = ""
    key: str = "authorization"
    headers: dict[str, str] = {}
    key_variable: str = ""
    """The environment's, of a key that is not configured."""
    local: Literal["", "engines", "endpoints"] = ""
    """No server: the embedded engines of this gateway, or its own SageMaker endpoints."""
    sign: str = ""
    """The AWS service that requests without a key are signed for."""
    without: frozenset[str] = frozenset()
    """Operations of the dialect that it lacks."""
    otel: str = ""
    """Its name by OpenTelemetry's conventions (`gen_ai.provider.name`); empty: its type is."""


class _Around(Struct, frozen=True):
    """What providers are made of, besides their settings."""

    environment: Mapping[str, str]
    client: Client
    local: Mapping[str, Origin]
    """What is served here, by `Vendor.local`."""
    estimate: Estimate | None


def vendors() -> dict[str, Vendor]:
    """The provider types."""
    text = files("torana.llm").joinpath("vendors.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Vendor])


def vendor_names(settings: Llm) -> dict[str, str]:
    """What OpenTelemetry's conventions call each provider, by its name here."""
    known = vendors()
    return {name: known[each.type].otel or each.type for name, each in settings.providers.items()}


def build(
    settings: Llm,
    environment: Mapping[str, str],
    client: Client,
    counters: Counters,
    run_engine: Engines | None = None,
    endpoints: Invoke | None = None,
) -> Plan:
    """The plan of the LLM API. Raises `BadSettings`, naming everything that does not fit."""
    wrong = "\n".join(mistakes(settings))
    if wrong:
        raise BadSettings(wrong)
    known, prices = vendors(), catalogue(settings.prices)
    local: dict[str, Origin] = {}
    if run_engine is not None:
        local["engines"] = EngineOrigin(run_engine)
    if endpoints is not None:
        local["endpoints"] = EndpointOrigin(endpoints)
    estimate = None if run_engine is None else counting(run_engine)
    around = _Around(environment, client, local, estimate)
    access = {
        name: access_of(name, given.access, environment, client)
        for name, given in settings.providers.items()
        if given.access is not None
    }
    means = Means(client, run_engine, environment)
    providers = {
        name: _provider(name, given, known[given.type], around, access.get(name))
        for name, given in settings.providers.items()
    }
    models = {
        name: model_of(name, given, providers, prices, guard_of(given, settings, means))
        for name, given in settings.models.items()
    }
    binder = Binder(holders_of(settings), counters)
    keys = {
        digest(secret(given.secret, environment)): binder.key(name, given)
        for name, given in settings.keys.items()
    }
    guards = {name: guard_named(name, settings, means) for name in settings.guardrails}
    return Plan(models, keys, int(time()), guards, settings.end_user, tuple(access.values()))


def mistakes(settings: Llm) -> Iterator[str]:
    """Everything that does not fit together, a line each."""
    known, prices = vendors(), catalogue(settings.prices)
    for name, provider in settings.providers.items():
        vendor = known.get(provider.type)
        if vendor is None:
            yield f"llm.providers.{name}.type: {provider.type!r} is none of {', '.join(known)}"
        elif urlsplit(provider.base_url or vendor.base_url).scheme not in ("http", "https"):
            yield f"llm.providers.{name}.base_url: must be an http:// or https:// address"
        if provider.access is not None and provider.api_key:
            yield f"llm.providers.{name}: has an api_key or access, not both"
    if not 0 <= settings.traces <= 1:
        yield "llm.traces: must be 0 to 1"
    for name, model in settings.models.items():
        yield from model_mistakes(f"llm.models.{name}", model, settings)
    yield from guard_mistakes(settings)
    yield from content_mistakes(settings)
    holders = holders_of(settings)
    for kind in ("organizations", "teams", "users", "keys"):
        for name, given in getattr(settings, kind).items():
            yield from mistakes_of(f"llm.{kind}.{name}", given, settings, holders, prices)
    if settings.end_user not in ("", "user") and not settings.end_user.startswith("header:"):
        yield "llm.end_user: must be user or header:NAME"


def _provider(
    name: str,
    given: LlmProvider,
    vendor: Vendor,
    around: _Around,
    access: Access | None,
) -> Provider:
    environment, client = around.environment, around.client
    if vendor.local and vendor.local not in around.local:
        raise BadSettings(f"llm.providers.{name}: this process has no {vendor.local}")
    region = (
        given.region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    ) or "us-east-1"
    url = urlsplit((given.base_url or vendor.base_url).replace("{region}", region))
    host = url.hostname or ""
    port = url.port or (443 if url.scheme == "https" else 80)
    fields = {"Host": url.netloc.rpartition("@")[2], "Content-Type": "application/json"}
    fields |= {**vendor.headers, **given.headers}
    key = _key(given, vendor, environment)
    if key:
        if vendor.key == "authorization":
            fields["Authorization"] = f"Bearer {key}"
        else:
            fields[vendor.key] = key
    return Provider(
        name,
        DIALECTS[vendor.dialect],
        around.local.get(vendor.local) or client.origin(url.scheme, host, port),
        url.path.rstrip("/"),
        tuple(fields.items()),
        Timeouts(
            given.connect_timeout, given.first_timeout, given.idle_timeout, given.total_timeout
        ),
        Timeouts(
            given.connect_timeout, given.total_timeout, given.idle_timeout, given.total_timeout
        ),
        vendor.without,
        access.signed if access else _signer(name, given, vendor, region, environment),
        None if vendor.local else _dial(url.scheme, host, port, given.connect_timeout),
        around.estimate,
    )


def _key(given: LlmProvider, vendor: Vendor, environment: Mapping[str, str]) -> str:
    """As it is configured, or as the vendor's own tools read it where nothing is."""
    if given.api_key:
        return secret(given.api_key, environment)
    return environment.get(vendor.key_variable, "") if not given.profile else ""


def _dial(scheme: str, host: str, port: int, timeout: float) -> Dial:
    tls = ssl.create_default_context() if scheme == "https" else None

    async def dial(target: str, headers: Headers) -> WebSocket:
        return await connect(host, port, target, headers, tls=tls, timeout=timeout, limits=LIMITS)

    return dial


def _signer(
    name: str,
    given: LlmProvider,
    vendor: Vendor,
    region: str,
    environment: Mapping[str, str],
) -> Callable[[Request], Request] | None:
    if not vendor.sign or _key(given, vendor, environment):
        return None
    try:
        credentials = outgoing_credentials(given.profile, environment)
    except BadCredentials as error:
        raise BadSettings(f"llm.providers.{name}: {error}") from error
    if credentials is None:
        raise BadSettings(f"llm.providers.{name}: needs a profile, an api_key or AWS_ACCESS_KEY_ID")
    return lambda request: sign(request, credentials, region=region, service=vendor.sign)
