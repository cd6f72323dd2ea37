"""The AWS services of a node: their engines, their credentials, the way to them."""

from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torana.app import user_pools
from torana.app.audit_trail import AuditTrail
from torana.app.erasing import erasing
from torana.app.functions import FunctionHost, node_name
from torana.app.identities import Acting, issuer_check
from torana.app.inference_meter import inference_meter
from torana.app.invoking import invoked
from torana.app.observatory import Observatory
from torana.app.relay import answering, relay
from torana.app.retention import Keeping
from torana.auth.grants import decide
from torana.auth.policy import Question
from torana.engines import ENGINES, capability
from torana.engines.client import EngineClient
from torana.engines.engine import EngineBusy, EngineFailed, EngineMissing
from torana.engines.pool import EnginePool, PoolSettings
from torana.gateway.contract import AwsCall, Identity
from torana.message import Reply, Request
from torana.net.client import Client
from torana.net.server import Listener, listen
from torana.sealing import Vault
from torana.services.acm.issuing import Issuing
from torana.services.apigateway import DataPlane
from torana.services.apigatewaymanagementapi import ToConnections, nowhere
from torana.services.assembly import router
from torana.services.authority.resource_policies import ResourcePolicies
from torana.services.background import Background
from torana.services.cloudformation import work as work_on_stacks
from torana.services.cognito_idp import CognitoIdp
from torana.services.cognito_idp.sweep import sweep_for_ever
from torana.services.comprehend import resume as resume_trainings
from torana.services.credentials import BadCredentials, root_credentials
from torana.services.embedded import unnoted
from torana.services.iam.directory import Directory
from torana.services.iam.endings import Endings
from torana.services.iam.identities import Identities
from torana.services.iam.last_used import LastUsed
from torana.services.lex import resume as resume_bots
from torana.services.lex_v1 import resume as resume_old_bots
from torana.services.personalize import resume as resume_recommenders
from torana.services.ports import Busy, Credential, Engines, Failed, LanguageModels, Missing
from torana.services.privacy import TokenKeys
from torana.services.reach import Reach, confirmation
from torana.services.registry import Parts
from torana.services.rekognition import resume as resume_labels
from torana.services.router import Invocation, Router
from torana.services.sagemaker import resume as resume_endpoints
from torana.services.seal import KeyFile
from torana.services.sns import Sns
from torana.services.transcribe import resume as resume_transcriptions
from torana.services.wafv2.samples import Seen
from torana.settings import BadSettings, Settings
from torana.state import open_objects
from torana.state.objects import ObjectStore
from torana.state.store import Store
from torana.telemetry.journal import Journal
from torana.telemetry.recorder import Recorder
from torana.telemetry.tracebook import TraceBook

_OWNED = (
    "lambda",
    "cloudwatch",
    "logs",
    "sns",
    "ce",
    "budgets",
    "sagemaker",
    "sagemaker-runtime",
    "xray",
    "torana",
)
"""Services whose work one process of the node does for all."""
_CONFIRMING = 10.0


class Services:
    """What the front door and the management listener reach services through."""

    def __init__(
        self,
        root: Credential,
        found: Router,
        engines: EngineClient,
        pool: EnginePool | None,
        objects: ObjectStore,
        background: Background,
        region: str,
        user_pools: CognitoIdp,
        run_engine: Engines,
        identities: Identities,
        acting: Acting,
        trail: AuditTrail,
        tokens: TokenKeys,
        functions: FunctionHost | None = None,
    ) -> None:
        self.engines, self.tokens = run_engine, tokens
        self._region, self._identities, self._acting = region, identities, acting
        self.trail = trail
        self.functions, self.user_pools = functions, user_pools
        self.root, self._router, self._engines, self._pool = root, found, engines, pool
        self.objects, self._background = objects, background

    async def find(self, access_key_id: str) -> Credential | None:
        """Who may use the console: the account, and users that are allowed `torana:UseConsole`."""
        found = self._identities.known(access_key_id)
        if found is None:
            return None
        who = found.principal
        asked = Question("torana:UseConsole", "*", who.caller)
        return found if decide(who.grants, asked).allowed else None

    def identify(self, access_key_id: str, session_token: str) -> Identity | None:
        """Whose an access key is, for the front door. Raises `SignatureError`."""
        found = self._identities.known(access_key_id, session_token)
        if found is None:
            return None
        who = found.principal
        return Identity(
            found.access_key_id,
            found.secret_access_key,
            who.arn,
            who.user_id,
            who.caller,
            found.session_token or "",
            who.grants,
        )

    def names(self) -> tuple[str, ...]:
        """The services that answer, by botocore's names."""
        return self._router.names()

    async def handle(self, request: Request) -> Reply:
        """A signed request of an AWS client; or a confirmation of a subscription, whose token is
        what shows that it may."""
        if request.method == "GET" and "Action=ConfirmSubscription&" in request.target:
            request = confirmation(request)
            asked = Invocation("sns", self._region, "", request, None, _CONFIRMING)
            return await self._router.dispatch(asked)
        return await self._router.handle(request)

    async def anonymous(self, request: Request, service: str) -> Reply:
        """A request of user or identity pools' API by somebody without credentials."""
        return await self._router.anonymous(request, service)

    def call(self, call: AwsCall) -> Awaitable[Reply]:
        """A request of an AWS integration. Raises `GatewayError` when it has no such rights."""
        return self._dispatch(call, trusted=False)

    def call_trusted(self, call: AwsCall) -> Awaitable[Reply]:
        """The same, of an API that the operator's own files define."""
        return self._dispatch(call, trusted=True)

    def _dispatch(self, call: AwsCall, *, trusted: bool) -> Awaitable[Reply]:
        principal, source = self._acting.of(call, trusted=trusted)
        return self._router.dispatch(
            Invocation(
                call.service,
                call.region,
                call.action,
                call.request,
                call.credentials,
                call.timeout,
                call.subdomain,
                principal,
                source,
            )
        )

    async def invoke(self, request: Request, timeout: float) -> Reply:
        """A request of the Lambda API, for a function URL."""
        return await self._router.dispatch(
            Invocation("lambda", self._region, "", request, None, timeout)
        )

    async def endpoint(self, request: Request, timeout: float) -> Reply:
        """A request of the SageMaker Runtime API, for the LLM API."""
        return await self._router.dispatch(
            Invocation("sagemaker", self._region, "", request, None, timeout, "runtime")
        )

    async def listen_for_workers(self, run: Path, region: str) -> list[Listener]:
        """What workers of the front door have this process do."""
        return [
            await listen(
                answering(name, region, self._router.dispatch), path=str(_socket(run, name))
            )
            for name in _OWNED
        ]

    async def aclose(self) -> None:
        """End the functions, what runs beside and the engines."""
        if self.functions is not None:
            await self.functions.aclose()
        await self._acting.aclose()
        await self.trail.aclose()
        await self.user_pools.registry.aclose()
        await self._background.aclose()
        await self._engines.aclose()
        if self._pool is not None:
            await self._pool.aclose()
        await self.objects.close()


async def build(
    settings: Settings,
    environment: Mapping[str, str],
    run: Path,
    client: Client,
    store: Store,
    *,
    owner: bool,
    plane: DataPlane | None = None,
    seen: Seen | None = None,
    observed: Observatory | None = None,
    traces: TraceBook | None = None,
    sockets: ToConnections = nowhere,
    chat: LanguageModels | None = None,
    vault: Vault | None = None,
) -> Services:
    """`owner`: this process starts the node's engines; others use them.

    Raises `BadSettings`.
    """
    recorder = observed.recorder if observed else Recorder()
    keep = observed.journal if observed else Journal()
    pool = EnginePool(run / "engines", _pool_settings(settings)) if owner else None
    if pool is not None:
        await pool.start()
    vault = vault or Vault()
    objects = open_objects(settings.objects_url(), sweep=owner, cover=vault.cover("objects"))
    engines = EngineClient(run / "engines", ENGINES)

    run_engine = _runner(engines)
    models, background = settings.folder() / "models", Background()

    async def invoke(arn: str, payload: bytes, timeout: float) -> bytes:
        return await invoked(found, settings.region, arn, payload, timeout)

    def languages(capability: str) -> frozenset[str]:
        return engines.capability(capability).languages

    pools = user_pools.build(settings, environment, store, lambda asked: found.dispatch(asked))
    await pools.registry.load()
    reach = Reach()
    topics = Sns(store, background, reach, node_name(settings.folder()))
    watched = observed.watch(store, background, reach) if observed else None
    logs = observed and await observed.hear(store, background, reach)
    spent = observed and observed.spend(store, background, reach)
    try:
        root = root_credentials(settings.folder(), settings.account)
        seal = KeyFile(settings.folder() / "iam.key")
        directory = Directory(store, settings.account)
        await directory.load()
        identities = _identities(settings, store, background, root, directory, seal, owner=owner)
        policies = ResourcePolicies(store, settings.region, settings.account)
        await policies.load()
        node, covered = node_name(settings.folder()), vault.cover("audit")
        trail = AuditTrail(settings, store, client, node, covered, owner=owner)
        last_used = LastUsed(store)
        background.start(last_used.run(), "note when keys were last used")
        acting = Acting(settings, identities, policies)
        functions = None
        if owner:
            functions = FunctionHost(
                settings,
                environment,
                store,
                objects,
                identities,
                recorder,
                keep,
                vault.cover("logs"),
            )
            await functions.start()
        master = KeyFile(settings.folder() / "master.key")
        tokens = TokenKeys(store, master)
        background.start(tokens.follow(), "follow the keys of tokens")
        issuing = _issuing(settings, store, background, owner=owner)
        parts = Parts(
            run_engine,
            objects,
            store,
            background,
            models,
            languages,
            plane or DataPlane(),
            functions and (functions.book, functions.queue, functions.limit, functions.sources),
            master,
            seen,
            watched,
            reach,
            topics,
            logs,
            spent,
            pools,
            invoke,
            sockets,
            (identities, seal, issuer_check(client, pools.registry)),
            chat or LanguageModels(),
            client,
            traces,
            issuing,
            observed and observed.series,
            tokens,
            observed
            and observed.book
            and erasing(
                settings.folder(),
                store,
                objects,
                vault,
                pools,
                tokens,
                observed.book,
                traces,
                observed.series,
            ),
        )
        found = router(
            settings,
            parts,
            identities,
            client,
            environment,
            inference_meter(recorder) if observed else unnoted,
            {} if owner else {name: relay(client, _socket(run, name)) for name in _OWNED},
            acting.authority,
            last_used.note,
            trail.call,
        )
    except BadCredentials as error:
        raise BadSettings(str(error)) from error
    if owner:
        background.start(sweep_for_ever(store), "sweep the user pools")
        background.start(topics.resume(), "undelivered messages of topics")
        _resume(parts, node_name(settings.folder()))
        background.start(
            Keeping(settings, store, objects, tokens).run(), "let go of what is too old"
        )
    return Services(
        root,
        found,
        engines,
        pool,
        objects,
        background,
        settings.region,
        pools,
        run_engine,
        identities,
        acting,
        trail,
        tokens,
        functions,
    )


def _identities(
    settings: Settings,
    store: Store,
    background: Background,
    root: Credential,
    directory: Directory,
    seal: KeyFile,
    *,
    owner: bool,
) -> Identities:
    """Other processes hear which credentials of functions are over, where there may be any."""
    node = node_name(settings.folder())
    if settings.workers == 1 and not settings.store:
        return Identities(root, directory, seal, node=node, runs=owner)
    endings = Endings(store)
    if owner:
        background.start(endings.sweep(), "sweep the credentials of functions")
    return Identities(root, directory, seal, node=node, runs=owner, ended=endings.note)


def _issuing(
    settings: Settings, store: Store, background: Background, *, owner: bool
) -> Issuing | None:
    """Where an authority is set; the owner orders what is pending and renews what ends."""
    if settings.acme is None:
        return None
    master = KeyFile(settings.folder() / "master.key")
    issuing = Issuing(store, master, settings.acme, background)
    if owner:
        background.start(issuing.watch(), "issue and renew certificates")
    return issuing


def _resume(parts: Parts, node: str) -> None:
    """Go on with what an earlier process accepted and did not finish."""
    known = parts.identities and parts.identities[0]
    stacks = work_on_stacks(parts.store, parts.master, parts.reach, known, parts.background, node)
    parts.background.start(stacks, "operations on stacks")
    store, objects, engines = parts.store, parts.objects, parts.engines
    models, background = parts.models, parts.background
    for work, name in (
        (parts.notices().resume(), "undelivered events of buckets"),
        (resume_transcriptions(store, objects, engines), "unfinished transcriptions"),
        (resume_recommenders(store, objects, engines, models), "unfinished recommenders"),
        (resume_endpoints(store, objects, parts.hosts(), background), "endpoints"),
        (resume_labels(store, objects, engines, models), "unfinished models of labels"),
        (resume_bots(store, engines, models), "unfinished bots"),
        (resume_old_bots(store, engines, models), "unfinished bots of Lex V1"),
        (resume_trainings(store, objects, engines, models), "unfinished trainings"),
    ):
        background.start(work, name)


def _socket(run: Path, service: str) -> Path:
    return run / f"{service}.sock"


def _runner(engines: EngineClient) -> Engines:
    async def run(capability: str, items: Sequence[Any], timeout: float) -> list[Any]:
        try:
            return await engines.run(capability, items, timeout)
        except EngineBusy as error:
            raise Busy(str(error)) from error
        except EngineMissing as error:
            raise Missing(str(error)) from error
        except EngineFailed as error:
            raise Failed(str(error)) from error

    return run


def _pool_settings(settings: Settings) -> PoolSettings:
    """Raises `BadSettings` for a capability or a host that there is not."""
    wanted = settings.engines
    hosts = {capability(name).host_name for name in ENGINES} if wanted.processes else set[str]()
    for name, known in (
        *((name, ENGINES.keys()) for name in wanted.warm),
        *((name, hosts) for name in wanted.processes),
    ):
        if name not in known:
            raise BadSettings(f"engines: {name!r} is not one of {', '.join(sorted(known))}")
    return PoolSettings(
        processes=wanted.processes, memory_limit=wanted.memory_limit, warm=wanted.warm
    )
