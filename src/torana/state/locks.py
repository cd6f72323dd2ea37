"""Locks that lapse: a table on a clock that is handed in."""


class LockTable:
    """Who holds which name until when. Tokens grow, so an old holder can be told from a new one."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, float]] = {}
        self._last = 0

    def acquire(self, name: str, ttl: float, now: float) -> int | None:
        """A token when nobody holds the name, None otherwise."""
        if name in self._held and self._held[name][1] > now:
            return None
        self._held = {other: lock for other, lock in self._held.items() if lock[1] > now}
        self._last += 1
        self._held[name] = self._last, now + ttl
        return self._last

    def renew(self, name: str, token: int, ttl: float, now: float) -> bool:
        """Hold it on; False when it has lapsed or is another's."""
        held, until = self._held.get(name, (0, 0.0))
        if held != token or until <= now:
            return False
        self._held[name] = token, now + ttl
        return True

    def release(self, name: str, token: int) -> None:
        """Let it go, if it is still this token's."""
        if self._held.get(name, (0, 0.0))[0] == token:
            del self._held[name]
