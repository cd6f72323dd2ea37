"""Times, as answers have them."""

from datetime import UTC, datetime


def moment(seconds: float) -> datetime:
    """Seconds since 1970, as the wire takes a time."""
    return datetime.fromtimestamp(seconds, UTC)
