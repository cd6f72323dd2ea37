"""Times, as answers have them."""

from datetime import UTC, datetime


def moment(at: float) -> datetime:
    """Of seconds since 1970."""
    return datetime.fromtimestamp(at, UTC)
