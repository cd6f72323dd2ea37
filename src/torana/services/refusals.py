"""What each kind of service calls a request that is not let in.

Source: "Common error types" of the services' API references; S3's "Error responses".
"""

from collections.abc import Mapping

from torana.auth.sigv4 import UNKNOWN_KEY, Kind, SignatureError
from torana.wire.faults import ServiceError

_Codes = Mapping[Kind, tuple[str, int]]


def _json(status: int) -> _Codes:
    return {
        "missing": ("MissingAuthenticationTokenException", status),
        "incomplete": ("IncompleteSignatureException", status),
        "mismatch": ("InvalidSignatureException", status),
        "expired": ("InvalidSignatureException", status),
        "payload": ("InvalidSignatureException", status),
        "unknown": ("UnrecognizedClientException", status),
        "unsupported": ("IncompleteSignatureException", status),
        "over": ("ExpiredTokenException", status),
    }


_CODES: Mapping[str, _Codes] = {
    "json": _json(400),
    "smithy-rpc-v2-cbor": _json(400),
    "rest-json": _json(403),
    "query": {
        "missing": ("MissingAuthenticationToken", 403),
        "incomplete": ("IncompleteSignature", 400),
        "mismatch": ("SignatureDoesNotMatch", 403),
        "expired": ("SignatureDoesNotMatch", 403),
        "payload": ("SignatureDoesNotMatch", 403),
        "unknown": ("InvalidClientTokenId", 403),
        "unsupported": ("IncompleteSignature", 400),
        "over": ("ExpiredToken", 403),
    },
    "rest-xml": {
        "missing": ("AccessDenied", 403),
        "incomplete": ("AuthorizationHeaderMalformed", 400),
        "mismatch": ("SignatureDoesNotMatch", 403),
        "expired": ("RequestTimeTooSkewed", 403),
        "payload": ("XAmzContentSHA256Mismatch", 400),
        "unknown": ("InvalidAccessKeyId", 403),
        "unsupported": ("AuthorizationHeaderMalformed", 400),
        "over": ("ExpiredToken", 400),
    },
}


def refusal(error: SignatureError, protocol: str) -> ServiceError:
    """A service's error for a signature that is not accepted."""
    code, status = _CODES[protocol][error.kind]
    return ServiceError(code, error.message, status=status)


def unknown_key() -> SignatureError:
    """For an access key, or a session token, that is not known here."""
    return SignatureError("unknown", UNKNOWN_KEY)
