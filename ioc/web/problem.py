"""Refusals as RFC 9457 problem+json, the one shape of every error answer to a program."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response

from ioc.text import say
from ioc.web.database import RETRY_AFTER_S


def problem(
    status: int, code: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> Response:
    """Return a problem answer; `code` has words under `web.problem.<code>` and names the type."""
    body = {
        "type": f"urn:ioc:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": say(f"web.problem.{code}"),
        **members,
    }
    return Response(
        orjson.dumps(body),
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        "application/problem+json",
    )


def database_away() -> Response:
    """Return the 503 of a database that cannot be reached now."""
    return problem(503, "database_away", headers={"Retry-After": str(RETRY_AFTER_S)})
