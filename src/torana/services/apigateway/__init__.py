"""API Gateway's control plane for REST APIs, over the store. One file for each thing it manages."""

from torana.services.apigateway.apis import Apis
from torana.services.apigateway.book import Book
from torana.services.apigateway.client_certificates import ClientCertificates
from torana.services.apigateway.deployments import Deployments
from torana.services.apigateway.documentation import Documentation
from torana.services.apigateway.documents import Documents
from torana.services.apigateway.domain_access import DomainAccess
from torana.services.apigateway.domains import Domains
from torana.services.apigateway.gateway_responses import GatewayResponses
from torana.services.apigateway.imports import Imports
from torana.services.apigateway.integrations import Integrations
from torana.services.apigateway.keys import Keys, UsagePlans
from torana.services.apigateway.methods import Methods
from torana.services.apigateway.model_template import ModelTemplates
from torana.services.apigateway.parts import Parts
from torana.services.apigateway.plane import DataPlane
from torana.services.apigateway.resources import Resources
from torana.services.apigateway.sdks import Sdks
from torana.services.apigateway.stages import Stages
from torana.services.apigateway.tags import Tags
from torana.services.apigateway.trying import Trying
from torana.services.apigateway.usage import Usage
from torana.services.apigateway.vpc_links import VpcLinks
from torana.state.store import Store

__all__ = ["DataPlane", "apigateway"]


def apigateway(store: Store, plane: DataPlane) -> tuple[object, ...]:
    """Every operation, by what it is about."""
    book = Book(store)
    stages = Stages(book, plane.cannot_serve)
    return (
        Apis(book),
        Resources(book),
        Methods(book),
        Integrations(book),
        Deployments(book, stages, plane.breaking),
        stages,
        Documents(book),
        Parts(book),
        GatewayResponses(book),
        Keys(book),
        UsagePlans(book),
        Domains(book, plane.cannot_trust),
        DomainAccess(book),
        Documentation(book),
        Tags(book),
        Usage(book),
        Sdks(book),
        Imports(book),
        ModelTemplates(book),
        VpcLinks(book, plane.leads),
        ClientCertificates(book, plane.seal),
        Trying(book, plane.serve_once, plane.authorize_once),
    )
