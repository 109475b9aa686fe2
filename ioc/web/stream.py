"""`/live`: one client's server-sent events, from its first snapshot until it goes or is dropped."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from ioc.web import identity
from ioc.web.database import DatabaseAwayError
from ioc.web.hub import Hub, TooManyClientsError
from ioc.web.identity import STILL_WELCOME, StillWelcome
from ioc.web.mailbox import Mailbox
from ioc.web.problem import database_away, problem

log = structlog.get_logger()

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_CUT_S: Final = 1.0  # until the server has seen the cut, and does not call it our mistake
ABORT: Final = "ioc.abort"  # ASGI extension: cut the connection without waiting for its buffer


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one stream, seconds; see each."""

    # The browser says "connection lost" after 15 s of silence: three heartbeats may be lost.
    heartbeat: float = 4.0
    # Ten a second: faster than an eye follows, slow enough that bursts coalesce.
    window: float = 0.1
    # A client that takes nothing for this long is gone or frozen; returning, it gets a snapshot.
    send: float = 10.0
    # The door is asked again this often, about as often as it believes itself (auth.BELIEF_S): a
    # logout or a revoked token ends an open stream within the sum of both.
    recheck: float = 5.0
    # No stream is for ever: what a proxy or a browser leaks is back within this.
    age: float = 600.0
    retry_ms: int = 1000


class LiveStream:
    """An ASGI answer; bounded in time by `Limits`, in bytes by the socket's buffer and a frame."""

    def __init__(self, hub: Hub, limits: Limits) -> None:
        self._hub = hub
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":  # HEAD: there is nothing to say about a stream without it
            await problem(405, "refused", headers={"Allow": "GET"})(scope, receive, send)
            return
        who = identity.current()
        # A tablet draws no thing by itself: a province's states are 100 times what it needs.
        things = b"states=none" not in scope["query_string"].split(b"&")
        try:
            whole = who is None or who.scope.whole
            sees = None if whole else await self._hub.within(identity.limits())
            mailbox = self._hub.join(sees, things=things)
        except DatabaseAwayError:
            await database_away()(scope, receive, send)
            return
        except TooManyClientsError:
            refusal = problem(503, "too_many_clients", headers={"Retry-After": "10"})
            await refusal(scope, receive, send)
            return
        listener = asyncio.create_task(_watch(receive, mailbox))
        every = self._limits.recheck
        guard = asyncio.create_task(_guard(scope[STILL_WELCOME], mailbox, every))
        try:
            await self._run(mailbox, send)
        except TimeoutError:
            log.warning("slow_client_dropped", clients=self._hub.clients)
            abort: Callable[[], None] | None = scope.get("extensions", {}).get(ABORT)
            if abort is not None:
                abort()
                await asyncio.wait([listener], timeout=_CUT_S)
        finally:
            self._hub.leave(mailbox)
            listener.cancel()
            guard.cancel()

    async def _run(self, mailbox: Mailbox, send: Send) -> None:
        # Spread by a fifth, so that all walls of a restart do not come back in one moment.
        age = self._limits.age * (0.8 + secrets.randbelow(400) / 1000)
        end = time.monotonic() + age
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await self._send(send, b"retry: %d\n\n" % self._limits.retry_ms)
        beat = time.monotonic() + self._limits.heartbeat
        while not mailbox.closed and time.monotonic() < end:
            frame = self._next(mailbox)
            if frame is not None:
                await self._send(send, frame)
                await asyncio.sleep(self._limits.window)
            if time.monotonic() >= beat:
                beat = time.monotonic() + self._limits.heartbeat
                await self._send(send, _event(b"heartbeat", self._hub.heartbeat()))
            await _wait(mailbox, min(beat, end) - time.monotonic())
        await self._send(send, b"", more=False)

    def _next(self, mailbox: Mailbox) -> bytes | None:
        """Return the next event; None when the client has seen everything."""
        if mailbox.closed:
            return None
        if mailbox.snapshot:
            mailbox.take_snapshot()
            if mailbox.wants_things:
                return _event(b"snapshot", self._hub.snapshot(mailbox.sees))
            return _event(b"snapshot", self._hub.sections(sees=mailbox.sees))
        if mailbox.things or mailbox.sections:
            return _event(b"delta", self._delta(mailbox))
        mailbox.wake.clear()
        return None

    def _delta(self, mailbox: Mailbox) -> bytes:
        if mailbox.wants_things:
            return self._hub.delta(mailbox)
        return self._hub.sections(mailbox.take()[1], mailbox.sees)

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._limits.send):
            await send({"type": "http.response.body", "body": body, "more_body": more})


def _event(name: bytes, body: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name, body)


async def _wait(mailbox: Mailbox, seconds: float) -> None:
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await mailbox.wake.wait()
    except TimeoutError:
        pass


async def _guard(still_welcome: StillWelcome, mailbox: Mailbox, every: float) -> None:
    """Close the mailbox once the client would not be let in any more."""
    welcome = True
    while welcome:
        await asyncio.sleep(every)
        try:
            welcome = await still_welcome()
        except DatabaseAwayError:  # as for a page: nobody can revoke anything meanwhile
            log.info("stream_not_rechecked")
    mailbox.close()


async def _watch(receive: Receive, mailbox: Mailbox) -> None:
    """Close the mailbox when the client goes."""
    while (await receive())["type"] != "http.disconnect":
        pass
    mailbox.close()
