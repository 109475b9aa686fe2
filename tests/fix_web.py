"""A running web process on the test's own database and Redis prefix, with people to use it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from psycopg import Connection

from ioc.domain.permission import Role
from ioc.settings import Settings
from ioc.storage import users
from tests.fix_proxy import ProxiedUrl
from tests.integration.web_site import Site, add_people, running, settings_for

Db = Connection[tuple[Any, ...]]


@pytest.fixture
def web_settings(database_url: str, redis_url: str, redis_prefix: str) -> Settings:
    """Return the shipped settings on the test's services."""
    return settings_for(database_url, redis_url, redis_prefix)


@pytest.fixture
def kiosk_token(conn: Db) -> str:
    """Return a wall's token; an operator and a leader exist too."""
    return add_people(conn)


@pytest.fixture
def role_tokens(conn: Db) -> dict[Role, str]:
    """Return a token of each role."""
    kinds = {Role.KIOSK: "kiosk", Role.SOURCE: "source"}
    return {
        role: users.create_token(
            conn,
            kind=kinds.get(role, "api"),
            role=role,
            label=role,
            source="so-tnmt" if role is Role.SOURCE else None,
        )
        for role in Role
    }


@pytest.fixture
def web(web_settings: Settings) -> Iterator[Site]:
    """Return the real web process, started."""
    with running(web_settings) as site:
        yield site


@pytest.fixture
def site_at(web_settings: Settings) -> Callable[[str], Settings]:
    """Return a function that gives the settings of a site with this public address."""

    def make(public_url: str) -> Settings:
        web = msgspec.structs.replace(web_settings.web, public_url=public_url)
        return msgspec.structs.replace(web_settings, web=web)

    return make


@pytest.fixture
def through() -> Callable[[Settings, ProxiedUrl], Settings]:
    """Return a function that leads a site to its database through a line that can be cut."""

    def make(given: Settings, line: ProxiedUrl) -> Settings:
        return msgspec.structs.replace(given, database_url=line.url)

    return make


@pytest.fixture
def lines() -> Callable[..., Settings]:
    """Return a function that leads a site to its services at other addresses."""
    return msgspec.structs.replace


@pytest.fixture
def push_source() -> str:
    """Return the name of a source that nobody else has."""
    return f"s-{secrets.token_hex(4)}"


@pytest.fixture
def source_token(conn: Db, push_source: str) -> str:
    """Return the token of that source."""
    return users.create_token(conn, kind="source", role="source", label="LGSP", source=push_source)


@pytest.fixture
def push_settings(web_settings: Settings, mqtt_url: str) -> Settings:
    """Return settings whose broker is the shared one."""
    return msgspec.structs.replace(web_settings, mqtt_url=mqtt_url)


@pytest.fixture
def push_site(push_settings: Settings) -> Iterator[Site]:
    """Return the real web process on that broker."""
    with running(push_settings) as found:
        yield found
