"""API version 1: what a program reads, page by page, and the one deed it may do."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from psycopg import Connection
from psycopg.types.json import Jsonb

from ioc.domain.observation import Flag, Quality
from ioc.domain.permission import Role
from tests.integration.web_site import Answer, Client, Site, add_thing

Db = Connection[tuple[Any, ...]]
WORDS: Final = (
    "acknowledge",
    "assign",
    "close",
    "comment",
    "handling",
    "reset",
    "shelve",
    "unshelve",
)
T0: Final = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def api(web: Site, role_tokens: dict[Role, str]) -> Client:
    """Return a program with an operator's token."""
    return web.client(role_tokens[Role.OPERATOR])


def pages(client: Client, path: str, limit: int) -> list[list[Any]]:
    """Follow `next` to the end."""
    found: list[list[Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        sign = "&" if "?" in path else "?"
        answer = client.get(f"{path}{sign}limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status == 200, answer.body
        body = answer.json()
        assert len(body["items"]) <= limit
        found.append(body["items"])
        cursor = body["next"]
        assert len(found) < 100
    return found


def flat(client: Client, path: str, key: str, limit: int) -> list[Any]:
    return [item[key] for page in pages(client, path, limit) for item in page]


def observe(conn: Db, stream: int, minute: int, result: float, **more: Any) -> None:
    conn.execute(
        "insert into observation (datastream_id, phenomenon_time, result, quality, flags,"
        " received, writer, batch_no) values (%s, %s, %s, %s, %s, %s, 1, 1)",
        (
            stream,
            T0 + timedelta(minutes=minute),
            result,
            more.get("quality", 0),
            more.get("flags", 0),
            T0 + timedelta(minutes=minute, seconds=2),
        ),
    )


def raise_alert(conn: Db, thing: int, stream: int, minute: int = 0, **more: Any) -> str:
    """Open an alert as the evaluator does; return its id."""
    rule = f"pm25-{minute}"
    conn.execute("insert into rule (id, name, current_version) values (%s, %s, 1)", (rule, rule))
    conn.execute(
        "insert into rule_version (rule_id, version, definition, created_by)"
        " values (%s, 1, %s, 'test')",
        (
            rule,
            Jsonb(
                {
                    "name": {"vi": "Vượt", "en": "Above"},
                    "op": ">",
                    "operator_action": {"vi": "Gọi", "en": "Call"},
                }
            ),
        ),
    )
    key = uuid4()
    at = T0 + timedelta(minutes=minute)
    conn.execute(
        "insert into alert (id, rule_id, rule_version, datastream_id, thing_id, severity, active,"
        " raised_at, detected_at, result, limit_value, closed_at)"
        " values (%s, %s, 1, %s, %s, 2, true, %s, %s, %s, 150, %s)",
        (key, rule, stream, thing, at, at, more.get("result", 163.5), more.get("closed_at")),
    )
    return str(key)


# ---------------------------------------------------------------- reading


def test_things_page_by_page(api: Client, conn: Db) -> None:
    """Every admitted thing once, in order, whatever the page's size; pending ones apart."""
    ids = [add_thing(conn, f"tram-{n}")[0] for n in range(7)]
    camera, _ = add_thing(conn, "cam-1", kind="camera")
    pending, _ = add_thing(conn, "la-1", state="pending")
    retired, _ = add_thing(conn, "cu-1", state="retired")
    for limit in (1, 3, 8, 1000):
        assert flat(api, "/api/v1/things", "id", limit) == [*ids, camera]
    assert flat(api, "/api/v1/things?kind=camera", "id", 5) == [camera]
    assert flat(api, "/api/v1/things/pending", "id", 5) == [pending]
    assert api.get(f"/api/v1/things/{pending}").status == 404
    assert api.get(f"/api/v1/things/{retired}").status == 404
    assert api.get("/api/v1/things/999999").json()["type"] == "urn:ioc:problem:not_found"


def test_a_list_that_grows_while_read_repeats_and_loses_nothing(api: Client, conn: Db) -> None:
    """A cursor is a place, not a number of rows: what appears meanwhile shifts nobody."""
    first = [add_thing(conn, f"tram-{n}")[0] for n in range(3)]
    body = api.get("/api/v1/things?limit=2").json()
    conn.execute("update thing set state = 'retired' where id = %s", (first[0],))
    later, _ = add_thing(conn, "tram-9")
    rest = api.get(f"/api/v1/things?limit=5&cursor={body['next']}").json()
    assert [item["id"] for item in rest["items"]] == [first[2], later]
    assert rest["next"] is None


def test_a_thing_with_its_newest_values(api: Client, conn: Db) -> None:
    """One answer holds place, datastreams and the newest value of each, by phenomenon time."""
    thing, stream = add_thing(conn)
    conn.execute(
        "insert into location (thing_id, lon, lat, commune_code, commune_name, commune_how,"
        " outline) values (%s, 106.9, 10.9, '26000', 'Trấn Biên', 'nearest_seat', 'inside')",
        (thing,),
    )
    observe(conn, stream, 5, 42.5)
    observe(conn, stream, 1, 99.0)  # late
    body = api.get(f"/api/v1/things/{thing}").json()
    assert (body["thing"]["lon"], body["thing"]["commune"]) == (106.9, "Trấn Biên")
    assert body["thing"]["commune_how"] == "nearest_seat"
    (row,) = body["datastreams"]
    assert (row["id"], row["property"], row["unit"]) == (stream, "pm25", "µg/m³")
    assert (row["result"], row["time"]) == (42.5, "2026-03-01T00:05:00Z")
    assert flat(api, "/api/v1/datastreams", "id", 1) == [stream]
    assert flat(api, f"/api/v1/datastreams?thing={thing + 1}", "id", 1) == []


def test_a_camera_that_flaps_and_what_is_wrong_with_it(api: Client, conn: Db) -> None:
    """A thing's own word is held until it lasts; its details and its changes are told."""
    thing, stream = add_thing(conn, "cam-1", kind="camera")
    conn.execute(
        "insert into observed_property (code, name_vi, name_en, unit, kind, states) values"
        " ('camera_status', 'Trạng thái', 'Status', '', 'category',"
        """ '{"online": 0, "degraded": 1, "offline": 2}')"""
    )
    conn.execute(
        "update datastream set property = 'camera_status', code = 'camera_status' where id = %s",
        (stream,),
    )
    path = f"/api/v1/things/{thing}"
    assert api.get(path).json()["statuses"] == []
    words = [(7200, 0), (40, 2), (30, 0), (20, 2)]  # seconds ago
    conn.execute(
        "insert into observation (datastream_id, phenomenon_time, result, quality, flags, received,"
        " writer, batch_no) select %s, now() - a * interval '1 s', r, 0, 0, now(), 1, 1"
        " from unnest(%s::int[], %s::float8[]) u (a, r)",
        (stream, [ago for ago, _ in words], [state for _, state in words]),
    )
    conn.execute(
        "insert into status_detail select datastream_id, max(phenomenon_time), 'signal loss'"
        " from observation group by 1"
    )
    (status,) = api.get(path).json()["statuses"]
    assert (status["property"], status["state"], status["said"]) == (
        "camera_status", "online", "offline"
    )  # fmt: skip
    assert (status["detail"], status["changes"]) == ("signal loss", 3)
    rows = api.get(f"/api/v1/observations?datastream={stream}").json()["items"]
    assert [row["detail"] for row in rows] == ["signal loss", None, None, None]


def test_observations_newest_first(api: Client, conn: Db) -> None:
    """All values of a datastream, with quality and flags as words and "no value" as null."""
    _, stream = add_thing(conn)
    for minute in range(10):
        observe(conn, stream, minute, float(minute))
    observe(
        conn, stream, 10, float("nan"),
        quality=int(Quality.FAULT), flags=int(Flag.SIMULATED | Flag.RETAINED),
    )  # fmt: skip
    path = f"/api/v1/observations?datastream={stream}"
    results = [None, *[float(n) for n in reversed(range(10))]]
    for limit in (1, 4, 11, 1000):
        assert flat(api, path, "result", limit) == results
    newest = api.get(path + "&limit=1").json()["items"][0]
    assert newest["quality"] == "fault"
    assert sorted(newest["flags"]) == ["retained", "simulated"]
    assert newest["phenomenon_time"] == "2026-03-01T00:10:00Z"


def test_values_of_a_pending_thing_are_hidden(api: Client, conn: Db) -> None:
    """History of a thing nobody admitted is kept and not shown, until it is admitted."""
    thing, stream = add_thing(conn, state="pending")
    observe(conn, stream, 0, 1.0)
    path = f"/api/v1/observations?datastream={stream}"
    assert flat(api, path, "result", 10) == []
    conn.execute("update thing set state = 'admitted' where id = %s", (thing,))
    assert flat(api, path, "result", 10) == [1.0]


def test_alerts_newest_first(api: Client, conn: Db) -> None:
    """Alerts of one instant are paged as well; each says the kind of what it is about."""
    keys = []
    for n in range(6):
        thing, stream = add_thing(conn, f"tram-{n}")
        keys.append(raise_alert(conn, thing, stream, n, closed_at=T0 if n == 5 else None))
    conn.execute("update alert set raised_at = %s", (T0,))
    for limit in (1, 4, 6):
        assert flat(api, "/api/v1/alerts", "id", limit) == sorted(keys, reverse=True)
    assert keys[5] not in flat(api, "/api/v1/alerts?open=true", "id", 4)
    row = api.get("/api/v1/alerts?limit=1").json()["items"][0]
    assert (row["property"], row["kind"], row["limit_value"]) == ("pm25", "quantity", 150.0)


def test_an_alert_of_silence_has_no_value(api: Client, conn: Db) -> None:
    """NaN is null: JSON has no other word for it."""
    thing, stream = add_thing(conn)
    raise_alert(conn, thing, stream, result=float("nan"))
    assert flat(api, "/api/v1/alerts", "result", 1) == [None]


def test_feeds_and_what_they_refused(api: Client, conn: Db) -> None:
    """A feed counts its things and refusals; the refusals can be read with their payload."""
    add_thing(conn, "tram-1")
    add_thing(conn, "la-1", state="pending")
    for n in range(3):
        conn.execute(
            "insert into dead_letter (feed, topic, payload, size, reason, detail, received,"
            " writer, batch_no)"
            " values ('env', 't', %s, 9000, 'bad_json', %s, now(), 1, 1)",
            (b"x" * 9000, str(n)),
        )
    (feed,) = api.get("/api/v1/feeds").json()["items"]
    assert (feed["name"], feed["things"], feed["pending"], feed["dead_letters"]) == ("env", 1, 1, 3)
    path = "/api/v1/feeds/env/dead-letters"
    assert flat(api, path, "detail", 2) == ["2", "1", "0"]
    row = api.get(path).json()["items"][0]
    assert (row["size"], row["reason"]) == (9000, "bad_json")
    assert len(row["payload"]) == 4 * -(-8192 // 3)  # base64 of the first 8 kB
    assert api.get("/api/v1/feeds/none/dead-letters").status == 404


def test_the_description_is_true(api: Client) -> None:
    """OpenAPI 3.1 names every path below /api/v1 that answers, and none that does not."""
    body = api.get("/api/v1/openapi.json").json()
    assert body["openapi"].startswith("3.1")
    assert set(body["paths"]) == {
        "/api/v1/things",
        "/api/v1/things/pending",
        "/api/v1/things/{thing_id}",
        "/api/v1/datastreams",
        "/api/v1/feeds",
        "/api/v1/feeds/{feed}/dead-letters",
        "/api/v1/observations",
        "/api/v1/alerts",
        "/api/v1/alerts/acknowledge",
        "/api/v1/alerts/{alert_id}",
        *(f"/api/v1/alerts/{{alert_id}}/{word}" for word in WORDS),
        "/api/v1/masks",
        "/api/v1/masks/{mask_id}",
        "/api/v1/masks/{mask_id}/approve",
        "/api/v1/rules",
        "/api/v1/rules/{key}",
        "/api/v1/rules/{key}/rollback",
        "/api/v1/rules/{key}/versions/{number}/approve",
        "/api/v1/rules/{key}/versions/{number}/reject",
        *(f"/api/v1/rules/{word}" for word in ("history", "preview", "context")),
        "/api/v1/rule-options",
        "/api/v1/rule-options/stations",
        "/api/v1/layers",
        "/api/v1/audit",
        "/api/v1/audit/actions",
        "/api/v1/audit.csv",
        "/api/v1/users",
        "/api/v1/user-options",
        *(f"/api/v1/users/{{username}}/{word}" for word in ("change", "lock", "unlock", "reset")),
        "/api/v1/users/{username}/sessions",
        "/api/v1/users/{username}/sessions/{number}",
        "/api/v1/tokens",
        "/api/v1/tokens/{token_id}",
        "/api/v1/alerts/{alert_id}/around",
        "/api/v1/alerts/{alert_id}/direction",
        "/api/v1/coverage",
        "/api/v1/indices",
        "/api/v1/indices/{station}",
        "/api/v1/compliance/{station}",
        "/api/v1/network",
        *(
            f"/api/v1/network/{word}"
            for word in ("impact", "segments", "single-points", "suspects")
        ),
        "/api/v1/notify-tests",
        "/api/v1/notify-tests/{number}",
        "/api/v1/rules/{key}/switch",
        "/api/v1/search",
    }
    assert "pattern" in json.dumps(body)


# ---------------------------------------------------------------- acknowledging


@pytest.fixture
def acknowledge(web: Site) -> Callable[[Client, str, str], Answer]:
    """Return a function that presses the button with a key."""
    assert web.port

    def press(client: Client, alert: str, key: str) -> Answer:
        return client.post(f"/api/v1/alerts/{alert}/acknowledge", Idempotency_Key=key)

    return press


Press = Callable[[Client, str, str], Answer]


def deeds(conn: Db) -> tuple[int, int, int]:
    """Return how many acknowledgements events, audit and receipts hold."""
    row = conn.execute(
        "select (select count(*) from alert_event where kind = 'ACK'),"
        " (select count(*) from audit where action = 'alert.acknowledge'),"
        " (select count(*) from command_receipt)"
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


@pytest.mark.usefixtures("kiosk_token")
def test_an_acknowledgement_is_done_once(web: Site, conn: Db, acknowledge: Press) -> None:
    """Twelve presses with one key at once: one deed, one audit row, twelve equal answers."""
    alert = raise_alert(conn, *add_thing(conn))
    operator = web.operator()
    with ThreadPoolExecutor(12) as crowd:
        answers = list(crowd.map(lambda _: acknowledge(operator, alert, "key-1"), range(12)))
    assert {answer.status for answer in answers} == {200}
    (body,) = {answer.body for answer in answers}
    assert json.loads(body)["acked_by"] == "truc-ban"
    assert deeds(conn) == (1, 1, 1)
    assert acknowledge(operator, alert, "key-1").body == body


@pytest.mark.usefixtures("kiosk_token")
def test_who_comes_second_hears_who_was_first(
    web: Site, conn: Db, acknowledge: Press, role_tokens: dict[Role, str]
) -> None:
    """Another person's key does not take an alert over, and is no error."""
    alert = raise_alert(conn, *add_thing(conn))
    first = acknowledge(web.operator(), alert, "same-key")
    second = acknowledge(web.client(role_tokens[Role.ENVIRONMENT]), alert, "same-key")
    assert first.json() == second.json()
    assert second.json()["acked_by"] == "truc-ban"
    assert deeds(conn)[0] == 1


@pytest.mark.usefixtures("kiosk_token")
def test_an_acknowledgement_reaches_every_screen(
    web: Site, conn: Db, acknowledge: Press, kiosk_token: str
) -> None:
    """An open wall shows the name without waiting for the next pass of the database."""
    alert = raise_alert(conn, *add_thing(conn))
    with web.events(web.client(kiosk_token)) as events:
        shown = _alert(events.next, alert)
        assert (shown["kind"], shown["property"], shown["acked"]) == ("quantity", "pm25", False)
        acknowledge(web.operator(), alert, "k")
        while not (shown := _alert(events.next, alert))["acked"]:
            pass
        assert shown["acked_by"] == "truc-ban"


def _alert(following: Callable[[], tuple[str, Any]], key: str) -> Any:
    """Return an alert's row of the next event that has it."""
    while True:
        _, data = following()
        for row in data.get("alerts", {}).get("open", []):
            if row["id"] == key:
                return row


def test_an_unknown_alert_leaves_nothing(api: Client, conn: Db, acknowledge: Press) -> None:
    """404 and no receipt: the same key works later."""
    alert = str(UUID(int=9))
    assert acknowledge(api, alert, "k").json()["type"] == "urn:ioc:problem:not_found"
    assert deeds(conn) == (0, 0, 0)


def test_a_key_is_needed_and_plain(api: Client, conn: Db, acknowledge: Press) -> None:
    """Without a key, or with one that is empty, long or not ASCII, nothing is done."""
    alert = raise_alert(conn, *add_thing(conn))
    for key in ("", "x" * 201, "a b", "khóa"):
        answer = acknowledge(api, alert, key)
        assert answer.status == 422, key
        assert answer.json()["places"] == ["header.idempotency-key"], key
    assert acknowledge(api, "not-an-id", "k").status == 422
    assert deeds(conn) == (0, 0, 0)
