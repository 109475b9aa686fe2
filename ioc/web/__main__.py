"""The composition root of the web process: `python -m ioc.web`."""

from __future__ import annotations

import socket
import sys
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from ioc import layer_schema, log, settings
from ioc.clock import Clock, SystemClock
from ioc.domain.errors import ConfigError
from ioc.settings import Settings
from ioc.storage import pool
from ioc.text import say
from ioc.web.account_commands import AccountCommands
from ioc.web.auth import Door
from ioc.web.brief_commands import BriefCommands
from ioc.web.brief_desk import BriefDesk
from ioc.web.broker import Broker
from ioc.web.commands import Commands
from ioc.web.database import Database
from ioc.web.exercise_commands import Exercises
from ioc.web.hub import Hub
from ioc.web.layer_commands import LayerCommands
from ioc.web.oidc import SignOnDoor
from ioc.web.own_account import OwnAccount
from ioc.web.pace import Pace
from ioc.web.queries import Queries
from ioc.web.queries.brief import BriefQueries
from ioc.web.queries.layers import LayerQueries
from ioc.web.queries.places import PlaceQueries
from ioc.web.queries.rehearsal import Rehearsals
from ioc.web.queries.rules import RuleQueries
from ioc.web.queries.things import ThingQueries
from ioc.web.queries.told import Plans
from ioc.web.rule_book import RuleBook
from ioc.web.rule_commands import RuleCommands
from ioc.web.rule_desk import RuleDesk
from ioc.web.server import Protocol, create_app
from ioc.web.services import Services
from ioc.web.switch_commands import RuleSwitch

_POOL: Final = 8  # connections of one worker; pages are short, and PostgreSQL allows 100
# What the kernel holds for a client that does not read: a snapshot of a large centre fits.
_SEND_BUFFER: Final = 512 * 1024
# A peer that acknowledges nothing for this long is gone; frees what a cut-off client left behind.
_USER_TIMEOUT_MS: Final = 20_000
_GRACEFUL_S: Final = 3  # open streams end at once; a page in the making gets this long
_BACKLOG: Final = 512


def compose(given: Settings, *, clock: Clock | None = None) -> Services:
    """Return the services of one worker; nothing is connected yet."""
    given.require("database_url", "redis_url")
    clock = clock or SystemClock()
    database = Database(pool.async_pool(given.database_url, name="web", size=_POOL))
    hub = Hub(given, database, clock)
    rules = RuleDesk(
        RuleBook.load(given),
        RuleQueries(database),
        Rehearsals(database, clock),
        Plans(database, clock, given.province.zone),
    )
    door = Door(database, clock, session_hours=given.web.session_hours, policy=given.door)
    return Services(
        settings=given,
        clock=clock,
        database=database,
        queries=Queries(database, clock),
        commands=Commands(database, clock, hub),
        rules=rules,
        rule_commands=RuleCommands(database, clock, hub, rules, given.province.zone),
        layer_schemas=layer_schema.load(given.config_dir / "layers"),
        layers=LayerQueries(database),
        layer_commands=LayerCommands(database, given.data_dir),
        places=PlaceQueries(database),
        things=ThingQueries(database),
        door=door,
        accounts=AccountCommands(database, clock),
        own_account=OwnAccount(database, clock, door, given.door),
        sign_on=SignOnDoor(given.door.sign_on, door, database, clock),
        briefs=BriefDesk(BriefQueries(database, clock), BriefCommands(database, clock, hub)),
        rule_switch=RuleSwitch(database, clock, hub),
        exercises=Exercises(database, clock, given.province.zone),
        hub=hub,
        broker=Broker(given.mqtt_url),
        pace=Pace(given.web.push_per_s, given.web.workers),
        api_pace=Pace(given.web.api_per_s, given.web.workers),
    )


def application() -> ASGIApp:
    """Return a worker's application; uvicorn calls this in each worker."""
    log.configure("web")
    return create_app(compose(settings.load()))


def bind(host: str, port: int) -> socket.socket:
    """Return the listening socket. Raises ConfigError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise ConfigError(say("web.port_taken", host=host, port=port, reason=reason)) from error
    return listener


def config(app: ASGIApp | str, *, workers: int = 1) -> uvicorn.Config:
    """Return uvicorn's configuration; the peer stays the real one, since no header is believed."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,  # addresses of a wall may carry its token
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACEFUL_S,
        lifespan="on",
    )


def main() -> int:
    """Serve until a signal; 1 and one line when it cannot start."""
    log.configure("web")
    try:
        given = settings.load()
        given.require("database_url", "redis_url")
        listener = bind(given.web.host, given.web.port)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    host, port = listener.getsockname()[:2]
    sys.stdout.write(say("web.listening", address=f"http://{host}:{port}") + "\n")
    sys.stdout.flush()
    workers = given.web.workers
    made = config("ioc.web.__main__:application", workers=workers)
    if workers == 1:
        uvicorn.Server(made).run(sockets=[listener])
    else:
        Multiprocess(made, sockets=[listener]).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
