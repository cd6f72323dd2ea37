"""API Gateway's control plane for HTTP and WebSocket APIs, over the store."""

from torana.services.apigateway.plane import DataPlane
from torana.services.apigatewayv2.apis import Apis
from torana.services.apigatewayv2.authorizers import Authorizers
from torana.services.apigatewayv2.book import Book
from torana.services.apigatewayv2.deploying import Deploying
from torana.services.apigatewayv2.documents import Documents
from torana.services.apigatewayv2.domains import Domains, Mappings
from torana.services.apigatewayv2.integrations import Integrations
from torana.services.apigatewayv2.models import Models
from torana.services.apigatewayv2.portal_products import Products
from torana.services.apigatewayv2.portals import Portals
from torana.services.apigatewayv2.product_pages import EndpointPages, Pages
from torana.services.apigatewayv2.responses import IntegrationResponses, RouteResponses
from torana.services.apigatewayv2.routes import Routes
from torana.services.apigatewayv2.routing_rules import RoutingRules
from torana.services.apigatewayv2.stages import Deployments, Stages
from torana.services.apigatewayv2.tags import Tags
from torana.services.apigatewayv2.vpc_links import VpcLinks
from torana.state.store import Store

__all__ = ["apigatewayv2"]


def apigatewayv2(store: Store, plane: DataPlane) -> tuple[object, ...]:
    """Every operation, by what it is about."""
    book = Book(store, "apigatewayv2")
    deploying = Deploying(book, plane.cannot_deploy, plane.breaking)
    return (
        Apis(book, deploying, plane.endpoint),
        Documents(book, deploying, plane.endpoint),
        Routes(deploying),
        RouteResponses(deploying),
        Integrations(deploying),
        IntegrationResponses(deploying),
        Authorizers(deploying),
        Models(deploying),
        Stages(book, deploying),
        Deployments(book, deploying),
        Domains(book, plane.cannot_trust),
        Mappings(book),
        RoutingRules(book),
        VpcLinks(book),
        Portals(book, plane.portal),
        Products(book),
        Pages(book),
        EndpointPages(book, plane.endpoint),
        Tags(book),
    )
