"""Amazon Cognito user pools: who signs in, and the tokens that say so."""

from torana.services.apigateway.book import Book
from torana.services.cognito_idp.admin_users import AdminUsers
from torana.services.cognito_idp.attempts import Attempts
from torana.services.cognito_idp.authentication import Authentication
from torana.services.cognito_idp.challenges import Challenges
from torana.services.cognito_idp.choice import Choice
from torana.services.cognito_idp.clients import Clients, Own
from torana.services.cognito_idp.custom_auth import CustomAuth
from torana.services.cognito_idp.directory import Directory
from torana.services.cognito_idp.groups import Groups
from torana.services.cognito_idp.messages import Messages
from torana.services.cognito_idp.mfa import Mfa
from torana.services.cognito_idp.passwords import Passwords
from torana.services.cognito_idp.pools import Pools
from torana.services.cognito_idp.profile import Profile
from torana.services.cognito_idp.published import Registry
from torana.services.cognito_idp.second_factors import SecondFactors
from torana.services.cognito_idp.servers import Domains, ResourceServers
from torana.services.cognito_idp.sessions import Sessions
from torana.services.cognito_idp.sign_in import SignIn
from torana.services.cognito_idp.sign_up import SignUps
from torana.services.cognito_idp.signing import Signing
from torana.services.cognito_idp.tokens import Tokens
from torana.services.cognito_idp.triggers import Functions, Triggers
from torana.services.cognito_idp.users import Users
from torana.services.kms.ring import Seal
from torana.services.outlets import Outlet
from torana.state.store import Store


class CognitoIdp:
    """The service's parts, for its operations and for its pages."""

    def __init__(self, store: Store, seal: Seal, functions: Functions, outlet: Outlet) -> None:
        self.registry = Registry(store)
        self.directory = directory = Directory(Book(store, "cognito-idp"), seal)
        self.triggers = triggers = Triggers(functions)
        self.own = own = Own(directory)
        self.signing = signing = Signing(directory)
        self.sessions = sessions = Sessions(directory, signing, own)
        self.tokens = tokens = Tokens(directory, signing, sessions, triggers)
        self.users = users = Users(directory, sessions)
        words = Passwords(directory)
        attempts, challenges = Attempts(store), Challenges(directory)
        messages = Messages(outlet, triggers)
        factors = SecondFactors(directory, attempts, challenges, messages, tokens, triggers)
        custom = CustomAuth(challenges, factors, attempts, triggers)
        choice = Choice(directory, challenges, messages)
        self.sign_in = SignIn(
            directory,
            users,
            words,
            attempts,
            challenges,
            factors,
            custom,
            choice,
            tokens,
            triggers,
            own,
        )
        self.authentication = Authentication(directory, self.sign_in, tokens, own)
        self.sign_ups = SignUps(directory, users, words, messages, triggers, own)
        self.mfa = Mfa(directory, sessions, challenges, attempts)
        self.operations: tuple[object, ...] = (
            Pools(directory, signing),
            Clients(directory),
            Groups(directory),
            ResourceServers(directory),
            Domains(directory),
            AdminUsers(directory, users, sessions, words, messages, triggers),
            self.sign_ups,
            self.authentication,
            Profile(directory, users, sessions, words, attempts, messages),
            self.mfa,
            sessions,
        )


__all__ = ["CognitoIdp"]
