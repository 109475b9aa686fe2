"""Rules over HTTP: backtest, refusals by regulation, four eyes, rollback, files left in peace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from psycopg import Connection

from ioc.rules import definition
from ioc.settings import Settings
from ioc.storage import rules
from tests.e2e.rule_rig import FIRST, SECOND, month, staff
from tests.integration.web_site import Answer, Client, Site, add_thing

Db = Connection[tuple[Any, ...]]
WORDS = {"vi": "lời", "en": "words"}
RULE: dict[str, Any] = {
    "name": {"vi": "Bụi mịn cao", "en": "PM2.5 high"},
    "observed_property": "pm25",
    "op": ">",
    "levels": [{"severity": "high", "limit": 100, "deadband": 10}],
    "on_delay": 300,
    "off_delay": 600,
    "selector": {"things": ["env/tram-1"]},
    "cause": WORDS,
    "consequence": WORDS,
    "operator_action": WORDS,
}
CRITICAL = [{"severity": "critical", "limit": 120, "deadband": 10}]
QCVN = "QCVN 05:2023/BTNMT, Bảng 1"
DAY_MEAN = {"function": "mean", "length": 86400, "min_coverage": 0.75}


def given(**changes: Any) -> dict[str, Any]:
    return {**RULE, **changes}


@dataclass
class Desk:
    """Somebody of the environment department at work."""

    client: Client
    datastream: int

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        return self.client.ask(
            "POST",
            f"/api/v1/{path}",
            json.dumps(body).encode(),
            {
                "Content-Type": "application/json",
                "Origin": f"http://127.0.0.1:{self.client.port}",
            },
        )

    def save(self, rule: Mapping[str, Any], *, base: int | None = None, **more: Any) -> Answer:
        unit = more.pop("unit", "µg/m³")
        body = {"rule": rule, "unit": unit, "base": base, "datastream": self.datastream, **more}
        return self.post("rules", body)


@pytest.fixture
def datastream(conn: Db) -> int:
    """Return a station's datastream with a month of minutes, and people who edit."""
    staff(conn)
    _, stream = add_thing(conn)
    month(conn, stream)
    return stream


def desk(web: Site, datastream: int, name: str = FIRST) -> Desk:
    client = web.client()
    assert client.login(name).status == 303
    return Desk(client, datastream)


def in_force(conn: Db, key: str) -> tuple[int, bool, str]:
    row = conn.execute(
        "select current_version, enabled, origin from rule where id = %s", (key,)
    ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def test_a_preview_counts_what_the_month_held(web: Site, datastream: int) -> None:
    """Six episodes of three hours: count, time and share are those, within the delays."""
    found = desk(web, datastream).post("rules/preview", {"rule": RULE, "datastream": datastream})
    assert found.status == 200, found.body
    told = found.json()
    assert told["count"] == 6
    assert abs(told["seconds"] - 6 * 3 * 3600) < 6 * 1200
    assert told["levels"] == [{"severity": "high", "count": 6, "seconds": told["seconds"]}]
    assert not told["needs_reason"]
    assert told["coverage"] > 0.99


def test_a_chart_leaves_no_peak_out(web: Site, conn: Db, datastream: int) -> None:
    """One wild minute in 30 days stands in its pixel column."""
    conn.execute(
        "update observation set result = 987.6 where datastream_id = %s and phenomenon_time ="
        " date_trunc('minute', now()) - interval '10 days 7 minutes'",
        (datastream,),
    )
    body = {"datastream": datastream, "columns": 600}
    found = desk(web, datastream).post("rules/history", body).json()
    assert found["high"] == 987.6
    assert sum(1 for value in found["raw"]["high"] if value == 987.6) == 1
    assert len(found["raw"]["low"]) == 600
    assert found["suggestion"]["deadband"] > 0


def test_a_daily_mean_is_compared_as_one(web: Site, datastream: int) -> None:
    """Under a 24 h window the spikes of three hours vanish in the mean."""
    rule = given(window=DAY_MEAN)
    found = desk(web, datastream).post("rules/preview", {"rule": rule, "datastream": datastream})
    assert found.json()["count"] == 0
    body = {"datastream": datastream, "columns": 300, "window": DAY_MEAN}
    drawn = desk(web, datastream).post("rules/history", body).json()
    assert drawn["high"] < 70
    assert max(v for v in drawn["raw"]["high"] if v is not None) > 130


def test_saving_puts_a_rule_in_force_and_audits_it(web: Site, conn: Db, datastream: int) -> None:
    """A new rule gets an id from its name, is the people's, and stands in the audit."""
    done = desk(web, datastream).save(RULE)
    assert (done.status, done.json()) == (
        200,
        {"id": "bui-min-cao", "version": 1, "state": "approved"},
    )
    assert in_force(conn, "bui-min-cao") == (1, True, "ui")
    row = conn.execute("select actor, object, detail from audit where action = 'rule.save'")
    actor, key, detail = row.fetchone() or ("", "", {})
    assert (actor, key) == (FIRST, "bui-min-cao")
    assert detail["from"] is None
    assert detail["to"]["levels"][0]["limit"] == 100


def test_files_leave_rules_of_the_screen_alone(web: Site, conn: Db, datastream: int) -> None:
    """`sync` neither switches off nor overwrites what people made or edited."""
    desk(web, datastream).save(RULE)
    theirs = definition.parse({**RULE, "id": "bui-min-cao", "on_delay": 0})
    done = rules.sync(conn, [theirs], "config")
    assert (done.added, done.changed, done.disabled) == ((), (), ())
    assert in_force(conn, "bui-min-cao") == (1, True, "ui")
    stored = conn.execute("select definition ->> 'on_delay' from rule_version").fetchone()
    assert stored == ("300",)


def test_an_edit_of_a_files_rule_makes_it_the_peoples(web: Site, conn: Db, datastream: int) -> None:
    """A file's rule that was edited on screen is not taken back at the next start."""
    mine = definition.parse({**RULE, "id": "bui-cao"})
    rules.sync(conn, [mine], "config")
    changed = given(id="bui-cao", levels=[{"severity": "high", "limit": 110, "deadband": 10}])
    assert desk(web, datastream).save(changed, base=1).json()["version"] == 2
    rules.sync(conn, [mine], "config")
    assert in_force(conn, "bui-cao") == (2, True, "ui")


@pytest.mark.parametrize(
    ("changes", "unit", "word"),
    [
        ({"legal_ref": QCVN}, "µg/m³", "trung bình 24 giờ"),
        ({"legal_ref": QCVN, "window": {**DAY_MEAN, "length": 3600}}, "µg/m³", "24 giờ"),
        ({"legal_ref": QCVN, "window": DAY_MEAN}, "µg/m³", "45"),
        ({}, "mg/m³", "Đơn vị mg/m³"),
        ({"window": {**DAY_MEAN, "function": "sum"}}, "µg/m³", "trung bình"),
        ({"selector": {"things": ["env/nobody"]}}, "µg/m³", "không áp dụng"),
        ({"cause": {"vi": "…", "en": "…"}}, "µg/m³", "nguyên nhân"),
        ({"op": "like"}, "µg/m³", "op"),
        ({"owner": "Sở\0"}, "µg/m³", "NUL"),
        ({"window": {**DAY_MEAN, "length": 5000}}, "µg/m³", "không đúng dạng"),
    ],
)
def test_what_may_not_be_saved_is_refused_with_the_reason(
    web: Site, conn: Db, datastream: int, changes: dict[str, Any], unit: str, word: str
) -> None:
    """Another window, unit or value than the standard's: 422 in Vietnamese, nothing written."""
    answer = desk(web, datastream).save(given(**changes), unit=unit)
    assert answer.status == 422, answer.body
    assert word in " ".join(answer.json()["reasons"])
    assert conn.execute("select count(*) from rule").fetchone() == (0,)


def test_a_limit_of_the_standard_can_be_saved(web: Site, datastream: int) -> None:
    """The daily mean at 45 with its reference is what QCVN 05:2023 says."""
    level = {"severity": "high", "limit": 45, "deadband": 4}
    rule = given(legal_ref=QCVN, window=DAY_MEAN, levels=[level])
    assert desk(web, datastream).save(rule, reason="theo quy chuẩn").status == 200


def test_a_loud_rule_needs_a_typed_reason(web: Site, conn: Db, datastream: int) -> None:
    """In alarm more than 5 % of the time: refused without a reason, kept with it."""
    rule = given(levels=[{"severity": "high", "limit": 45, "deadband": 1}])
    quiet = desk(web, datastream).save(rule, reason="  ")
    assert quiet.status == 422
    assert "lý do" in quiet.json()["reasons"][0]
    assert desk(web, datastream).save(rule, reason="đợt đo so sánh hai tuần").status == 200
    row = conn.execute("select reason, rehearsal ->> 'stations' from rule_version").fetchone()
    assert row == ("đợt đo so sánh hai tuần", "1")


def test_a_critical_level_takes_two_people(web: Site, conn: Db, datastream: int) -> None:
    """It waits, switched off; its author cannot approve it, a second person can."""
    author = desk(web, datastream)
    assert author.save(given(levels=CRITICAL)).json()["state"] == "waiting"
    assert in_force(conn, "bui-min-cao")[1] is False
    assert rules.enabled(conn) == []
    own = author.post("rules/bui-min-cao/versions/1/approve", {})
    assert own.status == 422
    assert "người thứ hai" in own.json()["reasons"][0]
    second = desk(web, datastream, SECOND)
    assert second.post("rules/bui-min-cao/versions/1/approve", {}).json()["state"] == "approved"
    assert [one.version for one in rules.enabled(conn)] == [1]
    actions = conn.execute("select actor, action from audit where object = 'bui-min-cao'")
    assert (SECOND, "rule.approve") in actions.fetchall()


def test_dropping_a_critical_level_takes_two_people_too(
    web: Site, conn: Db, datastream: int
) -> None:
    """Nobody alone can silence the worst alarm; until then the old version stays in force."""
    author, second = desk(web, datastream), desk(web, datastream, SECOND)
    author.save(given(levels=CRITICAL))
    second.post("rules/bui-min-cao/versions/1/approve", {})
    milder = author.save(given(id="bui-min-cao"), base=1)
    assert milder.json() == {"id": "bui-min-cao", "version": 2, "state": "waiting"}
    assert in_force(conn, "bui-min-cao")[0] == 1
    assert second.post("rules/bui-min-cao/versions/2/reject", {}).json()["state"] == "rejected"
    assert in_force(conn, "bui-min-cao")[0] == 1


def test_going_back_writes_the_old_version_anew(web: Site, datastream: int) -> None:
    """A rollback is a new version with a reason; history is never rewritten."""
    author = desk(web, datastream)
    author.save(RULE)
    author.save(given(id="bui-min-cao", on_delay=900), base=1)
    nothing = author.post("rules/bui-min-cao/rollback", {"version": 1, "reason": " "})
    assert nothing.status == 422
    back = author.post("rules/bui-min-cao/rollback", {"version": 1, "reason": "báo chậm quá"})
    assert back.json() == {"id": "bui-min-cao", "version": 3, "state": "approved"}
    told = author.client.get("/api/v1/rules/bui-min-cao").json()
    assert told["version"] == 3
    assert told["definition"]["on_delay"] == 300
    assert [one["version"] for one in told["versions"]] == [3, 2, 1]


def test_two_authors_do_not_overwrite_each_other(web: Site, datastream: int) -> None:
    """Who started from a version that is no longer in force is told so."""
    author, other = desk(web, datastream), desk(web, datastream, SECOND)
    author.save(RULE)
    assert author.save(given(id="bui-min-cao", on_delay=60), base=1).status == 200
    late = other.save(given(id="bui-min-cao", on_delay=120), base=1)
    assert (late.status, late.json()["type"]) == (409, "urn:ioc:problem:rule_changed")


def test_a_preview_tells_what_changes(web: Site, datastream: int) -> None:
    """Against the version in force: alerts that come new, alerts that are spared."""
    author = desk(web, datastream)
    author.save(RULE)
    higher = given(id="bui-min-cao", levels=[{"severity": "high", "limit": 400, "deadband": 10}])
    body = {"rule": higher, "datastream": datastream, "against": "bui-min-cao"}
    told = author.post("rules/preview", body).json()
    assert told["diff"] == {"version": 1, "added": 0, "gone": 6}


def test_rules_that_watch_the_same_are_named(web: Site, datastream: int) -> None:
    """Same property, same station: the other rule is named, a rule never overlaps itself."""
    author = desk(web, datastream)
    author.save(RULE)
    body = {"rule": given(id="another"), "datastream": datastream, "when": "now"}
    told = author.post("rules/context", body).json()
    assert [(one["id"], one["stations"]) for one in told["overlaps"]] == [("bui-min-cao", 1)]
    own = author.post("rules/context", {**body, "rule": given(id="bui-min-cao")}).json()
    assert own["overlaps"] == []


def test_only_who_edits_rules_may_save(web: Site, kiosk_token: str, datastream: int) -> None:
    """An operator reads the list and tries limits, and is refused at saving."""
    assert kiosk_token
    operator = Desk(web.operator(), datastream)
    assert operator.client.get("/api/v1/rules").status == 200
    body = {"rule": RULE, "datastream": datastream}
    assert operator.post("rules/preview", body).status == 200
    assert operator.save(RULE).status == 403
    assert operator.post("rules/x/rollback", {"version": 1, "reason": "r"}).status == 403


def test_options_name_limits_in_force(web: Site, datastream: int) -> None:
    """The editor offers what is measured, and regulations with their windows."""
    client = desk(web, datastream).client
    found = client.get("/api/v1/rule-options").json()
    assert [(p["code"], p["how"]) for p in found["properties"]] == [("pm25", "mean")]
    own = [one for one in found["limits"] if one["property"] == "pm25"]
    assert [(one["high"], one["in_force"]) for one in own] == [(50.0, False), (45.0, True)]
    stations = client.get("/api/v1/rule-options/stations?property=pm25").json()["items"]
    assert [(one["ref"], one["kind_name"]) for one in stations] == [("env/tram-1", "Môi trường")]


def test_the_counter_is_the_backtest_of_the_command_line(
    web: Site, web_settings: Settings, datastream: int, tmp_path: Path
) -> None:
    """`ioc rules backtest` on the same rule and period: the same count, time, load."""
    levels = [*CRITICAL, {"severity": "high", "limit": 100, "deadband": 10}]
    rule = given(id="bui", levels=levels)
    told = desk(web, datastream).post("rules/preview", {"rule": rule, "datastream": datastream})
    shown = told.json()
    file = tmp_path / "rule.yaml"
    file.write_bytes(msgspec.yaml.encode([rule]))
    period = [datetime.fromtimestamp(shown[k] / 1000, UTC).isoformat() for k in ("since", "until")]
    command = ["rules", "backtest", str(file), "--from", period[0], "--to", period[1], "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "ioc.cli", *command],
        env={**os.environ, "IOC_DATABASE_URL": web_settings.database_url},
        capture_output=True,
        check=True,
    )
    said = json.loads(done.stdout)
    assert shown["count"] == said["count"] > 0
    assert shown["seconds"] == pytest.approx(said["total_s"])
    assert shown["load"] == pytest.approx(said["load"])
    assert [one["count"] for one in shown["levels"]] == [one["count"] for one in said["levels"]]


PLAN = """{"targets": [
 {"name": "lan", "person": "Nguyễn Thị Lan", "channel": "email", "address": "lan@example.vn"},
 {"name": "minh", "channel": "email", "address": "minh@example.vn"}],
 "policies": [
 {"name": "ban-ngay", "tell": ["lan"], "hours": "06:00-22:00"},
 {"name": "ban-dem", "tell": ["minh"], "hours": "22:00-06:00"},
 {"name": "lanh-dao", "tell": ["lan"], "hours": "22:00-06:00", "escalation": 2}]}"""


def test_who_is_told_at_night_comes_from_the_plan(web: Site, conn: Db, datastream: int) -> None:
    """At 02:00 the night's policy tells, and the leader only once nobody has answered twice."""
    author = desk(web, datastream)
    body = {"rule": given(id="x"), "datastream": datastream, "when": "night"}
    assert author.post("rules/context", body).json()["configured"] is False
    conn.execute("insert into notify_plan (definition, created_by) values (%s, 'test')", (PLAN,))
    told = author.post("rules/context", body).json()
    assert told["configured"] is True
    assert [(one["who"], one["how"], one["unanswered"]) for one in told["items"]] == [
        ("minh", "email", 0),
        ("Nguyễn Thị Lan", "email", 2),
    ]


def test_nonsense_is_refused_before_the_database_sees_it(web: Site, datastream: int) -> None:
    """A NUL, a number for a name, NaN for a limit: 422 at each question, never a bug's 500."""
    author = desk(web, datastream)
    for wrong in (
        given(observed_property="pm25\0"),
        given(name=5),
        given(levels=[{"severity": "high", "limit": float("nan")}]),
        given(levels=[]),
    ):
        for question in ("preview", "context"):
            body = {"rule": wrong, "datastream": datastream}
            assert author.post(f"rules/{question}", body).status == 422, wrong
    assert author.save(RULE, reason="\0").status == 422
    nobody = {"rule": RULE, "datastream": 2**31 - 1}
    assert author.post("rules/preview", nobody).status == 404
    assert author.post("rules/no-such/versions/1/approve", {}).status == 404


def test_a_rule_that_lacks_something_spoils_no_list(web: Site, conn: Db) -> None:
    """What another release stored is shown under its number; every other rule is there, too."""
    staff(conn)
    conn.execute("insert into rule (id, name, current_version) values ('bare', 'bare', 1)")
    conn.execute(
        "insert into rule_version (rule_id, version, definition, created_by)"
        " values ('bare', 1, '{}', 'test')"
    )
    client = web.client()
    assert client.login(FIRST).status == 303
    answer = client.get("/api/v1/rules")
    assert answer.status == 200, answer.body
    (bare,) = [one for one in answer.json()["items"] if one["id"] == "bare"]
    assert (bare["name"], bare["property"], bare["levels"]) == ("bare", "", [])
