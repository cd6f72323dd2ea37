"""What apps and people reach of user pools over HTTP: pages, OAuth 2.0, OpenID Connect."""

from torana.services.cognito_idp.hosted.door import PoolDoor

__all__ = ["PoolDoor"]
