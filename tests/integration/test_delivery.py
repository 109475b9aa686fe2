"""From the outbox to a target on a real database: who gets it, in order, once, or dead and why."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from ioc.domain.alert import Kind, Severity
from ioc.domain.announcement import Notice
from ioc.domain.grouping import QUIET_SINGLES, URGENT_SINGLES
from ioc.domain.notification import LONGEST_RETRY, MAX_ATTEMPTS
from ioc.domain.storm import MESSAGES
from ioc.storage import exercises, notifications, notify_retention, outbox
from ioc.storage.script import run
from tests.fix_db import Db
from tests.http_sink import Answer, Sink, sink
from tests.integration.delivery_rig import Post

ONE_HOOK: Final = """
targets: [{name: hook, channel: webhook, address: "URL"}]
policies: [{name: all, tell: [hook]}]
"""


@pytest.fixture
def post(conn: Db, tmp_path: Path) -> Post:
    config = tmp_path / "config"
    config.mkdir()
    made = Post(conn, config, tmp_path / "data")
    made.prepare()
    return made


def hook(post: Post, there: Sink, text: str = ONE_HOOK) -> None:
    post.arrange(text.replace("URL", there.url))


def keys(*notices: tuple[UUID, Kind]) -> list[str]:
    return [Notice(alert, 1, kind).key for alert, kind in notices]


def test_news_reaches_whoever_a_policy_names(post: Post) -> None:
    """One message with the alert's facts; its receipt stands in the log."""
    with sink() as there:
        hook(post, there)
        alert = post.alert()
        post.tell(alert)
        assert post.dispatch() == 1
    (body,) = (one.json["data"] for one in there.posted)
    assert body["alerts"][0]["name"]["vi"] == "Vượt ngưỡng"
    assert "Xã 26068" in body["text"]
    assert post.log() == [("delivered", "HTTP 204")]
    assert post.settled()
    assert there.posted[0].headers["webhook-id"] == keys((alert, Kind.RAISE))[0] + ":hook"


def test_putting_it_twice_tells_it_once(post: Post) -> None:
    """A repeated transaction changes nothing; neither does a second look at the outbox."""
    with sink() as there:
        hook(post, there)
        alert = post.alert()
        post.tell(alert)
        post.tell(alert)
        assert post.dispatch() == 1
        post.tell(alert)
        assert post.dispatch() == 0


def test_news_is_part_of_the_callers_transaction(post: Post) -> None:
    """What is rolled back is not told."""
    with sink() as there:
        hook(post, there)
        alert = post.alert()
        with post.conn.transaction(force_rollback=True):
            outbox.put(post.conn, [Notice(alert, 1, Kind.RAISE)], post.clock.at)
        assert post.dispatch() == 0
    assert post.one("select count(*) from notice") == 0


def test_a_return_goes_to_whoever_was_told(post: Post) -> None:
    """At 21:59 Lan is on duty, at 22:01 Minh: the return of Lan's alert is Lan's."""
    night = """
targets:
  - {name: lan, channel: webhook, address: "URL"}
  - {name: minh, channel: webhook, address: "URL"}
policies:
  - {name: day, hours: "06:00-22:00", tell: [lan]}
  - {name: night, hours: "22:00-06:00", tell: [minh]}
"""
    with sink() as there:
        hook(post, there, night)
        local = post.one("select extract(epoch from (to_timestamp(%s) at time zone %s)::time)",
                         (post.clock.at / 1e6, outbox.ZONE))  # fmt: skip
        post.clock.on((22 * 3600 - 60 - float(local)) % 86400)
        first = post.alert()
        post.tell(first)
        post.dispatch()
        post.clock.on(120)
        second = post.alert()
        post.tell(second)
        post.end(first)
        post.dispatch()
    told = [one.headers["webhook-id"] for one in there.posted]
    wanted = keys((first, Kind.RAISE), (second, Kind.RAISE), (first, Kind.RTN))
    assert sorted(told) == sorted([f"{wanted[0]}:lan", f"{wanted[1]}:minh", f"{wanted[2]}:lan"])


def test_simulated_alerts_reach_nobody(post: Post) -> None:
    """There is no row for a channel, and the notice says why."""
    with sink() as there:
        hook(post, there)
        post.tell(post.alert(simulated=True))
        assert post.dispatch() == 0
    assert post.one("select withheld from notice") == "simulated"
    assert post.one("select count(*) from outbox") == 0


def test_an_alert_that_nobody_gets_says_so(post: Post) -> None:
    """No plan, or no policy at that hour: recorded with the reason, and nothing fails."""
    post.tell(post.alert())
    post.arrange("targets: []")
    post.tell(post.alert())
    found = post.conn.execute(
        "select withheld from notice order by noticed_at, withheld"
    ).fetchall()
    assert sorted(found) == [("no_plan",), ("nobody",)]


def test_what_fails_is_tried_again_until_it_is_dead(post: Post) -> None:
    """Each attempt waits longer; after the last the row is dead and the reason can be read."""
    with sink(lambda _: Answer(500)) as there:
        hook(post, there)
        alert = post.alert()
        post.tell(alert)
        assert post.dispatch() == 1
        assert post.send() == 0, "it waits"
        for _ in range(MAX_ATTEMPTS + 5):
            post.clock.on(LONGEST_RETRY / 1e6 * 1.3)
            post.send()
    assert len(there.posted) == MAX_ATTEMPTS
    assert {one.headers["webhook-id"] for one in there.posted} == {f"{alert}:1:RAISE:0:hook"}
    row = post.conn.execute("select dead, attempts, last_error from outbox").fetchone()
    assert row == (True, MAX_ATTEMPTS, "HTTP 500")
    assert [outcome for outcome, _ in post.log()].count("dead") == 1


def test_what_is_refused_for_good_is_dead_at_once(post: Post) -> None:
    """The channel says that a retry does not help, so there is none."""
    with sink(lambda _: Answer(422)) as there:
        hook(post, there)
        post.tell(post.alert())
        assert post.dispatch() == 1
        post.clock.on(3600)
        assert post.send() == 0
    assert post.log() == [("dead", "HTTP 422")]


def test_a_target_that_fails_is_left_alone_and_the_others_are_not(post: Post) -> None:
    """Ten messages to a dead target are one attempt a round; the other target gets its ten."""
    two = """
targets:
  - {name: dead, channel: webhook, address: "http://127.0.0.1:1/"}
  - {name: hook, channel: webhook, address: "URL"}
policies: [{name: all, tell: [dead, hook]}]
"""
    with sink() as there:
        hook(post, there, two)
        for _ in range(QUIET_SINGLES):
            post.tell(post.alert())
        assert post.dispatch() == QUIET_SINGLES + 1
        assert len(there.posted) == QUIET_SINGLES
        post.clock.on(15)
        assert post.send() == 1


def test_a_return_waits_for_its_raise(post: Post) -> None:
    """While the raise is on its way the return is not sent, then it follows."""
    down = [True]
    with sink(lambda _: Answer(500 if down[0] else 204)) as there:
        hook(post, there)
        alert = post.alert()
        post.tell(alert)
        post.dispatch()
        post.end(alert)
        assert post.dispatch() == 0
        down[0] = False
        post.clock.on(60)
        assert post.send() == 1
        assert post.dispatch() == 1
    assert there.keys[-2:] == keys((alert, Kind.RAISE), (alert, Kind.RTN))


def test_a_target_that_is_gone_withholds_its_news(post: Post) -> None:
    """Somebody leaves the file: what waited for them is withheld, with the reason."""
    with sink() as there:
        hook(post, there)
        post.tell(post.alert())
        hook(post, there, ONE_HOOK.replace("hook", "other"))
        assert post.dispatch() == 0
    assert post.one("select withheld from outbox") == "no_target"


def test_a_missing_secret_mends_itself(post: Post, tmp_path: Path) -> None:
    """The file appears, the next attempt goes through: nothing has to be restarted."""
    held = tmp_path / "secret"
    with sink() as there:
        line = f"secret: {{file: {held}}}}}]"
        hook(post, there, ONE_HOOK.replace("}]", ", " + line, 1))
        post.tell(post.alert())
        assert post.dispatch() == 1
        assert there.posted == []
        held.write_text("whsec_MDEyMzQ1Njc4OWFiY2RlZg==", encoding="utf-8")
        post.clock.on(60)
        assert post.send() == 1
        assert "webhook-signature" in there.posted[0].headers


def test_one_row_a_browser(post: Post) -> None:
    """Web push has a row of its own for each browser; one that is gone is forgotten."""
    post.arrange(
        "targets: [{name: mai, channel: webpush, address: mai}]\n"
        "policies: [{name: all, tell: [mai]}]"
    )  # fmt: skip
    for n in range(2):
        browser = notifications.Subscription(f"https://push.example/{n}", "k", "a")
        notifications.subscribe(post.conn, "mai", browser)
        notifications.subscribe(post.conn, "mai", browser)
    alert = post.alert()
    post.tell(alert)
    rows = post.conn.execute("select dedup_key from outbox order by 1").fetchall()
    numbers = post.conn.execute("select id from push_subscription order by 1").fetchall()
    assert rows == [(f"{alert}:1:RAISE:0:mai#{n}",) for (n,) in numbers]
    notifications.unsubscribe(post.conn, numbers[0][0])
    assert notifications.subscription(post.conn, numbers[0][0]) is None
    assert len(notifications.subscriptions(post.conn, "mai")) == 1


def test_two_dispatchers_share_the_work(post: Post, conn: Db, database_url: str) -> None:
    """A row that one is sending is not seen by the other; a target is decided for by one."""
    import psycopg

    with sink() as there, psycopg.connect(database_url, autocommit=True) as other:
        hook(post, there)
        post.tell(post.alert())
        post.clock.on(5)
        with conn.transaction():
            assert notifications.lock(conn, "hook")
            with other.transaction():
                assert not notifications.lock(other, "hook")
        post.gather()
        with conn.transaction():
            assert notifications.take(conn, post.clock.at) is not None
            with other.transaction():
                assert notifications.take(other, post.clock.at) is None


def test_critical_calls_are_single_then_listed(post: Post) -> None:
    """Thirty at once: twenty messages and one that lists ten; every key was told exactly once."""
    with sink() as there:
        hook(post, there)
        alerts = post.alerts([(1, 26068, 0)] * 30)
        post.tell(*alerts)
        assert post.dispatch() == URGENT_SINGLES + 1
    assert sorted(there.keys) == sorted(keys(*((a, Kind.RAISE) for a in alerts)))
    assert post.settled()
    digest = [one for one in there.posted if one.json["type"] == "alert.digest"]
    assert [len(one.json["data"]["alerts"]) for one in digest] == [10]


def test_a_raise_that_was_in_a_digest_gets_its_return(post: Post) -> None:
    """Fifty raises in a digest and their fifty returns in another: every key, once."""
    with sink() as there:
        hook(post, there)
        alerts = post.alerts([(2, 26068, 0)] * 50)
        post.tell(*alerts)
        post.dispatch()
        for alert in alerts:
            post.end(alert)
        for _ in range(30):
            post.dispatch(60)
    told = [*((a, Kind.RAISE) for a in alerts), *((a, Kind.RTN) for a in alerts)]
    assert sorted(there.keys) == sorted(keys(*told))
    assert post.settled()
    assert len(there.posted) <= 1 + 1 + QUIET_SINGLES


@pytest.mark.parametrize(
    "targets", [2, *(pytest.param(n, marks=pytest.mark.rig) for n in (1, 3, 7))]
)
def test_ten_thousand_raises_are_at_most_fifty_messages(post: Post, targets: int) -> None:
    """A province-wide outage: all recorded, each told exactly once, 50 over all targets."""
    for n in range(1, 5):
        post.conn.execute("insert into rule (id, name, current_version) values (%s, 'r', 1)",
                          (f"r{n}",))  # fmt: skip
        post.conn.execute(
            "insert into rule_version select %s, 1, definition, now(), 'test' from rule_version"
            " where rule_id = 'r0'",
            (f"r{n}",),
        )
    names = [f"h{n}" for n in range(targets)]
    listed = "\n".join(f'  - {{name: {name}, channel: webhook, address: "URL"}}' for name in names)
    with sink() as there:
        text = f"targets:\n{listed}\npolicies: [{{name: all, tell: [{', '.join(names)}]}}]"
        hook(post, there, text)
        severities = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
        alerts = post.alerts(
            [(int(severities[n % 3]), 26000 + n % 95, n % 5) for n in range(10_000)]
        )
        post.tell(*alerts)
        assert post.one("select count(*) from notice") == 10_000
        attempts = post.dispatch()
    assert attempts == len(there.posted) <= MESSAGES, "the first critical calls and the lists"
    assert post.settled()
    once = keys(*((alert, Kind.RAISE) for alert in alerts))
    assert sorted(there.keys) == sorted(once * targets)


def test_a_test_message_says_that_it_is_one(post: Post) -> None:
    """[DIỄN TẬP] goes through the same channel, once a minute, and leaves a receipt."""
    with sink() as there:
        hook(post, there)
        for _ in range(2):
            number = run(post.conn, exercises.put("hook", "webhook", post.clock.at))
        assert post.dispatch() == 1
    (told,) = there.posted
    assert told.json["data"]["subject"].startswith("[DIỄN TẬP]")
    found = run(post.conn, exercises.fate(number))
    assert found is not None
    assert (found.sent_at is not None, found.detail) == (True, "HTTP 204")


def test_an_assignment_is_told_to_the_assignee_alone(post: Post) -> None:
    """By target, person or account, and to nobody else; somebody unknown is told by no message."""
    people = """
targets:
  - {name: duty, channel: webhook, address: "URL"}
  - {name: lan-phone, person: Nguyễn Thị Lan, channel: webhook, address: "URL"}
policies: [{name: all, tell: [duty]}]
"""
    with sink() as there:
        hook(post, there, people)
        alert = post.alert()
        post.tell(alert)
        post.dispatch()
        for name in ("nguyễn thị lan", "somebody else"):
            post.conn.execute("update alert set assignee = %s", (name,))
            post.tell(alert, kind=Kind.ASSIGN, n=len(name))
        assert post.dispatch() == 1
    keyed = there.posted[-1]
    assert keyed.headers["webhook-id"].endswith(":lan-phone")
    assert "nguyễn thị lan" in keyed.json["data"]["text"]
    assert post.one("select withheld from notice where kind = 'ASSIGN' and n = 13") == "nobody"


def test_old_news_goes_and_what_waits_stays(post: Post) -> None:
    """After thirteen months attempts, messages, lines and notices are gone; the alert is not."""
    with sink() as there:
        hook(post, there)
        post.tell(*post.alerts([(2, 26068, 0)] * 30))  # a digest and its lines
        assert post.dispatch() == 1
        post.tell(post.alert())
        waits = post.one("select max(id) from outbox")
        post.clock.on(notify_retention.KEPT / 1e6 - 60)
        assert notify_retention.drop_old(post.conn, post.clock.at) == 0
        post.clock.on(120)
        assert notify_retention.drop_old(post.conn, post.clock.at) == 1 + 30 + 1 + 30
        assert notify_retention.drop_old(post.conn, post.clock.at) == 0
    assert post.one("select array_agg(id) from outbox") == [waits]
    assert post.one("select count(*) from notice") == 1
    assert post.one("select count(*) from alert") == 31
