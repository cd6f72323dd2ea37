"""The developer portal: what developers outside see of products, and do themselves."""

from torana.portal.portal import Portal

__all__ = ["Portal"]
