"""The routes of `/ogc`: each reads, puts into words, and answers in the form that was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Final
from urllib.parse import quote, urlsplit

import orjson
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from ioc import layer_schema
from ioc.domain.instant import to_datetime
from ioc.domain.zones import LOCAL
from ioc.text import say
from ioc.web.ogc import asking, documents, features, html, openapi
from ioc.web.ogc.asking import AskedWronglyError
from ioc.web.ogc.collections import THINGS, Described, described
from ioc.web.ogc.systems import Served, Systems
from ioc.web.pages.login import style_sheets
from ioc.web.problem import problem
from ioc.web.queries.features import FeatureQueries
from ioc.web.queries.features_things import MOST_ID, place
from ioc.web.queries.features_wanted import Collection, Item, Page, Wanted
from ioc.web.services import Services

PREFIX: Final = "/ogc"
_FORMS: Final = ("json", "html")

Route = Callable[..., Awaitable[Response]]


class Ogc:
    """What all routes use."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self.services = services
        self.province = settings.province
        self.queries = FeatureQueries(services.database)
        self.systems = Systems(LOCAL.get(settings.province.code, ()))
        self.paper = html.Paper(settings.province, style_sheets(settings.assets_dir))
        self._schemas = layer_schema.load(settings.config_dir / "layers")

    async def described(self) -> list[Described]:
        """Return every collection with its words; the live things first."""
        found = await self.queries.collections()
        things = await self._things(found)
        rest = [await self._described(one) for one in found if one.name != THINGS]
        return [things, *rest]

    async def one(self, name: str) -> Described | None:
        return next((one for one in await self.described() if one.name == name), None)

    async def page(self, of: Described, wanted: Wanted) -> Page:
        if of.name == THINGS:
            return await self.queries.things(wanted)
        return await self.queries.page(of.of, wanted, of.hidden)

    async def item(self, of: Described, key: str) -> Item | None:
        if of.name == THINGS:
            number = place(key)
            return await self.queries.thing(number) if 0 < number <= MOST_ID else None
        return await self.queries.one(of.of, key, of.hidden)

    async def _described(self, one: Collection) -> Described:
        fields = () if one.imported else await self.queries.fields(one)
        return described(one, self._schemas.get(one.name), fields)

    async def _things(self, found: list[Collection]) -> Described:
        published = next((one for one in found if one.name == THINGS), None)
        bounds = None if published is None else published.bounds
        count = await self.queries.things_count()
        return described(Collection(THINGS, "", count, False, "", bounds), None, ())  # noqa: FBT003


def router(services: Services) -> APIRouter:
    """Return every route below /ogc."""
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)
    ogc = Ogc(services)
    _about(routes, ogc)
    _collections(routes, ogc)
    _items(routes, ogc)
    return routes


def _about(routes: APIRouter, ogc: Ogc) -> None:
    @routes.get("")
    @routes.get("/")
    @_refusing
    async def landing(request: Request) -> Response:
        root, form = _root(request, ogc), _form(request)
        document = documents.landing(root, ogc.province, form)
        return _answer(ogc, root, form, document, lambda: html.landing(root))

    @routes.get("/conformance")
    @_refusing
    async def conformance(request: Request) -> Response:
        root, form = _root(request, ogc), _form(request)
        document = documents.conformance(root, form)
        document["title"] = say("ogc.link.conformance")
        return _answer(ogc, root, form, document, html.conformance)

    @routes.get("/api")
    @_refusing
    async def api(request: Request) -> Response:
        root, form = _root(request, ogc), _form(request)
        document = openapi.description(root, ogc.province, await ogc.described(), ogc.systems)
        if form == "html":
            body = html.description(document)
            links = documents.both(f"{root}/api", form)
            return HTMLResponse(ogc.paper.page(root, say("ogc.link.api"), body, links))
        return Response(orjson.dumps(document), media_type=documents.OPENAPI)


def _collections(routes: APIRouter, ogc: Ogc) -> None:
    @routes.get("/collections")
    @_refusing
    async def collections(request: Request) -> Response:
        root, form = _root(request, ogc), _form(request)
        found = await ogc.described()
        document = documents.collections(root, found, ogc.systems, form)
        document["title"] = say("ogc.link.collections")
        return _answer(ogc, root, form, document, lambda: html.collections(root, found))

    @routes.get("/collections/{name}")
    @_refusing
    async def collection(request: Request, name: str) -> Response:
        root, form = _root(request, ogc), _form(request)
        one = await ogc.one(name)
        if one is None:
            return problem(404, "not_found")
        document = documents.collection(root, one, ogc.systems, form)
        return _answer(ogc, root, form, document, lambda: html.collection(root, one, ogc.systems))

    @routes.get("/collections/{name}/queryables")
    @_refusing
    async def queryables(request: Request, name: str) -> Response:
        root, _ = _root(request, ogc), _form(request)
        one = await ogc.one(name)
        if one is None:
            return problem(404, "not_found")
        return Response(orjson.dumps(documents.queryables(root, one)), media_type=documents.SCHEMA)


def _items(routes: APIRouter, ogc: Ogc) -> None:
    @routes.get("/collections/{name}/items")
    @_refusing
    async def items(request: Request, name: str) -> Response:
        one = await ogc.one(name)
        if one is None:
            return problem(404, "not_found")
        root, form = _root(request, ogc), _asked_form(request)
        parameters = request.query_params.multi_items()
        asked = asking.question(parameters, one, ogc.systems, ogc.province.zone)
        wanted = asked.wanted if form == "json" else html.shortened(asked.wanted)
        page = await ogc.page(one, wanted)
        own = f"{root}/collections/{quote(name)}/items"
        links = documents.page_links(own, asked.kept, page.after, form)
        if form == "html":
            body = html.items(root, one, page, links, ogc.province.zone)
            return HTMLResponse(ogc.paper.page(root, one.title, body, links, one))
        now = to_datetime(ogc.services.clock.now())
        body_ = await asyncio.to_thread(features.collection, page, asked.served, links, now)
        return _geojson(body_, asked.served)

    @routes.get("/collections/{name}/items/{feature:path}")
    @_refusing
    async def item(request: Request, name: str, feature: str) -> Response:
        root, form = _root(request, ogc), _asked_form(request)
        given = asking.only(request.query_params.multi_items(), "f", "crs")
        served = asking.system(given, ogc.systems)
        one = await ogc.one(name)
        found = None if one is None or "\x00" in feature else await ogc.item(one, feature)
        if one is None or found is None:
            return problem(404, "not_found")
        own = f"{root}/collections/{quote(name)}"
        links = documents.both(f"{own}/items/{quote(feature, safe='')}", form, documents.GEOJSON)
        links.append(documents.link(f"{own}?f={form}", "collection", documents.JSON, one.title))
        if form == "html":
            body = html.item(one, found, ogc.province.zone)
            return HTMLResponse(ogc.paper.page(root, html.name_of(found), body, links, one))
        return _geojson(features.single(found, served, links), served)


def _refusing(route: Route) -> Route:
    """Answer 400 with the parameter's name where a request is not understood."""

    @wraps(route)
    async def refusing(*args: object, **named: object) -> Response:
        try:
            return await route(*args, **named)
        except AskedWronglyError as error:
            return problem(400, "parameter", parameter=error.name)

    return refusing


def _answer(
    ogc: Ogc, root: str, form: str, document: documents.Document, body: Callable[[], str]
) -> Response:
    if form == "html":
        return HTMLResponse(
            ogc.paper.page(root, document["title"], body(), document.get("links", ()))
        )
    return Response(orjson.dumps(document), media_type=documents.JSON)


def _geojson(body: bytes, served: Served) -> Response:
    return Response(body, 200, {"Content-Crs": f"<{served.uri}>"}, documents.GEOJSON)


def _form(request: Request) -> str:
    """Return the form of a document that takes no other parameter."""
    asking.only(request.query_params.multi_items(), "f")
    return _asked_form(request)


def _asked_form(request: Request) -> str:
    """Return "json" or "html": what `f` says, else what a browser accepts first."""
    asked = request.query_params.get("f")
    if asked is None:
        return "html" if request.headers.get("accept", "").startswith("text/html") else "json"
    if asked not in _FORMS:
        raise AskedWronglyError("f")
    return asked


def _root(request: Request, ogc: Ogc) -> str:
    """Return the address of /ogc as the caller wrote it: links lead back the same way."""
    host = request.headers.get("host", "")
    public = urlsplit(ogc.services.settings.web.public_url)
    scheme = public.scheme if host == public.netloc and public.scheme else request.url.scheme
    return f"{scheme}://{quote(host, safe=':[].-_')}{PREFIX}"
