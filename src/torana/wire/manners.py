"""Where services differ in what they call a bad request. Data, looked up once per service."""

from collections.abc import Mapping

from msgspec import Struct


class Manners(Struct, frozen=True):
    """The codes a service answers before its own code sees a request."""

    malformed: str = "SerializationException"
    invalid: str = "ValidationException"
    unknown: str = "UnknownOperationException"
    unknown_status: int = 400
    unknown_message: str = ""
    """May hold `{asked}` and `{version}`."""
    fault: str = "InternalServerException"
    too_large: str = "RequestEntityTooLargeException"
    names_input: bool = False
    """Whether violations in a body are said of `putMethodInput.member`, not of `member`."""


_BY_PROTOCOL: Mapping[str, Manners] = {
    "json": Manners(),
    "smithy-rpc-v2-cbor": Manners(unknown_status=404),
    "rest-json": Manners(unknown_status=404),
    "query": Manners(
        malformed="MalformedQueryString",
        invalid="ValidationError",
        unknown="InvalidAction",
        unknown_message="Could not find operation {asked} for version {version}",
        fault="InternalFailure",
        too_large="RequestEntityTooLarge",
    ),
    "rest-xml": Manners(
        malformed="MalformedXML",
        invalid="InvalidArgument",
        unknown="MethodNotAllowed",
        unknown_status=405,
        unknown_message="The specified method is not allowed against this resource.",
        fault="InternalError",
        too_large="EntityTooLarge",
    ),
}
_INVALID: Mapping[str, str] = {
    "apigatewayv2": "BadRequestException",
    "lex-models": "BadRequestException",
    "lex-runtime": "BadRequestException",
    "lambda": "ValidationException",
    "sns": "InvalidParameter",
    "s3": "InvalidArgument",
}
"""By service, where it is not the protocol's."""

_FAULTS = (
    "InternalServerException",
    "InternalServerError",
    "InternalServiceException",
    "InternalServiceError",
    "ServiceException",
    "InternalFailure",
    "InternalError",
    "InternalFailureException",
)


def manners(service: str, protocol: str, errors: Mapping[str, int]) -> Manners:
    """A service's codes in one protocol. `errors`: its modelled errors and their statuses."""
    found = _BY_PROTOCOL[protocol]
    fault = next((name for name in _FAULTS if errors.get(name, 0) >= 500), found.fault)
    return Manners(
        found.malformed,
        _INVALID.get(service, found.invalid),
        found.unknown,
        found.unknown_status,
        found.unknown_message,
        fault,
        found.too_large,
        service == "apigateway",
    )
