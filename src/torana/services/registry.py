"""Every embedded service, one line each, and what they are made of."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from msgspec import Struct, field

from torana.message import Reply, Request
from torana.net.client import Client
from torana.services.acm import acm
from torana.services.acm.issuing import Issuing
from torana.services.apigateway import DataPlane, apigateway
from torana.services.apigatewaymanagementapi import (
    ApiGatewayManagementApi,
    ToConnections,
    nowhere,
)
from torana.services.apigatewayv2 import apigatewayv2
from torana.services.background import Background
from torana.services.bedrock import bedrock, bedrock_runtime
from torana.services.bedrock_agent import bedrock_agent
from torana.services.budgets.budgets import Budgets
from torana.services.cloudformation import cloudformation
from torana.services.cloudtrail import CloudTrail
from torana.services.cloudwatch import CloudWatch
from torana.services.cognito_identity import cognito_identity
from torana.services.cognito_idp import CognitoIdp
from torana.services.comprehend import comprehend
from torana.services.costs.explorer import Explorer
from torana.services.iam import iam
from torana.services.iam.identities import Identities
from torana.services.kms import kms
from torana.services.lambda_ import lambda_
from torana.services.lambda_.book import Book
from torana.services.lambda_.queue import Queue
from torana.services.lambda_.sources import Sources
from torana.services.lex import lex_models, lex_runtime
from torana.services.lex_v1 import lex_v1_models, lex_v1_runtime
from torana.services.lifecycle import lifecycle
from torana.services.logs import Logs
from torana.services.open_tokens import OpenTokens
from torana.services.personalize import (
    personalize,
    personalize_events,
    personalize_runtime,
)
from torana.services.polly import polly
from torana.services.portal import portal
from torana.services.ports import Engines, Functions, LanguageModels, no_functions
from torana.services.privacy import Erasing, TokenKeys, privacy
from torana.services.reach import Reach
from torana.services.rekognition import rekognition
from torana.services.s3 import s3
from torana.services.s3.notices import Notices
from torana.services.sagemaker import hosts_of, sagemaker, sagemaker_runtime
from torana.services.sagemaker.hosts import Hosts
from torana.services.seal import KeyFile
from torana.services.sns import Sns
from torana.services.sqs import sqs
from torana.services.ssm import ssm
from torana.services.sts import Sts, Verify
from torana.services.transcribe import live, transcribe
from torana.services.translate import translate
from torana.services.wafv2 import wafv2
from torana.services.wafv2.samples import Seen
from torana.services.xray import xray
from torana.state.objects import ObjectStore
from torana.state.store import Store
from torana.telemetry.timeseries import TimeSeries
from torana.telemetry.tracebook import TraceBook


class Parts(Struct, frozen=True):
    """What the embedded services are made of."""

    engines: Engines
    objects: ObjectStore
    store: Store
    background: Background
    models: Path
    """A folder for models that are trained here."""
    languages: Callable[[str], frozenset[str]] = lambda capability: frozenset()
    """The languages that a capability's engine reads; empty: any."""
    plane: DataPlane = DataPlane()
    functions: tuple[Book, Queue, int, Sources] | None = None
    """Lambda's functions, their events, the most instances, event sources; None: elsewhere."""
    master: KeyFile = KeyFile(Path("/nonexistent"))
    """Seals what KMS keeps."""
    seen: Seen | None = None
    """What web ACLs saw."""
    watched: CloudWatch | None = None
    """Metrics and alarms; None: another process has them."""
    reach: Reach = field(default_factory=Reach)
    topics: Sns | None = None
    logs: Logs | None = None
    """Log groups; None: another process has them."""
    spent: tuple[Explorer, Budgets] | None = None
    """What was spent; None: another process knows."""
    user_pools: CognitoIdp | None = None
    invoke: Functions = no_functions
    """Invokes a function, wherever it runs."""
    sockets: ToConnections = nowhere
    """The way to connections of WebSocket APIs."""
    identities: tuple[Identities, KeyFile, Verify] | None = None
    """Who there is, what seals their secrets, and what checks the tokens of OpenID Connect
    providers; None: there is only the account itself."""
    chat: LanguageModels = LanguageModels()
    web: Client | None = None
    """The way to containers of models."""
    traces: TraceBook | None = None
    """Where segments are kept; None: another process has them."""
    issuing: Issuing | None = None
    """Orders certificates; None: there is no authority."""
    series: TimeSeries | None = None
    """Every metric; None: another process has them."""
    tokens: TokenKeys | None = None
    """The keys of tokens of personal data."""
    erasing: Erasing | None = None
    """Where something is kept of somebody; None: another process knows."""

    def notices(self) -> Notices:
        """Tells what happens to objects."""
        node = sha256(str(self.models).encode()).hexdigest()[:16]
        return Notices(self.objects, self.store, self.reach, self.background, node)

    def hosts(self) -> Hosts:
        """Where users' models run."""
        runner = self.functions[0].runner if self.functions else None
        return hosts_of(self.store, self.objects, runner, self.web, self.models)


SERVICES: Mapping[str, Callable[[Parts], object]] = {
    "acm": lambda parts: acm(parts.store, parts.master, parts.issuing),
    "apigateway": lambda parts: apigateway(parts.store, parts.plane),
    "apigatewaymanagementapi": lambda parts: ApiGatewayManagementApi(parts.sockets),
    "apigatewayv2": lambda parts: apigatewayv2(parts.store, parts.plane),
    "bedrock": lambda parts: bedrock(parts.chat),
    "bedrock-agent": lambda parts: bedrock_agent(parts.store),
    "bedrock-runtime": lambda parts: bedrock_runtime(parts.engines, parts.chat),
    "cloudwatch": lambda parts: parts.watched.operations if parts.watched else (),
    "budgets": lambda parts: parts.spent[1] if parts.spent else (),
    "ce": lambda parts: parts.spent[0] if parts.spent else (),
    "cloudformation": lambda parts: cloudformation(
        parts.store, parts.master, parts.reach, parts.identities and parts.identities[0]
    ),
    "cloudtrail": lambda parts: CloudTrail(parts.store),
    "cognito-identity": lambda parts: (
        cognito_identity(
            parts.store,
            parts.user_pools,
            parts.identities[0],
            parts.identities[2],
            OpenTokens(parts.store, parts.identities[1]),
        )
        if parts.user_pools and parts.identities
        else ()
    ),
    "cognito-idp": lambda parts: parts.user_pools.operations if parts.user_pools else (),
    "comprehend": lambda parts: comprehend(
        parts.engines, parts.languages, parts.store, parts.objects, parts.background, parts.models
    ),
    "iam": lambda parts: (
        iam(parts.store, parts.identities[0].directory, parts.identities[1])
        if parts.identities
        else ()
    ),
    "kms": lambda parts: kms(parts.store, parts.master),
    "lambda": lambda parts: lambda_(*parts.functions) if parts.functions else (),
    "lexv2-models": lambda parts: lex_models(
        parts.store, parts.engines, parts.background, parts.models
    ),
    "lexv2-runtime": lambda parts: lex_runtime(
        parts.store, parts.engines, parts.invoke, parts.background, parts.models
    ),
    "lex-models": lambda parts: lex_v1_models(
        parts.store, parts.engines, parts.background, parts.models
    ),
    "lex-runtime": lambda parts: lex_v1_runtime(
        parts.store, parts.engines, parts.invoke, parts.background, parts.models
    ),
    "personalize": lambda parts: personalize(
        parts.store, parts.objects, parts.engines, parts.background, parts.models
    ),
    "personalize-events": lambda parts: personalize_events(
        parts.store, parts.objects, parts.engines, parts.models
    ),
    "personalize-runtime": lambda parts: personalize_runtime(
        parts.store, parts.objects, parts.engines, parts.models
    ),
    "logs": lambda parts: parts.logs.operations if parts.logs else (),
    "polly": lambda parts: polly(parts.engines, parts.store),
    "rekognition": lambda parts: rekognition(
        parts.engines, parts.objects, parts.store, parts.background, parts.models
    ),
    "s3": lambda parts: s3(parts.objects, parts.store, parts.notices()),
    "sagemaker": lambda parts: sagemaker(parts.store, parts.hosts(), parts.background),
    "sagemaker-runtime": lambda parts: sagemaker_runtime(
        parts.store, parts.objects, parts.hosts(), parts.background
    ),
    "sns": lambda parts: parts.topics.operations if parts.topics else (),
    "sqs": lambda parts: sqs(parts.store, parts.background),
    "ssm": lambda parts: ssm(parts.store, parts.master, parts.reach),
    "sts": lambda parts: (
        Sts(
            parts.identities[0],
            parts.identities[2],
            OpenTokens(parts.store, parts.identities[1]),
        )
        if parts.identities
        else Sts()
    ),
    "torana": lambda parts: (
        *lifecycle(parts.store, parts.plane, parts.series),
        *privacy(parts.store, parts.tokens or TokenKeys(parts.store, parts.master), parts.erasing),
        *portal(parts.store, parts.plane),
    ),
    "transcribe": lambda parts: transcribe(
        parts.store, parts.objects, parts.engines, parts.background
    ),
    "translate": lambda parts: translate(
        parts.engines, parts.store, parts.languages("translation")
    ),
    "wafv2": lambda parts: wafv2(parts.store, parts.seen),
    "xray": lambda parts: xray(parts.store, parts.traces),
}
"""Embedded services, by botocore's name."""

SOCKETS: Mapping[tuple[str, str], tuple[str, Callable[[Parts], Callable[[Request], Reply]]]] = {
    ("transcribe", live.PATH): (
        f"transcribe:{live.OPERATION}",
        lambda parts: live.socket(parts.engines),
    ),
}
"""WebSockets of services, by the service and the path: the action and what answers."""
