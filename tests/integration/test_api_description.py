"""The API keeps to its own description: schemathesis asks what the description allows, and more."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, cast

import hypothesis
import msgspec
import schemathesis
from psycopg import Connection
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from ioc.domain.permission import Role
from ioc.settings import Settings
from tests.integration.test_web_api import observe
from tests.integration.web_site import Site, add_thing, running

Db = Connection[tuple[Any, ...]]
EXAMPLES: Final = 40 if os.environ.get("IOC_RIG") else 4
CHECKS: Final = [not_a_server_error, status_code_conformance, response_schema_conformance]


def test_the_api_answers_as_described(
    web_settings: Settings,
    lines: Callable[..., Settings],
    conn: Db,
    role_tokens: dict[Role, str],
) -> None:
    """No request that the description allows ends in a 5xx or in an answer it does not name."""
    _, stream = add_thing(conn, "tram-1")
    observe(conn, stream, 0, 12.5)
    fast = msgspec.structs.replace(web_settings.web, api_per_s=1000.0)
    with running(lines(web_settings, web=fast)) as site:
        description = site.client(role_tokens[Role.ADMIN]).get("/api/v1/openapi.json").json()
        assert description["openapi"].startswith("3.1")
        schema = schemathesis.openapi.from_dict(description)
        for found in schema.get_all_operations():
            operation: Any = cast("Any", found).ok()
            if (operation.method, operation.path) != ("post", "/api/v1/observations"):
                try_operation(site, operation, role_tokens[Role.ADMIN])


def try_operation(site: Site, operation: Any, token: str) -> None:
    """Ask one operation EXAMPLES times with whatever its description allows."""
    quick = hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )

    @quick
    @hypothesis.given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(
            base_url=f"http://127.0.0.1:{site.port}",
            headers={"Authorization": f"Bearer {token}"},
            checks=CHECKS,
        )

    ask()


def test_what_has_not_changed_is_not_sent_again(
    conn: Db, web: Site, role_tokens: dict[Role, str]
) -> None:
    """An ETag that still fits is answered with 304; a change is sent whole."""
    add_thing(conn, "tram-1")
    client = web.client(role_tokens[Role.LEADER])
    first = client.get("/api/v1/things")
    again = client.get("/api/v1/things", **{"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    add_thing(conn, "tram-2")
    changed = client.get("/api/v1/things", **{"If-None-Match": first.headers["etag"]})
    assert (changed.status, len(changed.json()["items"])) == (200, 2)


def test_a_past_is_read_raw_by_minute_and_by_hour(
    conn: Db, web: Site, role_tokens: dict[Role, str]
) -> None:
    """`resolution` chooses the rollup, `auto` by the span; pages follow one another."""
    _, stream = add_thing(conn, "tram-1")
    for minute in range(6):
        observe(conn, stream, minute, 10.0 + minute)
    conn.execute(
        "insert into observation_minute (datastream_id, minute, n, n_good, sum, min, max, last)"
        " select %s, t, 1, 1, 10, 10, 10, 10 from"
        " generate_series('2026-03-01 00:00Z'::timestamptz, '2026-03-01 00:05Z', '1 minute') t",
        (stream,),
    )
    conn.execute(
        "insert into observation_hour (datastream_id, hour, n, n_good, sum, min, max, last)"
        " values (%s, '2026-03-01 00:00Z', 6, 5, 50, 9, 11, 10)",
        (stream,),
    )
    client = web.client(role_tokens[Role.LEADER])
    path = f"/api/v1/observations?datastream={stream}&until=2026-03-02T00:00:00Z"
    assert len(client.get(f"{path}&since=2026-03-01T00:03:00Z").json()["items"]) == 3
    page = client.get(f"{path}&resolution=minute&limit=4").json()
    rest = client.get(f"{path}&resolution=minute&limit=4&cursor={page['next']}").json()
    assert [len(page["items"]), len(rest["items"])] == [4, 2]
    (hour,) = client.get(f"{path}&resolution=hour").json()["items"]
    assert (hour["n"], hour["n_good"], hour["mean"]) == (6, 5, 10.0)
    spans = {"2026-03-01T20:00:00Z": [], "2026-02-20T00:00:00Z": 6, "2026-01-01T00:00:00Z": 1}
    for since, expected in spans.items():
        items = client.get(f"{path}&resolution=auto&since={since}").json()["items"]
        assert items == expected or len(items) == expected
