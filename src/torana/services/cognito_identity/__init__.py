"""Amazon Cognito identity pools: whoever a provider vouches for, or nobody in particular, gets
credentials of a role for an hour."""

from torana.services.apigateway.book import Book
from torana.services.cognito_identity.credentials import Credentials
from torana.services.cognito_identity.directory import Directory
from torana.services.cognito_identity.identities import IdentityOperations
from torana.services.cognito_identity.logins import Logins
from torana.services.cognito_identity.pools import IdentityPools
from torana.services.cognito_idp import CognitoIdp
from torana.services.iam.identities import Identities
from torana.services.open_tokens import OpenTokens
from torana.services.sts import Verify
from torana.state.store import Store


def cognito_identity(
    store: Store, idp: CognitoIdp, identities: Identities, verify: Verify, tokens: OpenTokens
) -> tuple[object, ...]:
    """The facade."""
    directory = Directory(Book(store, "cognito-identity"))
    logins = Logins(idp, identities.directory, verify)
    return (
        IdentityPools(directory),
        IdentityOperations(directory, logins),
        Credentials(directory, logins, identities, tokens),
    )
