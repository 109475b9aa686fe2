"""The tablet's routes: what they say, what a leader may order, and what is kept of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import UUID

from openpyxl import load_workbook
from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc.domain.permission import Role
from ioc.storage import push as push_storage
from ioc.storage.notifications import Subscription
from ioc.storage.script import run
from tests.integration.web_site import Answer, Client, Events, Site, add_thing

Db = Connection[tuple[Any, ...]]
ALERT = UUID(int=77)


def open_alert(conn: Db, severity: int = 1, *, key: UUID = ALERT, hours: int = 1) -> int:
    """Open an alert on a thing that has been watched for two weeks; return the thing."""
    thing, stream = add_thing(conn, f"tram-{key.int}")
    conn.execute("update thing set created_at = now() - interval '14 days'")
    definition = {"name": {"vi": "Bụi", "en": "Dust"}, "op": ">", "limit": 50}
    conn.execute(
        "insert into rule (id, name, current_version) values ('r', 'r', 1) on conflict do nothing"
    )
    conn.execute(
        "insert into rule_version (rule_id, version, definition, created_by)"
        " values ('r', 1, %s, 't') on conflict do nothing",
        (Jsonb(definition),),
    )
    conn.execute(
        "insert into alert (id, rule_id, rule_version, datastream_id, thing_id, severity, active,"
        " raised_at, detected_at, result, limit_value, handling_due) values (%s, 'r', 1, %s, %s,"
        " %s, true, now() - make_interval(hours => %s), now(), 96.4, 50, now())",
        (key, stream, thing, severity, hours),
    )
    return thing


def direct(client: Client, key: str, note: str = "Báo cáo tôi", **more: Any) -> Answer:
    body = {"note": note, "written_at": datetime.now(UTC).isoformat()} | more
    origin = f"http://127.0.0.1:{client.port}"
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, "Origin": origin}
    path = f"/api/v1/alerts/{more.pop('alert', ALERT)}/direction"
    return client.ask("POST", path, json.dumps(body).encode(), headers)


def leader(web: Site) -> Client:
    client = web.client()
    assert client.login("lanh-dao").status == 303
    return client


def test_the_state_says_what_is_wrong_and_since_when(conn: Db, web: Site, kiosk_token: str) -> None:
    """The sentence, counts with yesterday and last week, the worst, and overdue handling."""
    assert kiosk_token
    open_alert(conn, hours=30)
    open_alert(conn, 2, key=UUID(int=78))
    found = leader(web).get("/brief/state").json()
    said = "".join(text for text, _ in found["sentence"])
    assert said.startswith("Một việc nghiêm trọng: ")
    assert said.endswith("Một việc cao, một chưa ai nhận.")
    assert (found["counts"]["critical"]["n"], found["counts"]["high"]["n"]) == (1, 1)
    assert found["counts"]["critical"]["day"] == "như hôm qua"
    assert found["counts"]["high"]["day"] == "+1 so với hôm qua"
    assert found["counts"]["high"]["week"] == "tuần trước 0"
    assert found["counts"]["overdue"]["n"] == 2
    assert [row["severity"] for row in found["worst"]] == [1, 2]
    assert found["worst"][0]["detail"] == "Bụi mịn 96,4\u00a0µg/m³, ngưỡng 50\u00a0µg/m³"


def test_a_thing_that_was_silent_yesterday_is_counted_there(
    conn: Db, web: Site, kiosk_token: str
) -> None:
    """Silence of a day that is over is read from history, by the limit of the datastream."""
    assert kiosk_token
    open_alert(conn)
    conn.execute(
        "insert into observation_minute (datastream_id, minute, n, n_good) select id,"
        " date_trunc('minute', now() - interval '50 hours'), 1, 1 from datastream"
    )
    found = leader(web).get("/brief/state").json()["counts"]["silent"]
    assert found["day"] == "\u22121 so với hôm qua"
    assert found["week"] == "tuần trước 0", "what never spoke is not silent"


def test_a_direction_is_given_once_whatever_is_repeated(
    conn: Db, web: Site, kiosk_token: str
) -> None:
    """One key is one line in the log and one in the audit; the answer is the first one's."""
    assert kiosk_token
    open_alert(conn)
    client = leader(web)
    written = datetime(2026, 11, 1, 8, 0, tzinfo=UTC).isoformat()
    first, again = (direct(client, "k1", written_at=written) for _ in range(2))
    assert (first.status, first.body) == (200, again.body)
    assert first.json()["written_at"] == "2026-11-01T08:00:00Z"
    rows = conn.execute(
        "select kind, actor, payload ->> 'note', event_time from alert_event"
    ).fetchall()
    assert rows == [("DIRECTION", "lanh-dao", "Báo cáo tôi", datetime(2026, 11, 1, 8, tzinfo=UTC))]
    audited = conn.execute("select actor, detail ->> 'note' from audit where action ="
                           " 'alert.direction'").fetchall()  # fmt: skip
    assert audited == [("lanh-dao", "Báo cáo tôi")]
    assert direct(client, "k2", kind="comment").json()["kind"] == "comment"


def test_a_direction_reaches_an_alert_that_closed_meanwhile(
    conn: Db, web: Site, kiosk_token: str
) -> None:
    """A tablet that was away for hours is not told that its words came too late."""
    assert kiosk_token
    open_alert(conn)
    conn.execute("update alert set active = false, closed_at = now()")
    assert direct(leader(web), "k1").status == 200


def test_what_is_no_direction_is_refused(conn: Db, web: Site, kiosk_token: str) -> None:
    """Empty, too long, unreadable by the database, of no alert, without a key, at no time."""
    assert kiosk_token
    open_alert(conn)
    client = leader(web)
    assert direct(client, "k", "  ").status == 422
    assert direct(client, "k", "x" * 2001).status == 422
    assert direct(client, "k", "a\x00b").status == 422
    assert direct(client, "", "x").status == 422
    assert direct(client, "k", written_at="0001-01-01T00:00:00+14:00").status == 422
    assert conn.execute("select count(*) from alert_event").fetchone() == (0,)


def test_only_a_leader_directs(conn: Db, web: Site, role_tokens: dict[Role, str]) -> None:
    """An operator acknowledges and handles; what is to be done from above is a leader's."""
    open_alert(conn)
    may = {
        role
        for role, token in role_tokens.items()
        if direct(web.client(token), f"k-{role}").status == 200
    }
    assert may == {Role.ADMIN, Role.LEADER}


def push(client: Client, method: str, body: dict[str, str]) -> Answer:
    origin = f"http://127.0.0.1:{client.port}"
    headers = {"Content-Type": "application/json", "Origin": origin}
    return client.ask(method, "/brief/push", json.dumps(body).encode(), headers)


def test_a_browser_is_that_persons(conn: Db, web: Site, kiosk_token: str) -> None:
    """A subscription is stored under the username; only its owner can end it; all is audited."""
    assert kiosk_token
    mine = leader(web)
    assert mine.get("/brief/push").json() == {"key": "", "told": False}
    browser = {"endpoint": "https://push.example/1", "p256dh": "A" * 87, "auth": "B" * 22}
    assert push(mine, "POST", browser).status == 200
    assert push(mine, "POST", browser | {"endpoint": "http://10.0.0.1/"}).status == 422
    stored = conn.execute("select owner, endpoint from push_subscription").fetchall()
    assert stored == [("lanh-dao", "https://push.example/1")]
    other = {"endpoint": "https://push.example/1"}
    assert push(web.operator(), "DELETE", other).status == 200
    assert conn.execute("select count(*) from push_subscription").fetchone() == (1,)
    assert push(mine, "DELETE", other).status == 200
    assert conn.execute("select count(*) from push_subscription").fetchone() == (0,)
    actions = conn.execute("select action from audit where action like 'push.%' order by id")
    assert [row[0] for row in actions] == ["push.subscribe", "push.unsubscribe"]


def test_a_plan_that_names_the_person_is_told(conn: Db, web: Site, kiosk_token: str) -> None:
    """The tablet says whether any target of the plan leads to it."""
    assert kiosk_token
    target = {"name": "ld", "channel": "webpush", "address": "lanh-dao"}
    conn.execute(
        "insert into notify_plan (definition, created_by) values (%s, 't')",
        (Jsonb({"targets": [target]}),),
    )
    conn.execute("insert into push_key (public_key) values ('k')")
    assert leader(web).get("/brief/push").json() == {"key": "k", "told": True}
    assert web.operator().get("/brief/push").json() == {"key": "k", "told": False}


def test_the_dispatchers_key_is_kept_and_forgotten(conn: Db) -> None:
    """A new key replaces the old one; a centre that gives web push up has none."""
    for key in ("a", "b", "b", None):
        run(conn, push_storage.put_public_key(key))
        assert run(conn, push_storage.public_key()) == key


def test_a_lost_browser_gives_way(conn: Db) -> None:
    """One person keeps the newest browsers; the same one again is no second."""
    for number in (*range(push_storage.MOST + 2), 5):
        browser = Subscription(f"https://push.example/{number}", "k", "a")
        run(conn, push_storage.subscribe("lanh-dao", browser))
    rows = conn.execute("select count(*), count(distinct endpoint) from push_subscription")
    assert rows.fetchone() == (push_storage.MOST, push_storage.MOST)


def test_the_report_comes_as_pdf_and_workbook(conn: Db, web: Site, kiosk_token: str) -> None:
    """Both forms of both periods, with the file's name; what is no period is refused."""
    assert kiosk_token
    open_alert(conn, hours=30)
    client = leader(web)
    made = client.get("/brief/report?period=day&format=pdf")
    assert (made.status, made.headers["content-type"]) == (200, "application/pdf")
    assert made.body.startswith(b"%PDF-")
    assert 'filename="ban-tin-ngay-' in made.headers["content-disposition"]
    made = client.get("/brief/report?period=week&format=xlsx")
    book = load_workbook(BytesIO(made.body))
    assert book["Cảnh báo"]["A2"].value == "Nghiêm trọng"
    assert client.get("/brief/report?period=year").status == 422


def test_a_chart_is_drawn_with_its_limit(conn: Db, web: Site, kiosk_token: str) -> None:
    """SVG of one datastream; an unknown one is 404, a limit that is no number is left out."""
    assert kiosk_token
    thing = open_alert(conn)
    client = leader(web)
    path = f"/brief/chart?thing={thing}&code=pm25"
    assert "ngưỡng 50" in client.get(path + "&limit=50").body.decode()
    assert "ngưỡng" not in client.get(path + "&limit=nan").body.decode()
    assert client.get(f"/brief/chart?thing={thing}&code=nothing").status == 404


def test_worker_and_manifest_are_of_one_version(web: Site) -> None:
    """The worker may rule the page alone, and each file that it keeps exists."""
    client = web.client()
    worker = client.get("/brief/sw.js")
    assert worker.headers["service-worker-allowed"] == "/brief"
    kept = json.loads(worker.body.decode().partition("=")[2].partition(";\n")[0])
    assert len(kept["files"]) > 10
    for path in kept["files"]:
        assert client.get(path).status == 200, path
    manifest = client.get("/brief/app.webmanifest").json()
    assert (manifest["scope"], manifest["display"]) == ("/brief", "standalone")
    for icon in manifest["icons"]:
        assert client.get(icon["src"]).headers["content-type"] == "image/png"


def test_the_tablets_line_carries_no_things(conn: Db, web: Site, kiosk_token: str) -> None:
    """`/live?states=none` has every section and no thing's state, now and later."""
    assert kiosk_token
    open_alert(conn)
    client = leader(web)
    with web.events(client) as whole:
        assert "states" in whole.next("snapshot")[1]
    with Events(web.port, client, "/live?states=none") as line:
        snapshot = line.next("snapshot")[1]
    assert "states" not in snapshot
    assert {"alerts", "counts", "layers", "health"} <= set(snapshot)
