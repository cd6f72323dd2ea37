"""API Gateway's control plane for REST APIs, over the store. One file for each thing it manages."""

from torana.services.apigateway.apis import Apis
from torana.services.apigateway.book import Book
from torana.services.apigateway.deployments import Check, Deployments
from torana.services.apigateway.documents import Documents
from torana.services.apigateway.integrations import Integrations
from torana.services.apigateway.keys import Keys, UsagePlans
from torana.services.apigateway.methods import Methods
from torana.services.apigateway.parts import Parts
from torana.services.apigateway.resources import Resources
from torana.state.store import Store

__all__ = ["Check", "apigateway"]


def apigateway(store: Store, check: Check) -> tuple[object, ...]:
    """Every operation, by what it is about. `check`: see `Deployments`."""
    book = Book(store)
    return (
        Apis(book),
        Resources(book),
        Methods(book),
        Integrations(book),
        Deployments(book, check),
        Documents(book),
        Parts(book),
        Keys(book),
        UsagePlans(book),
    )
