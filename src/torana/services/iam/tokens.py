"""Session tokens: sealed, and holding all there is to know of a session, so that every process of
the gateway can check one without asking anybody. Nodes that share a store share the key file.
"""

import msgspec
from msgspec import Struct

from torana.services.iam.shelf import Seal

_MOST = 10_000
"""Sessions that are remembered opened."""


class Session(Struct, frozen=True, array_like=True):
    """What a token holds. Times are Unix times."""

    access_key_id: str
    secret: str
    kind: str
    """`role`, `user`, `root`, or `function`."""
    name: str
    """Of the role or user; the ARN of a function's role."""
    owner: str
    """Its id: a later one of the same name is another. Of a function: the node that runs it."""
    issued: float
    expires: float
    session: str = ""
    """The session's name."""
    policies: tuple[str, ...] = ()
    """Documents; and ARNs of managed ones."""
    managed: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    transitive: tuple[str, ...] = ()
    source_identity: str = ""
    federated: str = ""
    """The ARN of the provider whose token it was made from."""
    facts: dict[str, str] = {}
    """Further condition keys, such as the claims of that token."""


class Tokens:
    """Seals sessions, and opens them."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._opened: dict[str, Session | None] = {}

    def close(self, session: Session) -> str:
        """The session's token."""
        return self._seal.close(msgspec.msgpack.encode(session))

    def open(self, token: str) -> Session | None:
        """What a token holds; None: this gateway made no such token."""
        if token not in self._opened:
            if len(self._opened) >= _MOST:
                del self._opened[next(iter(self._opened))]
            self._opened[token] = self._read(token)
        return self._opened[token]

    def _read(self, token: str) -> Session | None:
        try:
            return msgspec.msgpack.decode(self._seal.open(token), type=Session)
        except (ValueError, msgspec.MsgspecError):
            return None
