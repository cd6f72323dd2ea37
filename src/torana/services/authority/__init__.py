"""Whether a caller may do what it asks of a service: action, resources, conditions, verdict."""

from torana.services.authority.authority import Authority

__all__ = ["Authority"]
