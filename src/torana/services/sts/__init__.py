"""AWS STS: the caller's identity, and sessions."""

from torana.services.sts.facade import Sts, Verify

__all__ = ["Sts", "Verify"]
