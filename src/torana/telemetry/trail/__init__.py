"""The audit trail: every call of a service and every denied request, in chains of lines."""

from torana.telemetry.trail.writer import Trail

__all__ = ["Trail"]
