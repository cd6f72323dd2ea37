"""The access keys that are let in, and whose they are. Nothing here reads the store.

Implements `Credentials`.
"""

import time
from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct, structs

from torana.auth.grants import NOTHING, Grants
from torana.auth.keys import new_access_key_id, new_secret_access_key, same
from torana.auth.policy import Caller, Policy, Question, evaluate
from torana.auth.sigv4 import OVER, SignatureError
from torana.services.iam.directory import Directory, Known
from torana.services.iam.shelf import Seal
from torana.services.iam.tokens import Session, Tokens
from torana.services.ports import Credential, Principal

_LIFETIME = 12 * 3600.0
"""Seconds that a function's credentials are good elsewhere; its instance is replaced before."""
_TRUSTED = "trusted"
_SESSION_FACTS = {"aws:multifactorauthpresent": "false"}


class Held(Struct, frozen=True):
    """Credentials of a function's instance, valid while it lives. Their token says it all, so that
    processes which do not run it know them, too."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    role: str
    session: str
    trusted: bool
    """The operator's own function: its role is taken at its word."""


class Identities:
    """Root, users, sessions of roles, and functions."""

    def __init__(
        self,
        root: Credential,
        directory: Directory,
        seal: Seal,
        clock: Callable[[], float] = time.time,
        *,
        node: str = "",
        runs: bool = True,
        ended: Callable[[str, float], None] = lambda key, expires: None,
    ) -> None:
        """`runs`: this process runs the `node`'s functions; `ended` tells the others of credentials
        that are over, and when they would have been by themselves."""
        self.root, self.directory, self.tokens = root, directory, Tokens(seal)
        self.account = root.principal.account
        self._seal, self._clock = seal, clock
        self._node, self._runs, self._ended = node, runs, ended
        self._held: dict[str, Held] = {}
        self._secrets: dict[str, str] = {}

    async def find(self, access_key_id: str, session_token: str) -> Credential | None:
        """See `Credentials`."""
        return self.known(access_key_id, session_token)

    def known(self, access_key_id: str, session_token: str = "") -> Credential | None:
        """Who an access key belongs to. Raises `SignatureError` for a session that is over."""
        if same(access_key_id, self.root.access_key_id):
            return self.root
        if not session_token:
            return self._of_user(access_key_id)
        held = self._held.get(access_key_id)
        if held is not None:
            return self._of_function(held)
        session = self.tokens.open(session_token)
        if session is None or session.access_key_id != access_key_id:
            return None
        if session.expires <= self._clock():
            raise SignatureError("over", OVER)
        if session.kind == "function":
            return self._of_other(session, session_token)
        principal = self._of_session(session)
        if principal is None:
            return None
        return Credential(access_key_id, session.secret, principal, session_token)

    def _of_user(self, id: str) -> Credential | None:
        key = self.directory.key(id)
        if key is None or key.status != "Active":
            return None
        known = self.directory.user(key.user)
        if known is None:
            return None
        secret = self._secrets.get(key.secret)
        if secret is None:
            try:
                secret = self._secrets[key.secret] = self._seal.open(key.secret).decode()
            except ValueError:
                return None
        return Credential(id, secret, self.user(known, id))

    def user(self, known: Known, access_key_id: str = "") -> Principal:
        """A user."""
        caller = Caller((known.arn,), self.account)
        return Principal(self.account, known.arn, known.id, known.grants, caller, access_key_id)

    def _of_session(self, session: Session) -> Principal | None:
        if session.kind == "root":
            return structs.replace(self.root.principal, access_key_id=session.access_key_id)
        if session.kind == "user":
            known = self.directory.user(session.name)
            if known is None or known.id != session.owner:
                return None
            found = self.user(known, session.access_key_id)
            facts = {**known.grants.facts, **_times(session), **_SESSION_FACTS}
            return structs.replace(found, grants=structs.replace(known.grants, facts=facts))
        known = self.directory.role(session.name)
        if known is None or known.id != session.owner:
            return None
        return self.assumed(known, session)

    def assumed(self, known: Known, session: Session) -> Principal:
        """A session of a role."""
        arn = f"arn:aws:sts::{self.account}:assumed-role/{known.name}/{session.session}"
        user_id = f"{known.id}:{session.session}"
        tags = {f"aws:principaltag/{key.lower()}": value for key, value in session.tags.items()}
        facts = {**known.grants.facts, **tags, **session.facts, **_times(session)}
        facts["aws:userid"] = user_id
        chained = {key: session.tags[key] for key in session.transitive if key in session.tags}
        if session.source_identity:
            facts["aws:sourceidentity"] = session.source_identity
            chained["aws:sourceidentity"] = session.source_identity
        bounds: tuple[Policy, ...] | None = None
        if session.policies or session.managed:
            compiled = [self.directory.compiled(text) for text in session.policies]
            bounds = tuple(policy for policy in compiled if policy is not None)
            bounds += self.directory.managed(session.managed)
        grants = structs.replace(known.grants, session=bounds, facts={**facts, **_SESSION_FACTS})
        caller = Caller((arn, known.arn), self.account)
        return Principal(self.account, arn, user_id, grants, caller, session.access_key_id, chained)

    def acting(self, role: str, service: str, session: str, *, trusted: bool) -> Principal | None:
        """A service acting as a role (an ARN); None: it may not.

        A role that was never made here is taken at its word where its owner is `trusted`, or as
        long as there is nobody but the account itself; afterwards it may do nothing.
        """
        known = self.directory.role(role)
        if known is None:
            if not (trusted or self.directory.empty):
                return None
            return _at_its_word(role, session, self.account)
        if not trusts(known, service):
            return None
        now = self._clock()
        return self.assumed(known, Session("", "", "role", known.name, known.id, now, now, session))

    def open(self, role: str, session: str, *, trusted: bool = False) -> Held:
        """New credentials for a function's instance, until `close`."""
        now, id, secret = self._clock(), new_access_key_id("ASIA"), new_secret_access_key()
        facts = {_TRUSTED: "true"} if trusted else {}
        said = Session(
            id, secret, "function", role, self._node, now, now + _LIFETIME, session, facts=facts
        )
        made = Held(id, secret, self.tokens.close(said), role, session, trusted)
        self._held[id] = made
        return made

    def close(self, access_key_id: str) -> None:
        """They are not let in any more."""
        if self._held.pop(access_key_id, None) is not None:
            self._ended(access_key_id, self._clock() + _LIFETIME)

    def _of_other(self, session: Session, token: str) -> Credential | None:
        """Of a function that another process runs."""
        gone = self._runs and session.owner == self._node
        if gone or self.directory.ended(session.access_key_id):
            return None
        trusted = _TRUSTED in session.facts
        return self._of_function(
            Held(
                session.access_key_id,
                session.secret,
                token,
                session.name,
                session.session,
                trusted,
            )
        )

    def _of_function(self, held: Held) -> Credential:
        trusted = held.trusted
        principal = self.acting(
            held.role or f"arn:aws:iam::{self.account}:role/torana",
            "lambda.amazonaws.com",
            held.session,
            trusted=trusted,
        )
        if principal is None:
            known = structs.replace(self.root.principal, grants=NOTHING)
            arn = f"arn:aws:sts::{self.account}:assumed-role/{held.role.rpartition('/')[2]}"
            principal = structs.replace(known, arn=f"{arn}/{held.session}", caller=Caller())
        principal = structs.replace(principal, access_key_id=held.access_key_id)
        return Credential(held.access_key_id, held.secret_access_key, principal, held.session_token)


@lru_cache(maxsize=1024)
def _at_its_word(role: str, session: str, account: str) -> Principal:
    """A role that was never made, which may do everything."""
    name = role.rpartition("/")[2]
    owner = role.split(":")[4] if role.count(":") >= 5 else account
    arn = f"arn:aws:sts::{owner}:assumed-role/{name}/{session}"
    caller = Caller((arn, role), owner)
    return Principal(owner, arn, f"{name}:{session}", Grants(root=True), caller)


def trusts(role: Known, service: str) -> bool:
    """Whether a role's trust policy lets a service take it."""
    question = Question("sts:AssumeRole", role.arn, Caller(service=service))
    return role.trust is not None and evaluate([role.trust], question).allowed


def _times(session: Session) -> dict[str, str]:
    issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(session.issued))
    return {"aws:tokenissuetime": issued}
