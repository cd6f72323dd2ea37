"""Function URLs: addresses of the front door that lead straight to a function."""

from torana.services.lambda_.urls.configs import UrlConfigs
from torana.services.lambda_.urls.door import UrlDoor
from torana.services.lambda_.urls.table import UrlTable

__all__ = ["UrlConfigs", "UrlDoor", "UrlTable"]
