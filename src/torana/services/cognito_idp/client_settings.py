"""What an app client may be set to.

Source: Cognito user pools API Reference, CreateUserPoolClient.
"""

from urllib.parse import urlsplit

from torana.services.cognito_idp.directory import Json
from torana.services.cognito_idp.faults import invalid, unsupported
from torana.services.given import items
from torana.wire.faults import ServiceError

USER_ADMIN = "aws.cognito.signin.user.admin"
SCOPES = ("phone", "email", "openid", "profile", USER_ADMIN)
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
VALIDITY = {
    # What it is called: the unit and amount when nothing is said, and the bounds in seconds.
    "IdToken": ("hours", 1, 300, 86400),
    "AccessToken": ("hours", 1, 300, 86400),
    "RefreshToken": ("days", 30, 3600, 315360000),
}


def lifetime(client: Json, token: str) -> int:
    """Seconds that a client's tokens live; `token`: such as `IdToken`. Raises the service's
    error for a setting outside the bounds."""
    unit, amount, least, most = VALIDITY[token]
    unit = client.get("TokenValidityUnits", {}).get(token, unit)
    amount = client.get(f"{token}Validity") or amount
    seconds = amount * _SECONDS[unit]
    if not least <= seconds <= most:
        raise invalid(f"Invalid {token} validity: {least} to {most} seconds are allowed")
    return seconds


def refuse(params: Json) -> None:
    """Raises the service's error for what nothing here heeds."""
    for name in ("AnalyticsConfiguration", "PublishSecretsInAWSSecretsManager"):
        if params.get(name):
            raise unsupported(name)
    others = set(params.get("SupportedIdentityProviders") or ()) - {"COGNITO"}
    if others:
        raise invalid(f"The provider {min(others)} does not exist for User Pool")


def check_flows(flows: list[str]) -> None:
    """Raises the service's error."""
    old = [each for each in flows if not each.startswith("ALLOW_")]
    if old and len(old) < len(flows):
        raise invalid(
            "Invalid ExplicitAuthFlows: flows with and without the ALLOW_ prefix cannot be mixed"
        )


def check_oauth(client: Json) -> None:
    """Raises the service's error."""
    flows = items(client, "AllowedOAuthFlows")
    scopes = items(client, "AllowedOAuthScopes")
    if bool(flows) != bool(scopes):
        raise ServiceError(
            "InvalidOAuthFlowException",
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed "
            "to use OAuth flows.",
        )
    if "implicit" in flows:
        raise unsupported("The OAuth flow implicit (use code with PKCE)")
    if "client_credentials" in flows and (
        len(flows) > 1 or "secret" not in client.get("sealed", {})
    ):
        raise ServiceError(
            "InvalidOAuthFlowException",
            "client_credentials flow can not be selected along with code flow or implicit flow, "
            "or if client does not have a client secret.",
        )
    if "client_credentials" in flows and set(scopes) & set(SCOPES):
        raise ServiceError(
            "InvalidOAuthFlowException",
            "client_credentials flow can not have the scopes of users",
        )
    if "code" in flows and not client.get("CallbackURLs"):
        raise invalid("CallbackURLs is required for the code flow")
    for url in (*client.get("CallbackURLs", ()), *client.get("LogoutURLs", ())):
        _check_url(url)
    default = client.get("DefaultRedirectURI")
    if default and default not in client.get("CallbackURLs", ()):
        raise invalid("DefaultRedirectURI must be one of the CallbackURLs")


def _check_url(url: str) -> None:
    at = urlsplit(url)
    host = at.hostname or ""
    local = host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")
    if not at.scheme or at.fragment or (at.scheme == "http" and not local):
        raise invalid(f"{url[:200]}: a URL has a scheme and no fragment, and is not plain http")
    if at.scheme.lower() in ("javascript", "data", "vbscript", "file", "blob"):
        raise invalid(f"{url[:200]}: this scheme leads nowhere")
