"""Services whose addresses may say in the host what their routes expect in the path."""

from collections.abc import Callable, Mapping

from torana.message import Request
from torana.services.s3.address import path_style

ADDRESSES: Mapping[str, Callable[[Request, str | None], Request]] = {"s3": path_style}
"""By botocore's name. The second argument is what stands before the service in an integration's
address; None: the host tells."""
