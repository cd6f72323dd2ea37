"""What a listener asks of its connections, whatever protocol they speak."""

from typing import Protocol

from torana.net.limits import Limits


class Client(Protocol):
    """One client's connection."""

    @property
    def address(self) -> str:
        """The client's; empty on a unix socket."""
        ...

    @property
    def busy(self) -> int:
        """Requests of it that are being answered."""
        ...

    def check(self, now: float) -> None:
        """End what takes too long. Called about once a second with the loop's time."""
        ...

    def drain(self) -> bool:
        """Finish what runs and take nothing more; True when nothing runs."""
        ...

    def abort(self) -> None:
        """End at once."""
        ...


Clients = set[Client]


def crowded(clients: Clients, address: str, limits: Limits) -> bool:
    """Whether there are too many clients, or too many connections of this one. Neighbours on a
    unix socket have no address and are not counted apart."""
    if len(clients) >= limits.connections:
        return True
    if len(clients) < limits.connections_per_address or not address:
        return False
    return sum(each.address == address for each in clients) >= limits.connections_per_address
