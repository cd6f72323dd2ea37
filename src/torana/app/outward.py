"""How stages reach their backends: VPC links, and the certificates that are shown there."""

from collections.abc import Callable
from typing import Any

from torana.gateway.errors import InvalidApi
from torana.services.apigateway.book import CLIENT_CERTIFICATE, VPC_LINK
from torana.services.apigateway.client_certificates import opened
from torana.services.apigateway.vpc_links import load_balancer
from torana.services.apigatewayv2.book import VPC_LINK as V2_VPC_LINK
from torana.services.seal import KeyFile
from torana.settings import VpcLink

Json = dict[str, Any]


class Outward:
    """`find` gives a document of the control plane by kind and id."""

    def __init__(
        self,
        links: dict[str, VpcLink],
        seal: KeyFile,
        find: Callable[[str, str], Json | None],
    ) -> None:
        self._links, self._seal, self._find = links, seal, find

    def leads(self, link: Json) -> bool:
        """Whether the settings say where a VPC link leads."""
        return self._target(link) is not None

    def _target(self, link: Json) -> str | None:
        """By the load balancer's name, or the link's."""
        found = self._links.get(load_balancer(link["targetArns"][0]))
        found = found or self._links.get(link["name"])
        return found and found.target

    def vpc_link(self, id: str) -> str | None:
        """Where a VPC link leads, of either API."""
        if id in self._links:
            return self._links[id].target
        link = self._find(VPC_LINK, id)
        if link is not None:
            return self._target(link)
        link = self._find(V2_VPC_LINK, id)
        found = None if link is None else self._links.get(link["Name"])
        return None if found is None else found.target

    def client_certificate(self, id: str) -> tuple[str, str] | None:
        """Certificate and key. Raises `InvalidApi` for one whose key this node cannot open."""
        found = self._find(CLIENT_CERTIFICATE, id)
        try:
            return None if found is None else opened(found, self._seal)
        except ValueError as error:
            raise InvalidApi(f"client certificate {id}: {error}") from error
