"""One web process: our FastAPI application with Dash mounted, behind the gate."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import structlog
from dash import Dash
from dash.backends._fastapi import (
    get_current_request,
    reset_current_request,
    set_current_request,
)
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ioc.domain.errors import ForbiddenError, OrderError
from ioc.text import say
from ioc.web import (
    account_desk,
    alert_desk,
    background,
    brief,
    chart_desk,
    door,
    feed_desk,
    files,
    geo,
    health,
    index_desk,
    indicator_desk,
    integration_desk,
    layer_desk,
    layer_export,
    map_desk,
    ogc,
    pages,
    pending_desk,
    quality_desk,
    shift_desk,
    sign_on,
    station_desk,
    system_desk,
    thing_desk,
    wall_desk,
)
from ioc.web.account_commands import AccountRefusedError
from ioc.web.api import v1
from ioc.web.api.cursor import CursorError
from ioc.web.commands import NotFoundError
from ioc.web.database import DatabaseAwayError
from ioc.web.desk_commands import DeskRefusedError
from ioc.web.layer_commands import LayerRefusedError
from ioc.web.problem import database_away, problem
from ioc.web.rule_commands import RuleChangedError, RuleRefusedError
from ioc.web.security import Gate, Site, content_policy
from ioc.web.services import Services
from ioc.web.stream import ABORT, Limits, LiveStream

log = structlog.get_logger()

_LIVE: Final = "/live"
_GRID_PAGE: Final = "/map"
_GRID_SCRIPTS: Final = re.compile(r"<script[^>]*dash_ag_grid[^>]*></script>\s*")


class Protocol(HttpToolsProtocol):
    """uvicorn's, with two means it lacks: cutting a client off, and ending streams at shutdown."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: dict[str, Any] = cast("dict[str, Any]", self.scope)
        scope.setdefault("extensions", {})[ABORT] = self.transport.abort

    def shutdown(self) -> None:
        super().shutdown()
        if self.scope is not None and self.scope.get("path") == _LIVE:
            self.transport.close()


class _Frame(Dash):
    """Dash whose frame leaves out the one heavy part that a single page needs.

    The grid's script is 1.3 MB, and every page but the map's would load it for nothing: between
    pages of the desk the browser loads the frame anew.
    """

    def interpolate_index(self, **parts: Any) -> str:  # type: ignore[override]  # noqa: ANN401  Dash's
        if get_current_request().url.path != _GRID_PAGE:
            parts["scripts"] = _GRID_SCRIPTS.sub("", parts["scripts"])
        return str(super().interpolate_index(**parts))  # type: ignore[no-untyped-call]


_ROUTERS: Final = (
    door, sign_on, account_desk, files, geo, layer_export, health, alert_desk, layer_desk, map_desk,
    brief, thing_desk, indicator_desk, quality_desk, integration_desk,
    feed_desk, pending_desk, system_desk, chart_desk, station_desk, index_desk,
    wall_desk, shift_desk, background,
)  # fmt: skip


class _Policy:
    """The Content-Security-Policy; strict until Dash's own inline scripts are known."""

    def __init__(self) -> None:
        self.text = content_policy(())

    def __call__(self) -> str:
        return self.text


def create_app(services: Services, *, limits: Limits | None = None) -> ASGIApp:
    """Return the whole application; its lifespan starts and stops database pool and hub."""
    policy = _Policy()
    dash: list[Dash] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.database.open()
        await services.hub.start()
        await _prepare(dash[0])
        policy.text = content_policy(tuple(dash[0].csp_hashes()))
        yield
        await services.broker.close()
        await services.hub.stop()
        await services.database.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    _refusals(app)
    for made in _ROUTERS:
        app.include_router(made.router(services))
    app.include_router(v1.router(services))
    app.include_router(ogc.router(services))
    # A bare ASGI endpoint: FastAPI's own responses cannot bound the time of a send.
    app.router.routes.append(Route(_LIVE, LiveStream(services.hub, limits or Limits())))
    # Dash answers every other path, so it comes last.
    dash.append(_dash(app, services))
    site = Site(
        services.settings.web.public_url,
        policy,
        frozenset(services.settings.door.second_factor),
        services.api_pace,
    )
    return Gate(app, door=services.door, site=site)


def _dash(app: FastAPI, services: Services) -> Dash:
    """Mount Dash. It keeps one application a process in mind, so build one at a time."""
    dash = _Frame(
        __name__,
        server=cast("Any", app),  # its stub knows Flask only
        title=f"{services.settings.province.title_vi} {services.settings.province.name}",
        update_title="",
        assets_folder=str(services.settings.assets_dir.resolve()),
        assets_ignore=r".*\.(br|gz)$",
        # Loaded by our own modules: in the index too, they would run twice.
        assets_path_ignore=["vendor", "modules"],
        serve_locally=True,
        suppress_callback_exceptions=True,
        add_log_handler=False,
        on_error=_callback_failed,
    )
    # No page uses Dash's websocket callbacks; without this each page load would try to open one.
    dash.backend.websocket_capability = False
    pages.register(dash, services)
    return dash


def _callback_failed(error: Exception) -> None:
    """Leave the traceback of a callback's bug in the log: Dash answers 500 and says nothing."""
    log.error("callback_failed", exc_info=error)
    raise error


async def _prepare(dash: Dash) -> None:
    """Do now what Dash would do at the first `/`: else a deep link meets an app without callbacks.

    The index is built once, since the hashes of its inline scripts are complete only afterwards.
    """
    untyped: Any = dash
    for hook in untyped.backend._before_request_funcs:  # noqa: SLF001  Dash has no public way
        done = hook()
        if inspect.isawaitable(done):
            await done
    # Building the index asks for a request; this one says "the root page" and nothing more.
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": []})
    token = set_current_request(request)  # type: ignore[no-untyped-call]
    try:
        untyped.index()
    finally:
        reset_current_request(token)  # type: ignore[no-untyped-call]


def _refusals(app: FastAPI) -> None:
    """Turn what may not or cannot be done into problem+json."""

    @app.exception_handler(DatabaseAwayError)
    async def away(_request: Request, _error: Exception) -> Response:
        return database_away()

    @app.exception_handler(ForbiddenError)
    async def forbidden(_request: Request, _error: Exception) -> Response:
        return problem(403, "forbidden")

    @app.exception_handler(OrderError)
    async def order(_request: Request, error: OrderError) -> Response:
        return problem(409, "order", reason=error.code, detail=say(f"alert.refusal.{error.code}"))

    @app.exception_handler(AccountRefusedError)
    async def account(_request: Request, error: AccountRefusedError) -> Response:
        words = say(f"users.refusal.{error.code}")
        return problem(409, "account", reason=error.code, detail=words)

    @app.exception_handler(NotFoundError)
    async def missing(_request: Request, _error: Exception) -> Response:
        return problem(404, "not_found")

    @app.exception_handler(RuleRefusedError)
    async def rule_refused(_request: Request, error: Exception) -> Response:
        return problem(422, "rule_refused", reasons=getattr(error, "reasons", ()))

    @app.exception_handler(RuleChangedError)
    async def rule_changed(_request: Request, _error: Exception) -> Response:
        return problem(409, "rule_changed")

    @app.exception_handler(LayerRefusedError)
    async def layer_refused(_request: Request, error: Exception) -> Response:
        code = str(error)
        detail = say(f"layers.page.refused.{code}")
        return problem(409, "layer_refused", reason=code, detail=detail)

    @app.exception_handler(DeskRefusedError)
    async def desk_refused(_request: Request, error: Exception) -> Response:
        code = str(error)
        return problem(409, "order", reason=code, detail=say(f"desk.refused.{code}"))

    _faults(app)


def _faults(app: FastAPI) -> None:
    """Turn what was asked for wrongly, and our own mistakes, into problem+json."""

    @app.exception_handler(CursorError)
    async def cursor(_request: Request, _error: Exception) -> Response:
        return problem(400, "cursor")

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        places = [".".join(str(part) for part in item["loc"]) for item in error.errors()]
        return problem(422, "invalid", places=places)

    @app.exception_handler(Exception)
    async def bug(_request: Request, _error: Exception) -> Response:
        return problem(500, "internal")  # the server logs it with its traceback

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> Response:
        code = "not_found" if error.status_code == 404 else "refused"  # noqa: PLR2004
        return problem(error.status_code, code)
