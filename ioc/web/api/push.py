"""Observations over HTTP, for those who cannot speak MQTT: the raw body goes to the broker.

The web looks at token, type and size; what the body means is ingest's business, as with every other
message, so what it refuses later lies with the dead letters of the feed. A body that is sent again
is absorbed: an observation with its own time exists once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from math import ceil
from typing import Any, Final
from uuid import uuid4

import structlog
from fastapi import APIRouter, Request
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from ioc.domain.errors import ForbiddenError
from ioc.domain.permission import Action
from ioc.web.api.push_description import DESCRIPTION
from ioc.web.broker import BrokerAwayError, Outgoing, PacketTooLargeError
from ioc.web.database import RETRY_AFTER_S
from ioc.web.identity import Identity, require
from ioc.web.problem import problem
from ioc.web.services import Services

TOPIC: Final = "ioc/http/"
TYPES: Final = frozenset({"application/json", "application/senml+json", "application/senml+cbor"})
BODY_S: Final = 20.0  # for 1 MiB: half a megabit a second, slower than any line of an office

log = structlog.get_logger()


def add(api: APIRouter, services: Services) -> None:
    """Add the route."""

    @api.post("/observations", status_code=202, **DESCRIPTION)
    async def push(request: Request) -> Response:
        who = require(Action.PUSH_OBSERVATIONS)
        if not who.source:
            raise ForbiddenError(f"{who.actor} has no source to speak for")
        media_type = _media_type(request.headers)
        if media_type is None:
            return problem(415, "unsupported_type")
        wait = services.pace.enter(who.actor, time.monotonic())
        if wait:
            return problem(429, "too_fast", headers={"Retry-After": str(ceil(wait))})
        try:
            body = await _body(request)
            if isinstance(body, Response):
                return body
            return await _hand_over(services, who, media_type, body)
        finally:
            services.pace.leave(who.actor)


def _media_type(headers: Headers) -> str | None:
    """Return what the body is said to be; None for what no feed of ours could read."""
    media_type, *parameters = headers.get("content-type", "").lower().split(";")
    charsets = [one.partition("=")[2].strip(' "') for one in parameters if "charset" in one]
    plain = headers.get("content-encoding", "identity").strip().lower() == "identity"
    wanted = media_type.strip()
    readable = plain and set(charsets) <= {"utf-8", "utf8"}
    return wanted if readable and wanted in TYPES else None


async def _body(request: Request) -> bytes | Response:
    """Return the body, which the gate has bounded, or what is wrong with it."""
    try:
        async with asyncio.timeout(BODY_S):
            body = await request.body()
    except (TimeoutError, ClientDisconnect):
        return problem(408, "slow_body", headers={"Connection": "close"})
    return body or problem(400, "empty_body")


async def _hand_over(services: Services, who: Identity, media_type: str, body: bytes) -> Response:
    """Answer 202 when the broker has confirmed the body, else why it did not."""
    message = Outgoing(TOPIC + who.source, body, media_type, str(uuid4()))
    said: Mapping[str, Any] = {
        "message_id": message.message_id,
        "source": who.source,
        "actor": who.actor,
        "media_type": media_type,
        "size": len(body),
    }
    try:
        await services.broker.publish(message)
    except PacketTooLargeError as error:
        log.warning("push_refused", error=str(error), **said)
        return problem(413, "too_large")
    except BrokerAwayError as error:
        log.warning("push_not_taken", error=str(error), **said)
        return problem(503, error.code, headers={"Retry-After": str(RETRY_AFTER_S)})
    log.info("push_taken", **said)
    return JSONResponse({"message_id": message.message_id}, 202)
