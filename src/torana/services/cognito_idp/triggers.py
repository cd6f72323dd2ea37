"""Lambda triggers: functions that a pool asks on the way.

Source: Cognito Developer Guide, "Customizing user pool workflows with Lambda triggers".
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from torana.message import Reply
from torana.services.cognito_idp.directory import Json
from torana.services.cognito_idp.faults import unsupported
from torana.services.ports import Call
from torana.wire.faults import ServiceError

Functions = Callable[[str, str, bytes, float], Awaitable[Reply]]
"""Runs a Lambda function by its ARN, for a pool by its ARN, with its event and so many seconds. The
reply is the Lambda service's. Raises `TimeoutError` and `ConnectionError`."""

_SECONDS, _ATTEMPTS = 5.0, 3
"""That a function has, and how often it is asked. Source: "Customizing user pool workflows with
Lambda triggers"."""
CALLED = frozenset(
    {
        "PreSignUp",
        "PostConfirmation",
        "PreAuthentication",
        "PostAuthentication",
        "CustomMessage",
        "DefineAuthChallenge",
        "CreateAuthChallenge",
        "VerifyAuthChallengeResponse",
        "PreTokenGeneration",
        "UserMigration",
    }
)
_VERSIONS = {"V1_0": "1", "V2_0": "2"}


def check_config(config: Mapping[str, Any]) -> None:
    """Raises the service's error for triggers that are not called here."""
    for name in config:
        if name not in CALLED and name != "PreTokenGenerationConfig":
            raise unsupported(f"The trigger {name}")
    version = config.get("PreTokenGenerationConfig", {}).get("LambdaVersion", "V1_0")
    if version not in _VERSIONS:
        raise unsupported(f"PreTokenGenerationConfig of version {version}")


class Asking(Struct, frozen=True):
    """What is the same in every event of one operation."""

    call: Call
    pool: Json
    client: str
    """Empty for what an administrator does."""
    metadata: Mapping[str, str]


class Triggers:
    """Calls the functions of pools."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def has(self, pool: Json, name: str) -> bool:
        """Whether a pool has a function for it."""
        return _arn(pool, name) is not None

    async def ask(
        self, asking: Asking, name: str, source: str, username: str, request: Json, answer: Json
    ) -> Json:
        """The function's `response`; `answer` as it is when the pool has no such function.

        Raises the service's errors: `UserLambdaValidationException` has the words of the
        function's own exception.
        """
        arn = _arn(asking.pool, name)
        if arn is None:
            return answer
        call, pool = asking.call, asking.pool
        version = "1"
        if name == "PreTokenGeneration":
            config = pool["LambdaConfig"].get("PreTokenGenerationConfig", {})
            version = _VERSIONS[config.get("LambdaVersion", "V1_0")]
        event = {
            "version": version,
            "triggerSource": source,
            "region": pool["Id"].partition("_")[0],
            "userPoolId": pool["Id"],
            "userName": username,
            "callerContext": {
                "awsSdkVersion": call.request.headers.get("user-agent") or "",
                "clientId": asking.client or "CLIENT_ID_NOT_APPLICABLE",
            },
            "request": request,
            "response": answer,
        }
        said = await self._run(name, arn, pool["Arn"], msgspec.json.encode(event))
        response = said.get("response")
        if not isinstance(response, dict):
            raise _malformed(name)
        found: Json = response  # pyright: ignore[reportUnknownVariableType]
        return {**answer, **found}

    async def _run(self, name: str, arn: str, pool: str, event: bytes) -> Json:
        reply = await self._reply(name, arn, pool, event)
        body = reply.body if isinstance(reply.body, bytes) else b""
        if reply.status != 200:
            why = reply.headers.get("x-amzn-errortype") or str(reply.status)
            raise _failed(f"{name} invocation failed due to error {why}.")
        try:
            said: Any = msgspec.json.decode(body)
        except msgspec.DecodeError:
            raise _malformed(name) from None
        if "x-amz-function-error" in reply.headers:
            told = said.get("errorMessage", "") if isinstance(said, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            raise ServiceError(
                "UserLambdaValidationException",
                f"{name} failed with error {str(told)[:500]}.",  # pyright: ignore[reportUnknownArgumentType]
            )
        if not isinstance(said, dict):
            raise _malformed(name)
        return said  # pyright: ignore[reportUnknownVariableType]

    async def _reply(self, name: str, arn: str, pool: str, event: bytes) -> Reply:
        """Asks again when there is no answer in time, as the service does."""
        for _ in range(_ATTEMPTS):
            try:
                return await self._functions(arn, pool, event, _SECONDS)
            except TimeoutError:
                continue
            except ConnectionError as error:
                raise _failed(f"{name} invocation failed: {error}") from None
        raise _failed(f"{name} invocation failed due to timeout.")


def _arn(pool: Json, name: str) -> str | None:
    config = pool.get("LambdaConfig", {})
    if name == "PreTokenGeneration" and "PreTokenGenerationConfig" in config:
        return config["PreTokenGenerationConfig"]["LambdaArn"]
    return config.get(name)


def _failed(message: str) -> ServiceError:
    return ServiceError("UnexpectedLambdaException", message)


def _malformed(name: str) -> ServiceError:
    return ServiceError("InvalidLambdaResponseException", f"Unrecognizable lambda output of {name}")
