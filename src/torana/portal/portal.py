"""The portal's addresses: the page and its files, who is signed in, and what they do.

Nothing here has an operator's rights: what a developer sees is what was published, and what they
change is their own.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote
from uuid import uuid4

import msgspec
from msgspec import Struct

from torana.app.insight import Insight
from torana.console.refused import Refused, as_json, body_of
from torana.console.static_files import SAFE, StaticFiles, policy
from torana.message import Headers, Reply, Request
from torana.portal.paper import as_csv, as_html
from torana.portal.people import Developer, People
from torana.portal.sdk import LANGUAGES, archive
from torana.portal.shelf import Found, Place, Published, Shelf
from torana.portal.trying import asked_of, send
from torana.services.apigateway.book import Book, Json
from torana.services.portal.billing import Billing, end_of, month_of
from torana.services.portal.records import Subscription, plain
from torana.services.portal.subscriptions import Subscriptions
from torana.services.ports import Call, Principal
from torana.state.store import StoreUnavailable
from torana.wire.faults import ServiceError

_log = logging.getLogger("torana.portal")

_BODY = 2 * 1024 * 1024
_LONGEST_OVERLAP = 30 * 24.0
"""Hours."""
_DAYS = 92
ROOT = "/portal"


class Visit(Struct, frozen=True):
    """A request of a portal."""

    published: Published
    base: str
    """What stands before every path of the portal."""
    request: Request
    rest: tuple[str, ...]
    """Of the path, behind what the answer is found by."""
    who: Developer | None = None

    @property
    def email(self) -> str | None:
        """Of who is signed in. One that nobody has confirmed is nobody's."""
        if self.who is None:
            return None
        return self.who.account.email if self.who.account.verified else ""

    def developer(self) -> Developer:
        """Raises `Refused`."""
        if self.who is None:
            raise Refused(401, "SignedOut", "Sign in to go on")
        return self.who


Answer = Callable[[Visit], Awaitable[Reply]]


class Portal:
    """Implements `PortalSite`."""

    def __init__(self, insight: Insight) -> None:
        assert insight.settings.portal is not None
        self._insight, self._settings = insight, insight.settings.portal
        self._domain = f".portal.{insight.settings.region}.{insight.settings.domain_suffix}"
        self._files = StaticFiles()
        book = Book(insight.store, "torana")
        self._shelf = Shelf(book, insight.table)
        self._people = People(insight.store, insight.anonymous)
        self._subscriptions = Subscriptions(book)
        self._billing = Billing(book, self._settings.currency)
        self._answers: dict[tuple[str, str], Answer] = {
            ("GET", "session"): self._session,
            ("GET", "products"): self._products,
            ("GET", "definition"): self._definition,
            ("GET", "sdk"): self._sdk,
            ("POST", "try"): self._try,
            ("GET", "applications"): self._applications,
            ("POST", "applications"): self._add_application,
            ("DELETE", "applications"): self._drop_application,
            ("GET", "subscriptions"): self._subscribed,
            ("POST", "subscriptions"): self._subscribe,
            ("DELETE", "subscriptions"): self._unsubscribe,
            ("POST", "keys"): self._new_key,
            ("DELETE", "keys"): self._drop_key,
            ("GET", "usage"): self._usage,
            ("GET", "invoices"): self._invoice,
        }
        people = self._people
        self._forms = {
            "sign-up": people.sign_up,
            "confirm": people.confirm,
            "resend": people.resend,
            "forgot": people.forgot,
            "reset": people.reset,
        }

    def owns(self, host: str) -> bool:
        """Whether a name is a portal's alone: no API answers there, so that no page of one can
        read a portal's."""
        name = host.partition(":")[0].lower()
        if self._settings.port is not None:
            return False
        if self._settings.host:
            return name == self._settings.host.lower()
        return name.endswith(self._domain)

    def find(self, host: str, path: str) -> Callable[[Request], Awaitable[Reply]] | None:
        """See `Hosts`."""
        if self._settings.port is not None or self._settings.host:
            return None
        return self if path == ROOT or path.startswith(ROOT + "/") else None

    def never(self, host: str, path: str) -> bool:
        """See `Hosts`: the settings alone say where portals are."""
        return not self.owns(host) and self.find(host, path) is None

    async def __call__(self, request: Request) -> Reply:
        """Answer whatever is asked of portals."""
        try:
            return await self._answer(request)
        except Refused as error:
            return error.reply()
        except ServiceError as error:
            return Refused(error.status or _status(error.code), error.code, error.message).reply()
        except StoreUnavailable:
            return Refused(503, "Unavailable", "The store does not answer").reply()
        except Exception:  # noqa: BLE001 - the boundary: a fault in one request stays there
            _log.exception("%s %s failed", request.method, request.target.partition("?")[0])
            return Refused(500, "InternalFailure", "Internal error").reply()

    async def keep_house(self) -> None:
        """End keys whose time is over, and freeze invoices of months that are."""
        call = self._call_of(Request("POST", "/", Headers()), None, "ExpireKeys")
        await self._subscriptions.expire(call)
        await self._billing.close_month()

    async def _answer(self, request: Request) -> Reply:
        path = unquote(request.target.partition("?")[0])
        id, base, rest = await self._placed(request, path)
        if id is None:
            raise Refused(404, "NotFound", "No portal is published")
        if rest is None:
            fields = [("Location", f"{ROOT}/{id}/"), ("Cache-Control", "no-cache")]
            return Reply(302, Headers(fields))
        published = await self._shelf.portal(id)
        if published is None:
            raise Refused(404, "NotFound", "There is no such portal")
        parts = rest.strip("/").split("/")
        if parts[0] == "api":
            return await self._api(published, base, request, parts[1:])
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "MethodNotAllowed", f"{request.method} is not allowed here")
        if parts[0] == "assets":
            reply = self._files.file(request, "/".join(parts[1:]))
            if reply is None:
                raise Refused(404, "NotFound", "There is no such file")
            return reply
        return self._files.page("portal.html", base)

    async def _placed(self, request: Request, path: str) -> tuple[str | None, str, str | None]:
        """Which portal, what stands before its paths, and what is behind; None: it must be asked
        for by its own address."""
        name = (request.headers.get("host") or "").partition(":")[0].lower()
        if name.endswith(self._domain):
            return name.removesuffix(self._domain), "", path
        if path.startswith(ROOT + "/") and path != ROOT + "/":
            id, _, rest = path[len(ROOT) + 1 :].partition("/")
            return id, f"{ROOT}/{id}", f"/{rest}"
        home = self._settings.home or await self._shelf.home()
        own = self._settings.host or self._settings.port is not None
        return home, "", path if own and path not in (ROOT, ROOT + "/") else None

    async def _api(
        self, published: Published, base: str, request: Request, parts: list[str]
    ) -> Reply:
        head = parts[0] if parts else ""
        if request.method == "POST" and head in self._forms:
            return await self._forms[head](published, request)
        if (request.method, head) == ("POST", "session"):
            return await self._people.sign_in(published, base, request)
        if (request.method, head) == ("DELETE", "session"):
            return await self._people.sign_out(published, base, request)
        answer = self._answers.get((request.method, head))
        if answer is None:
            raise Refused(404, "NotFound", "There is nothing of that name")
        who = await self._people.known(published, request)
        return await answer(Visit(published, base, request, tuple(parts[1:]), who))

    async def _session(self, visit: Visit) -> Reply:
        """The portal, and who is signed in."""
        content = visit.published.portal["PortalContent"]
        return as_json(
            {
                "portal": {
                    "id": visit.published.id,
                    "name": content["DisplayName"],
                    "description": content.get("Description", ""),
                    "colors": content["Theme"]["CustomColors"],
                },
                "signIn": visit.published.client() is not None,
                "who": visit.who and plain(visit.who.account),
                "csrf": visit.who and visit.who.csrf,
                "currency": self._settings.currency,
                "overlapHours": self._settings.overlap_hours,
                "languages": list(LANGUAGES),
            }
        )

    async def _products(self, visit: Visit) -> Reply:
        """All, or the one that is named."""
        if visit.rest:
            return as_json(await self._shelf.shown(await self._product(visit, visit.rest[0])))
        found = await self._shelf.products(visit.published, visit.email)
        return as_json({"products": [await self._shelf.shown(each) for each in found]})

    async def _definition(self, visit: Visit) -> Reply:
        """`/definition/{product}/{api}/{stage}`: OpenAPI."""
        return as_json((await self._document(visit, visit.rest))[0])

    async def _sdk(self, visit: Visit) -> Reply:
        """`/sdk/{product}/{api}/{stage}/{language}`: a zip."""
        *place, language = visit.rest or ("",)
        if language not in LANGUAGES:
            raise Refused(404, "NotFound", f"There are clients in {', '.join(LANGUAGES)}")
        document, _ = await self._document(visit, tuple(place))
        name, content = archive(document, language)
        return _download("application/zip", name, content)

    async def _try(self, visit: Visit) -> Reply:
        """See `trying`. Where developers sign in, for those alone who have."""
        if visit.published.client() is not None:
            visit.developer()
        asked = asked_of(await body_of(visit.request, _BODY))
        place = (asked.product, asked.api, asked.stage)
        document, (api, stage) = await self._document(visit, place)
        live = self._shelf.live((api, stage))
        assert live is not None
        item = _matching(document, asked.path.partition("?")[0])
        operation: Json | None = item.get(asked.method.lower())
        if operation is None or operation.get("x-try-it") is False:
            raise Refused(403, "NotTried", "This operation cannot be tried here")
        return as_json(await send(asked, live, visit.request, self._insight.ask))

    async def _applications(self, visit: Visit) -> Reply:
        found = await self._subscriptions.applications(visit.developer().account.id)
        return as_json({"applications": [plain(each) for each in found]})

    async def _add_application(self, visit: Visit) -> Reply:
        """`{name, description?}`."""
        who, given = visit.developer(), await body_of(visit.request, _BODY)
        made = await self._subscriptions.add_application(
            self._call(visit, "CreateApplication"),
            who.account.id,
            str(given.get("name") or ""),
            str(given.get("description") or ""),
        )
        return as_json(plain(made), 201)

    async def _drop_application(self, visit: Visit) -> Reply:
        """`/applications/{id}`."""
        [id] = _exactly(visit, 1)
        call = self._call(visit, "DeleteApplication")
        await self._subscriptions.drop_application(call, visit.developer().account.id, id)
        return as_json({})

    async def _subscribed(self, visit: Visit) -> Reply:
        found = await self._subscriptions.of(visit.developer().account.id)
        own = [each for each in found if each.portal_id == visit.published.id]
        return as_json({"subscriptions": [plain(each) for each in own]})

    async def _subscribe(self, visit: Visit) -> Reply:
        """`{application, product, plan}`."""
        who, given = visit.developer(), await body_of(visit.request, _BODY)
        found = await self._product(visit, str(given.get("product") or ""))
        made = await self._subscriptions.ask(
            self._call(visit, "Subscribe"),
            who.account,
            visit.published.id,
            str(given.get("application") or ""),
            found.product,
            str(given.get("plan") or ""),
        )
        return as_json(plain(made), 201)

    async def _unsubscribe(self, visit: Visit) -> Reply:
        """`/subscriptions/{id}`."""
        [id] = _exactly(visit, 1)
        await self._own(visit, id)
        call = self._call(visit, "CancelSubscription")
        made = await self._subscriptions.cancel(call, visit.developer().account.id, id)
        return as_json(plain(made))

    async def _new_key(self, visit: Visit) -> Reply:
        """`/keys/{subscription}`, `{overlapHours?}`: a key, whose value is shown this once."""
        [id] = _exactly(visit, 1)
        await self._own(visit, id)
        given = await body_of(visit.request, _BODY)
        hours = given.get("overlapHours", self._settings.overlap_hours)
        if not isinstance(hours, int | float) or not 0 <= hours <= _LONGEST_OVERLAP:
            message = f"overlapHours: 0 to {_LONGEST_OVERLAP:.0f}"
            raise Refused(400, "BadRequestException", message)
        made, value = await self._subscriptions.new_key(
            self._call(visit, "CreateKey"), visit.developer().account.id, id, hours * 3600
        )
        return as_json({"subscription": plain(made), "value": value}, 201)

    async def _drop_key(self, visit: Visit) -> Reply:
        """`/keys/{subscription}/{key}`."""
        id, key = _exactly(visit, 2)
        await self._own(visit, id)
        call = self._call(visit, "RevokeKey")
        made = await self._subscriptions.drop(call, visit.developer().account.id, id, key)
        return as_json(plain(made))

    async def _usage(self, visit: Visit) -> Reply:
        """`/usage/{month}`: calls by day of every subscription."""
        [text] = _exactly(visit, 1)
        first = month_of(text)
        if datetime.now(UTC).date() - first > timedelta(days=_DAYS):
            raise Refused(404, "NotFound", "Days are kept for three months")
        told = [
            {
                "subscription": each.id,
                "application": each.application,
                "product": each.product,
                "plan": each.plan,
                "days": await self._billing.usage(each, first, end_of(first)),
            }
            for each in await self._subscriptions.of(visit.developer().account.id)
            if each.keys
        ]
        return as_json({"month": text, "subscriptions": told})

    async def _invoice(self, visit: Visit) -> Reply:
        """`/invoices/{month}`, with `.csv` or `.html` behind it if wanted."""
        [text] = _exactly(visit, 1)
        month, _, form = text.partition(".")
        invoice = await self._billing.invoice(visit.developer().account.id, month_of(month))
        if form == "csv":
            name = f"invoice-{invoice.number}.csv"
            return _download("text/csv; charset=utf-8", name, as_csv(invoice).encode())
        if form == "html":
            nonce = secrets.token_urlsafe(16)
            seller = visit.published.portal["PortalContent"]["DisplayName"]
            fields = [
                ("Content-Type", "text/html; charset=utf-8"),
                ("Cache-Control", "no-store"),
                ("Content-Security-Policy", policy(nonce)),
                *SAFE,
            ]
            return Reply(200, Headers(fields), as_html(invoice, seller, nonce).encode())
        if form:
            raise Refused(404, "NotFound", "There is JSON, .csv and .html")
        return as_json(msgspec.to_builtins(invoice))

    async def _product(self, visit: Visit, id: str) -> Found:
        found = await self._shelf.product(visit.published, visit.email, id)
        if found is None:
            raise Refused(404, "NotFound", "There is no such product")
        return found

    async def _document(self, visit: Visit, rest: tuple[str, ...]) -> tuple[Json, Place]:
        if len(rest) != 3:
            raise Refused(404, "NotFound", "Name a product, an API and a stage")
        product, api, stage = rest
        found = await self._product(visit, product)
        document = await self._shelf.definition(found, (api, stage), self._front(visit.request))
        if document is None:
            raise Refused(404, "NotFound", "The product has no such API")
        return document, (api, stage)

    async def _own(self, visit: Visit, id: str) -> Subscription:
        """A subscription of who is signed in, made at this portal."""
        for each in await self._subscriptions.of(visit.developer().account.id):
            if each.id == id and each.portal_id == visit.published.id:
                return each
        raise Refused(404, "NotFoundException", "There is no such subscription")

    def _front(self, request: Request) -> str:
        """Where developers reach the front door."""
        if self._settings.api_address:
            return self._settings.api_address.rstrip("/")
        if self._settings.port is not None or self._settings.host:
            return self._insight.front()
        return f"{request.peer.scheme}://{request.headers.get('host') or 'localhost'}"

    def _call(self, visit: Visit, operation: str) -> Call:
        return self._call_of(visit.request, visit.developer(), operation)

    def _call_of(self, request: Request, who: Developer | None, operation: str) -> Call:
        """For the audit: who did something, and what it is called."""
        settings = self._insight.settings
        arn = f"arn:aws:iam::{settings.account}:root"
        if who is not None:
            place = f"{settings.region}:{settings.account}:userpool/{who.pool}"
            arn = f"arn:aws:cognito-idp:{place}/{who.account.id}"
        principal = Principal(settings.account, arn, who.account.id if who else settings.account)
        return Call(operation, principal, settings.region, str(uuid4()), 30.0, request)


def _exactly(visit: Visit, number: int) -> tuple[str, ...]:
    if len(visit.rest) != number:
        raise Refused(404, "NotFound", "There is nothing of that name")
    return visit.rest


def _matching(document: Json, path: str) -> Json:
    """The operations of a path, by the template that fits it best."""
    given = path.strip("/").split("/")
    best: tuple[tuple[int, ...], Json] | None = None
    for template, item in document["paths"].items():
        rank = _rank(template.strip("/").split("/"), given)
        if rank is not None and (best is None or rank < best[0]):
            best = rank, item
    return best[1] if best else {}


def _rank(template: list[str], given: list[str]) -> tuple[int, ...] | None:
    """How loosely it fits: 0 for a word, 1 for a variable, 2 for the rest; None: it does not."""
    rank: list[int] = []
    for index, part in enumerate(template):
        if part.startswith("{") and part.endswith("+}"):
            return (*rank, 2) if index < len(given) else None
        if index >= len(given):
            return None
        if part.startswith("{") and part.endswith("}"):
            rank.append(1)
        elif part == unquote(given[index]):
            rank.append(0)
        else:
            return None
    return tuple(rank) if len(template) == len(given) else None


def _status(code: str) -> int:
    return {"NotFoundException": 404, "ConflictException": 409}.get(code, 400)


def _download(kind: str, name: str, content: bytes) -> Reply:
    fields = [
        ("Content-Type", kind),
        ("Content-Disposition", f'attachment; filename="{name}"'),
        ("Cache-Control", "no-store"),
        *SAFE,
    ]
    return Reply(200, Headers(fields), content)
