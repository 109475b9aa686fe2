"""A real web process in a thread, on a free port, and a browser without a screen."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Final, Self, cast
from urllib.parse import urlencode

import msgspec
import uvicorn
from fastapi import FastAPI
from psycopg import Connection

from ioc import settings as settings_module
from ioc.settings import Settings
from ioc.storage import users
from ioc.web.__main__ import bind, compose, config
from ioc.web.server import create_app
from ioc.web.services import Services
from ioc.web.stream import Limits
from tests.awaiting import wait_for

Db = Connection[tuple[Any, ...]]
PATIENCE_S: Final = 30  # an answer that takes longer never comes, however busy the machine
PASSWORD: Final = "Một-mật-khẩu-dài-1"


def settings_for(database_url: str, redis_url: str, prefix: str, **web: Any) -> Settings:
    """Return the shipped settings on a test's services."""
    given = settings_module.load(
        {"IOC_DATABASE_URL": database_url, "IOC_REDIS_URL": redis_url, "IOC_REDIS_PREFIX": prefix}
    )
    return msgspec.structs.replace(given, web=msgspec.structs.replace(given.web, **web))


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Status:
    """How an answer begins."""

    status: int
    headers: Mapping[str, str]


@dataclass
class Client:
    """Keeps cookies as a browser does, follows no redirect, sends Origin with unsafe methods."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        body = urlencode(form or {}).encode()
        given = {"Origin": f"http://127.0.0.1:{self.port}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.ask("POST", path, body, given)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        sent = {k: v for k, v in headers.items() if v} | self.credentials()
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            answer = Answer(response.status, dict(response.headers), response.read())
            for line in response.headers.get_all("Set-Cookie") or []:
                self._keep(line)
        finally:
            connection.close()
        return answer

    def status(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Status:
        """Return how an answer begins, without waiting for the end of a body that has none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= self.credentials()
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Status(response.status, dict(response.headers))
        finally:
            connection.close()

    def credentials(self) -> dict[str, str]:
        """Return the headers that say who asks."""
        found = {}
        if self.cookies:
            found["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if self.token:
            found["Authorization"] = f"Bearer {self.token}"
        return found

    def _keep(self, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            if morsel.value:
                self.cookies[name] = morsel.value
            else:
                self.cookies.pop(name, None)

    def login(self, username: str, password: str = PASSWORD, target: str = "/wall") -> Answer:
        query = urlencode({"next": target})
        return self.post(f"/login?{query}", {"username": username, "password": password})


@dataclass
class Events:
    """An open /live: events as they come."""

    port: int
    client: Client
    path: str = "/live"

    def __enter__(self) -> Self:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        self._connection.request("GET", self.path, headers=self.client.credentials())
        self._response = self._connection.getresponse()
        self.status = self._response.status
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()
        self._connection.close()

    def next(self, wanted: str | None = None) -> tuple[str, Any]:
        """Return the next event, of kind `wanted` if given; EOFError when the stream ended."""
        kind = ""
        while True:
            line = self._response.readline()
            if not line:
                raise EOFError
            if line.startswith(b"event: "):
                kind = line[7:].strip().decode()
            elif line.startswith(b"data: ") and wanted in (None, kind):
                return kind, json.loads(line[6:])


@dataclass(frozen=True)
class Site:
    """A running server."""

    port: int
    services: Services
    application: FastAPI

    def client(self, token: str = "") -> Client:
        return Client(self.port, token=token)

    def operator(self) -> Client:
        client = self.client()
        assert client.login("truc-ban").status == 303
        return client

    def events(self, client: Client) -> Events:
        return Events(self.port, client)


@contextmanager
def running(
    given: Settings, limits: Limits | None = None, *, most_clients: int | None = None
) -> Iterator[Site]:
    """Serve until the block ends."""
    listener = bind("127.0.0.1", 0)
    services = compose(given)
    if most_clients is not None:
        services.hub._most_clients = most_clients
    gate = create_app(services, limits=limits)
    server = uvicorn.Server(config(gate))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_for(lambda: server.started, 60)  # four of them start at once in a run
        yield Site(listener.getsockname()[1], services, cast("Any", gate)._app)
    finally:
        server.should_exit = True
        thread.join(timeout=PATIENCE_S)
        listener.close()
        assert not thread.is_alive()


def add_people(conn: Db) -> str:
    """Create an operator and a leader; return a kiosk token."""
    for name, role in (("truc-ban", "operator"), ("lanh-dao", "leader")):
        users.put_user(conn, username=name, display_name=name, role=role, password=PASSWORD)
    return users.create_token(conn, kind="kiosk", role="kiosk", label="tường")


def add_thing(
    conn: Db, name: str = "tram-1", *, state: str = "admitted", kind: str = "environment"
) -> tuple[int, int]:
    """Create a feed, a thing and its pm25 datastream; return their ids."""
    conn.execute(
        "insert into feed (name, title_vi, title_en, expected_period_s) values"
        " ('env', 'Môi trường', 'Environment', 60) on conflict do nothing"
    )
    conn.execute(
        "insert into observed_property (code, name_vi, name_en, unit, kind)"
        " values ('pm25', 'Bụi mịn', 'PM2.5', 'µg/m³', 'quantity') on conflict do nothing"
    )
    row = conn.execute(
        "insert into thing (feed, external_id, name, short_name, kind, state)"
        " values ('env', %s, %s, %s, %s, %s) returning id",
        (name, f"Trạm {name}", name, kind, state),
    ).fetchone()
    assert row
    stream = conn.execute(
        "insert into datastream (thing_id, name, code, property, unit, expected_period_s,"
        " stale_after_s) values (%s, 'v', 'pm25', 'pm25', 'µg/m³', 60, 300) returning id",
        (row[0],),
    ).fetchone()
    assert stream
    return row[0], stream[0]
