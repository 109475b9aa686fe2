"""What the page `/system` fetches: processes, queues, and what the doctor found.

The doctor is a process of its own: it connects to everything, and a broken part must not take the
page with it. Its findings are kept for a minute, so that ten open pages ask it once.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Literal

import orjson
import structlog
from fastapi import APIRouter
from starlette.responses import Response

from ioc.clock import Clock
from ioc.domain.instant import SECOND, Micros
from ioc.domain.permission import Action
from ioc.settings import Settings, child_environment
from ioc.text import say
from ioc.web import ingest_report
from ioc.web.database import DatabaseAwayError
from ioc.web.desk_answer import as_file, as_json, ms
from ioc.web.health import shared
from ioc.web.identity import require
from ioc.web.queries.system import SystemQueries
from ioc.web.services import Services

KEPT_S: Final = 60
LONGEST_S: Final = 60  # the doctor waits at most some seconds for each part that is away
SILENT_MS: Final = 15_000
LAG_S: Final = 150  # no commit for so long: in a province something speaks every minute
LATE_MS: Final = 120_000  # a notice that waits longer than two minutes is stuck
COLUMNS: Final = ("part", "state", "detail", "remedy_head")
PARTS: Final = ("dash", "fastapi", "psycopg", "redis", "paho-mqtt")

log = structlog.get_logger()
Row = dict[str, Any]


class Doctor:
    """Asks the doctor, one at a time, and keeps what he said for a minute."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._environment = child_environment(settings)
        self._clock = clock
        self._asking: asyncio.Task[None] | None = None
        self._at: Micros | None = None
        self._found: list[Row] = []

    def look(self, *, again: bool = False) -> tuple[list[Row], Micros | None, bool]:
        """Return the last findings, when they were made, and whether newer ones are on their way.

        `again` does not wait out the minute.
        """
        kept = 5 if again else KEPT_S  # seconds: a key that repeats is no flood
        old = self._at is None or self._clock.now() - self._at > kept * SECOND
        if old and self._asking is None:
            self._asking = asyncio.create_task(self._renew())
        return self._found, self._at, self._asking is not None

    async def findings(self) -> list[Row]:
        """Return findings that are at most a minute old, waiting for them."""
        self.look()
        if self._asking is not None:
            await asyncio.shield(self._asking)
        return self._found

    async def _renew(self) -> None:
        try:
            self._found, self._at = await self._ask(), self._clock.now()
        finally:
            self._asking = None

    async def _ask(self) -> list[Row]:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ioc.doctor", env=self._environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            out, _ = await asyncio.wait_for(child.communicate(), LONGEST_S)
            found: list[Row] = orjson.loads(out)
        except (TimeoutError, orjson.JSONDecodeError) as error:
            log.warning("doctor_silent", error=repr(error)[:200])
            words = {"subject": say("system.doctor"), "detail": say("system.doctor_silent")}
            return [words | {"verdict": "wrong", "remedy": say("system.doctor_remedy")}]
        finally:
            if child.returncode is None:
                child.kill()
        return found


def router(services: Services) -> APIRouter:
    """Return /desk/system and its files."""
    routes = APIRouter(prefix="/desk/system", include_in_schema=False)
    doctor = Doctor(services.settings, services.clock)

    @routes.get("")
    async def listing(again: bool = False) -> Response:  # noqa: FBT001, FBT002  in the address
        require(Action.SEE_METRICS)
        found, at, checking = doctor.look(again=again)
        body = {
            "now": services.clock.now() // 1000,
            "checked": None if at is None else at // 1000,
            "checking": checking,
            "parts": await parts(services),
            "findings": found,
            "versions": _versions(),
        }
        return as_json(body)

    @routes.get("/export.{form}")
    async def export(form: Literal["csv", "xlsx"]) -> Response:
        require(Action.SEE_METRICS)
        found = await doctor.findings()
        rows = [
            [one["part"], one["state"], one["detail"], one["remedy"]]
            for one in await parts(services)
        ]
        rows += [[one["subject"], one["verdict"], one["detail"], one["remedy"]] for one in found]
        for row in rows:
            row[1] = say(f"check.verdict_{row[1]}")
        heads = [say(f"system.{name}") for name in COLUMNS]
        return await as_file(form, "he-thong", say("system.title"), heads, rows)

    return routes


async def parts(services: Services) -> list[Row]:
    """Return every process and queue with its state, what it says, and what to do."""
    health, now = services.hub.health(), services.clock.now()
    found = [_plain(name, up=bool(health[name])) for name in ("database", "redis")]
    connected = health["broker"] is not None
    found.append(_plain("broker", up=connected))
    processes = ("ingest", "evaluator", "dispatcher")
    found += [_process(name, health[name], now // 1000) for name in processes]
    found[4]["detail"] += f" · {shared(services.hub.partitions())}"
    said = ingest_report.read(await services.hub.reports(), now)
    if said.reporting:
        found[3]["detail"] += " · " + say("system.waiting_messages", n=said.waiting)
    return found + await _queues(services, now // 1000)


async def _queues(services: Services, now: int) -> list[Row]:
    try:
        queues = asdict(await SystemQueries(services.database).queues())
    except DatabaseAwayError:
        return []
    oldest = ms(queues["oldest_notice"])
    late = oldest is not None and now - oldest > LATE_MS
    newest = ms(queues["newest_batch"])
    lag = None if newest is None else (now - newest) // 1000
    size = f"{queues['bytes'] / 1e9:.1f}".replace(".", ",")
    return [
        _row("lag", "ok" if lag is not None and lag < LAG_S else "warning",
             say("system.lag_never") if lag is None else say("system.lag_detail", s=lag)),
        _row("outbox", "warning" if late or queues["dead_notices"] else "ok",
             say("system.outbox_detail", n=queues["notices"], dead=queues["dead_notices"])),
        _row("jobs", "ok", say("system.jobs_detail", layers=queues["layer_jobs"],
                               retries=queues["retries"], hours=queues["dirty_hours"])),
        _row("size", "ok", say("system.size_detail", size=size, schema=queues["schema"])),
    ]  # fmt: skip


def _state(one: Row) -> str:
    state: str = one.get("state") or one["verdict"]
    return state


def _plain(name: str, *, up: bool) -> Row:
    return _row(name, "ok" if up else "wrong", say("system.up" if up else "system.down"))


def _process(name: str, last: object, now: int) -> Row:
    if not isinstance(last, int):
        return _row(name, "wrong", say("system.no_sign"))
    age = max(0, (now - last) // 1000)
    return _row(name, "ok" if now - last < SILENT_MS else "wrong", say("system.sign", s=age))


def _row(name: str, state: str, detail: str) -> Row:
    remedy = "" if state == "ok" else say(f"system.remedy.{name}")
    title = say(f"system.part_name.{name}")
    return {"part": title, "state": state, "detail": detail, "remedy": remedy}


def _versions() -> list[tuple[str, str]]:
    found = [("Python", sys.version.split()[0])]
    for name in PARTS:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:  # a copy without its metadata
            found.append((name, "–"))
    return found
