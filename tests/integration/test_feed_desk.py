"""What the page of feeds fetches: today's shares, refused messages, and trying those again."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from psycopg import Connection

from ingest import feeds, retrying
from ioc.domain.permission import Role
from ioc.domain.scope import Scope
from ioc.settings import Settings
from ioc.storage import users
from ioc.storage.things import upsert_feeds
from tests.integration.ingest_rig import prepare
from tests.integration.test_thing_desk import spoke
from tests.integration.web_site import Client, Site, add_thing

Db = Connection[tuple[Any, ...]]

FEED = """
name: env
title: {vi: Môi trường, en: Environment}
codec: json
topic: "env/{thing}"
kind: environment
expected_period_s: 60
options:
  values:
    pm25: {path: pm25, unit: "µg/m³"}
"""


@pytest.fixture
def desk(web: Site, role_tokens: dict[Role, str]) -> Client:
    """Return somebody who may try messages again."""
    return web.client(role_tokens[Role.OPERATOR])


def refuse(conn: Db, payload: bytes, feed: str | None = "env", reason: str = "bad_json") -> None:
    conn.execute(
        "insert into dead_letter (feed, topic, payload, size, reason, received, writer, batch_no)"
        " values (%s, 'env/x', %s, %s, %s, now(), 1, 1)",
        (feed, payload, len(payload), reason),
    )


def minute(conn: Db, stream: int, n: int, good: int) -> None:
    conn.execute(
        "insert into observation_minute (datastream_id, minute, n, n_good)"
        " values (%s, date_trunc('minute', now()), %s, %s)",
        (stream, n, good),
    )


def test_a_feed_says_how_today_went(desk: Client, conn: Db) -> None:
    """Right, clean and live are shares of today; what was refused counts by reason."""
    _, stream = add_thing(conn, "x")
    add_thing(conn, "silent")
    add_thing(conn, "stranger", state="pending")
    spoke(conn, stream, 5)
    minute(conn, stream, 8, 6)
    for reason in ("bad_json", "bad_json"):
        refuse(conn, b"{", reason=reason)
    refuse(conn, b"?", feed=None, reason="no_feed")
    found = desk.get("/desk/feeds").json()
    (row,) = found["feeds"]
    assert (row["things"], row["heard"], row["alive"], row["pending"]) == (2, 1, 0.5, 1)
    assert (row["values"], row["clean"], row["right"]) == (8, 0.75, 0.8)
    assert (row["refused"], row["waiting"]) == ({"bad_json": 2}, 2)
    assert found["strays"]["refused"] == {"no_feed": 1}
    body = desk.get("/desk/feeds/export.csv").body
    (line,) = csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    assert (line["Đúng (%)"], line["Sống (%)"], line["Chờ duyệt"]) == ("80.0", "50.0", "1")


def test_a_message_is_listed_with_its_reason(desk: Client, conn: Db) -> None:
    """Newest first, narrowed by reason; those taken in later only on demand; a file too."""
    add_thing(conn, "x")
    refuse(conn, b"one")
    refuse(conn, b"=two", reason="empty")
    refuse(conn, b"three")
    conn.execute("update dead_letter set retried_at = now() where payload = 'three'")
    rows = desk.get("/desk/feeds/letters?feed=env").json()["rows"]
    assert [row["excerpt"] for row in rows] == ["=two", "one"]
    assert rows[1]["words"].startswith("Nội dung không phải JSON")
    assert len(desk.get("/desk/feeds/letters?feed=env&all=true").json()["rows"]) == 3
    body = desk.get("/desk/feeds/letters/export.csv?feed=env&reason=empty").body
    (line,) = csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    assert line["Phần đầu nội dung"] == "'=two"


def test_a_part_of_the_province_hears_no_message(web: Site, conn: Db) -> None:
    """Who answers for a commune sees its feeds and values, not messages that have no place."""
    for name, code in (("in", "26000"), ("out", "26001")):
        thing, stream = add_thing(conn, name)
        minute(conn, stream, 5, 5)
        conn.execute(
            "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
            " outline) values (%s, 107, 11, %s, 'Xã', 'boundary', 'inside')",
            (thing, code),
        )
    refuse(conn, b"{")
    scope = Scope(areas=frozenset({"26000"}))
    token = users.create_token(conn, kind="api", role="operator", label="xã", scope=scope)
    client = web.client(token)
    found = client.get("/desk/feeds").json()
    (row,) = found["feeds"]
    assert (row["things"], row["values"], row["refused"], row["messages"]) == (1, 5, None, None)
    assert (found["strays"], found["letters"], found["retry"]) == (None, False, False)
    assert client.get("/desk/feeds/letters?feed=env").status == 403
    assert client.post("/desk/feeds/env/retry").status == 403


@pytest.fixture
def ingest(web_settings: Settings, tmp_path: Path, conn: Db) -> tuple[Settings, retrying.Sources]:
    """Return settings whose one feed is `env`, known to the database."""
    folder = tmp_path / "config"
    shutil.copytree(web_settings.config_dir, folder)
    for file in (folder / "feeds").iterdir():
        file.unlink()
    (folder / "feeds/env.yaml").write_text(FEED, encoding="utf-8")
    sources = feeds.load(folder / "feeds")
    upsert_feeds(conn, [source.spec for source in sources.values()])
    prepare(web_settings)
    return msgspec.structs.replace(web_settings, config_dir=folder), sources


def test_what_was_mended_is_taken_in(
    desk: Client, conn: Db, ingest: tuple[Settings, retrying.Sources]
) -> None:
    """A press tries every message of the feed again, once; each end is told and audited."""
    settings, sources = ingest
    refuse(conn, b"{")
    refuse(conn, b'{"pm25": 12}', reason="missing_value")
    assert desk.post("/desk/feeds/env/retry").status == 202
    again = desk.post("/desk/feeds/env/retry")
    assert (again.status, again.json()["reason"]) == (409, "retry_open")
    retrying.work(conn, settings, sources, lambda: False)
    done = desk.get("/desk/feeds/env/retry").json()
    assert (done["state"], done["total"], done["taken"], done["refused"]) == ("done", 2, 1, 1)
    left = desk.get("/desk/feeds/letters?feed=env").json()["rows"]
    assert [row["excerpt"] for row in left] == ["{"]
    lines = conn.execute("select action, object from audit where action like 'letters%'")
    assert lines.fetchall() == [("letters.retry", "env")]


def test_a_retry_is_stopped(
    desk: Client, conn: Db, ingest: tuple[Settings, retrying.Sources]
) -> None:
    """Before it began nothing is tried; while it runs it ends after the page in hand."""
    settings, sources = ingest
    refuse(conn, b"{")
    assert desk.post("/desk/feeds/env/retry/stop").status == 404
    desk.post("/desk/feeds/env/retry")
    assert desk.post("/desk/feeds/env/retry/stop").status == 202
    retrying.work(conn, settings, sources, lambda: False)
    assert desk.get("/desk/feeds/env/retry").json()["state"] == "cancelled"
    desk.post("/desk/feeds/env/retry")
    conn.execute("update letter_retry set stop = true where state = 'waiting'")
    retrying.work(conn, settings, sources, lambda: False)
    found = desk.get("/desk/feeds/env/retry").json()
    assert (found["state"], found["refused"]) == ("cancelled", 1)


def test_a_retry_outlives_its_process(
    desk: Client, conn: Db, ingest: tuple[Settings, retrying.Sources]
) -> None:
    """One whose process ends waits for the next; one whose process died is taken up again."""
    settings, sources = ingest
    refuse(conn, b"{")
    desk.post("/desk/feeds/env/retry")
    retrying.work(conn, settings, sources, lambda: True)
    assert desk.get("/desk/feeds/env/retry").json()["state"] == "waiting"
    conn.execute("update letter_retry set state = 'running', lease_until = now() + '1 minute'")
    retrying.work(conn, settings, sources, lambda: False)
    assert desk.get("/desk/feeds/env/retry").json()["state"] == "running"
    conn.execute("update letter_retry set lease_until = now() - interval '1 second'")
    retrying.work(conn, settings, sources, lambda: False)
    assert desk.get("/desk/feeds/env/retry").json()["state"] == "done"
