"""What each guard of a method adds to a request: microseconds of CPU over a method without any.

The whole request in process, from its bytes' end to the reply's beginning, against a MOCK backend.
"""

import asyncio
import itertools
import json
import ssl
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from msgspec import structs

from bench.waf import acl as every_group
from torana.auth.grants import Grants
from torana.auth.keys import hash_key
from torana.auth.policy import Caller, parse
from torana.auth.signer import SigningCredentials, sign
from torana.gateway.contract import AwsCall, Grant, Identity, Ports
from torana.gateway.front_door import FrontDoor
from torana.gateway.http_api.plan import compile as compile_http
from torana.gateway.issuers import Issuers, Pool
from torana.gateway.load import Admission, Limits, Load
from torana.gateway.locate import Live, Table
from torana.gateway.plan import compile
from torana.message import Headers, Reply, Request
from torana.model import http_api
from torana.model.rest import Authorizer, Integration, IntegrationResponse, Method, RestApi, Stage
from torana.model.usage import UsagePlan
from torana.net.client import HttpClient
from torana.net.server import listen
from torana.state.bucket import LocalBucket

_TIMES, _ROUNDS = 1500, 5
_MOCK = Integration(
    "MOCK",
    request_templates={"application/json": '{"statusCode": 200}'},
    responses=(IntegrationResponse("200", response_templates={"application/json": "{}"}),),
)
_KEY = "a-key-of-an-app-0123456789"
_FUNCTION = (
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:us-east-1:000000000000:function:f/invocations"
)
_ALLOW = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}


class Wall:
    """Every managed rule group."""

    def __init__(self) -> None:
        self.acl = every_group()

    def note(self, *of: object) -> None:
        """Nobody reads it."""


def _issuer(keys: Mapping[str, rsa.RSAPrivateKey], url: list[str]) -> Any:
    async def desk(request: Request) -> Reply:
        if request.target.endswith("openid-configuration"):
            body: Any = {"issuer": url[0], "jwks_uri": f"{url[0]}/keys"}
        else:
            made = {
                id: RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) for id, key in keys.items()
            }
            body = {"keys": [{**key, "kid": id, "use": "sig"} for id, key in made.items()]}
        return Reply(200, Headers(), json.dumps(body).encode())

    return desk


async def _decides(call: AwsCall) -> Reply:
    """Stands for the function of an authorizer: asked once, its answer is kept."""
    policy = {"Version": "2012-10-17", "Statement": [_ALLOW]}
    said = {"principalId": "ada", "policyDocument": policy}
    return Reply(200, Headers(), json.dumps(said).encode())


def _ports(client: HttpClient, pool: str) -> Ports:
    caller = Caller(("arn:aws:iam::000000000000:user/ada",), "000000000000")
    policy = parse({"Version": "2012-10-17", "Statement": [_ALLOW]})
    ada = Identity("AKIAADA", "secret", caller.arns[0], "AIDA", caller, "", Grants((policy,)))
    plan = UsagePlan("plan", "plan")
    grants = {hash_key(_KEY): Grant("key", "key", {("abc", "prod"): plan})}
    wall = Wall()
    return Ports(
        client,
        lambda value: grants.get(hash_key(value)),
        _decides,
        lambda name, rate, burst: LocalBucket(rate, burst),
        lambda name, settings: LocalBucket(0, settings.limit),
        lambda to: lambda ctx: None,
        identify=lambda key, token: ada,
        wall=lambda arn: wall,
        issuers=Issuers(client, {"us-east-1_Pool": Pool(pool)}),
    )


def _rest(
    ports: Ports,
    stage: Stage | None = None,
    policy: dict[str, Any] | None = None,
    authorizer: Authorizer | None = None,
    **guard: Any,
) -> FrontDoor:
    authorizers = {} if authorizer is None else {authorizer.name: authorizer}
    if authorizer is not None:
        kind = authorizer.type if authorizer.type == "COGNITO_USER_POOLS" else "CUSTOM"
        guard |= {"authorization_type": kind, "authorizer": authorizer.name}
    method = Method("POST", "/pets", _MOCK, **guard)
    api = RestApi("abc", "bench", (method,), policy=policy, authorizers=authorizers)
    plan = compile(api, stage or Stage("prod"), ports)
    return FrontDoor(Table({("abc", "prod"): Live(plan)}))


def _http(ports: Ports, *authorizers: http_api.Authorizer) -> FrontDoor:
    """An HTTP API of a function that answers at once."""
    integration = http_api.Integration(
        "AWS_PROXY",
        "i",
        _FUNCTION.rpartition("/functions/")[2].removesuffix("/invocations"),
        "POST",
        payload_format_version="2.0",
    )
    kind = "JWT" if authorizers else "NONE"
    route = http_api.Route("POST /pets", "r", "integrations/i", kind, "t" if authorizers else None)
    api = http_api.HttpApi("abc", "bench", (route,), (integration,), authorizers)
    return FrontDoor(Table({("abc", "$default"): Live(compile_http(api, http_api.Stage(), ports))}))


async def _cost(door: FrontDoor, make: Callable[[], Request]) -> float:
    """Microseconds of a request, the least of some rounds: others want the machine, too."""
    rounds: list[float] = []
    found = await door(make())
    assert found.status == 200, found
    for _ in range(_ROUNDS):
        asked = [make() for _ in range(_TIMES // _ROUNDS)]
        start = time.process_time()
        for each in asked:
            await door(each)
        rounds.append((time.process_time() - start) / len(asked) * 1e6)
    return min(rounds)


def _asking(
    host: str = "api.example.com",
    path: str = "/restapis/abc/prod/_user_request_/pets",
    **fields: str,
) -> Request:
    items = [("Host", host), ("Content-Type", "application/json"), ("User-Agent", "bench/1")]
    items += [(name.replace("_", "-"), value) for name, value in fields.items()]
    return Request("POST", path, Headers(items), b'{"name": "rex", "kind": "dog"}')


def _told(name: str, cost: float, base: float) -> None:
    print(f"{name:52} {max(0.0, cost - base):7.1f} us")


async def guards() -> None:
    """Print them."""
    keys, url, client = {"k": rsa.generate_private_key(65537, 2048)}, [""], HttpClient()
    listener = await listen(_issuer(keys, url))
    url[0] = f"http://127.0.0.1:{listener.port}/pool"
    ports = _ports(client, url[0])
    claims = {"iss": url[0], "sub": "u", "aud": "app", "token_use": "id", "exp": time.time() + 900}
    token = jwt.encode(claims, keys["k"], "RS256", headers={"kid": "k"})
    base = await _cost(_rest(ports), _asking)
    print(f"{'a MOCK method without guards':52} {base:7.1f} us; each of these adds:")

    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                **_ALLOW,
                "Principal": "*",
                "Condition": {"IpAddress": {"aws:SourceIp": ["127.0.0.0/8"]}},
            }
        ],
    }
    own = SigningCredentials("AKIAADA", "secret")

    def signed() -> Request:
        return sign(_asking(), own, region="us-east-1", service="execute-api")

    pool = Authorizer(
        "c",
        "COGNITO_USER_POOLS",
        provider_arns=("arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_Pool",),
        identity_source="method.request.header.Authorization",
    )
    custom = Authorizer(
        "c", "TOKEN", _FUNCTION, identity_source="method.request.header.Authorization"
    )
    count = itertools.count()

    def authorized() -> Request:
        return _asking(Authorization=token)

    def newly() -> Request:
        other = {**claims, "n": next(count)}
        return _asking(Authorization=jwt.encode(other, keys["k"], "RS256", headers={"kid": "k"}))

    def keyed() -> Request:
        return _asking(x_api_key=_KEY)

    walled = Stage("prod", web_acl_arn="arn:aws:wafv2:us-east-1:000000000000:regional/webacl/w/1")
    loaded = structs.replace(ports, admission=Admission(Load(Limits())))
    tokens, kept = _rest(ports, authorizer=pool), _rest(ports, authorizer=custom)
    rows: list[tuple[str, FrontDoor, Callable[[], Request]]] = [
        ("load shedding, without pressure", _rest(loaded), _asking),
        ("a resource policy with a source address", _rest(ports, policy=policy), _asking),
        ("an API key of a usage plan", _rest(ports, api_key_required=True), keyed),
        ("AWS_IAM: signature, identity policy", _rest(ports, authorization_type="AWS_IAM"), signed),
        ("a Lambda authorizer, its answer kept", kept, authorized),
        ("a Cognito user pool's token (RS256), known", tokens, authorized),
        ("a Cognito user pool's token (RS256), new", tokens, newly),
        ("a web ACL of every managed rule group", _rest(ports, walled), _asking),
    ]
    for name, door, make in rows:
        _told(name, await _cost(door, make), base)
    await _jwt(ports, url[0], token)
    _mutual_tls()
    await listener.close()
    await client.aclose()


async def _jwt(ports: Ports, issuer: str, token: str) -> None:
    """Of an HTTP API, beside the same route without it."""
    given = http_api.Authorizer(
        "t",
        "JWT",
        "t",
        identity_source=("$request.header.Authorization",),
        jwt_configuration=http_api.JwtConfiguration(issuer, ("app",)),
    )

    def asked() -> Request:
        return _asking("abc.execute-api.localhost", "/pets", Authorization=token)

    base = await _cost(_http(ports), asked)
    _told("a JWT authorizer of an HTTP API (RS256)", await _cost(_http(ports, given), asked), base)


def _mutual_tls() -> None:
    """Once for a connection: both ends' work of a handshake, with and without a client's
    certificate."""
    authority = trustme.CA()
    ends = {asks: _contexts(authority, asks) for asks in (False, True)}
    costs = {asks: statistics.median(_handshake(*ends[asks]) for _ in range(60)) for asks in ends}
    _told("mutual TLS, a handshake (both ends)", costs[True], costs[False])


def _contexts(authority: trustme.CA, asks: bool) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    if asks:
        authority.configure_trust(server)
        server.verify_mode = ssl.CERT_REQUIRED
        authority.issue_cert("client").configure_cert(client)
    return server, client


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> float:
    """Microseconds."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(up, down, server_side=True),
        client.wrap_bio(down, up, server_hostname="localhost"),
    ]
    start = time.process_time()
    waiting = list(ends)
    while waiting:
        for end in tuple(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue
    return (time.process_time() - start) * 1e6


if __name__ == "__main__":
    asyncio.run(guards())
