"""Indicators of the alerts' quality: equal to a recount of the event log by hand."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.alert import Kind, Severity
from ioc.domain.instant import DAY, HOUR, MINUTE, SECOND, Micros
from ioc.domain.kpi import Line, per_bucket, report

BEGIN: Final = Micros(30 * DAY)
END: Final = Micros(BEGIN + DAY)


def line(alert: str, kind: Kind, minute: float, **more: Any) -> Line:
    at = Micros(BEGIN + round(minute * MINUTE))
    values: dict[str, Any] = {
        "rule": "r",
        "datastream": 1,
        "severity": 4,
        "occurrence": 1,
        "time": at,
        "recorded": at,
    }
    return Line(alert=alert, kind=kind, **(values | more))


def test_a_log_by_hand() -> None:
    """A day with known contents gives exactly these numbers."""
    log = [
        line("a", Kind.RAISE, 60, severity=1),
        line("a", Kind.ACK, 64, actor="lan"),
        line("a", Kind.RTN, 90),
        line("a", Kind.CLOSE, 90, actor="evaluator"),
        line("b", Kind.RAISE, 65, severity=3, datastream=2),
        line("b", Kind.ACK, 75, actor="tuấn"),
        line("b", Kind.SHELVE, 1000, actor="tuấn"),
        line("c", Kind.RAISE, -2 * 24 * 60, datastream=3),
        line("d", Kind.RAISE, 500, datastream=4),
        line("d", Kind.RTN, 400, recorded=Micros(BEGIN + 500 * MINUTE)),
        line("d", Kind.CLOSE, 500, actor="evaluator", reason="late"),
        line("e", Kind.RAISE, 600, datastream=5),
        line("e", Kind.RAISE, 2000, datastream=5, occurrence=2),
    ]
    found = report(log, BEGIN, END)
    assert found.raises == 3
    assert found.by_severity == {1: 1, 2: 0, 3: 1, 4: 1}
    assert (found.ack_median, found.ack_p95) == (7 * MINUTE, 10 * MINUTE)
    assert (found.acked, found.unacked) == (2, 1)
    assert found.standing == 1
    assert (found.shelved, found.shelf_age) == (1, 440 * MINUTE)
    assert found.top == ((("r", 1), 1), (("r", 2), 1), (("r", 5), 1))
    assert found.busiest == 2
    # 24 hours, in one of which two people acted: 150 windows for one operator
    assert found.load == pytest.approx(3 / 150)


def test_chattering_is_three_raises_within_a_minute() -> None:
    """Event time counts, since a backlog is recorded at one instant."""
    quick = [line("a", Kind.RAISE, n * 0.4, occurrence=n) for n in range(3)]
    slow = [line("b", Kind.RAISE, n * 0.5, occurrence=n, datastream=2) for n in range(3)]
    backlog = [
        line("c", Kind.RAISE, n * 5, occurrence=n, datastream=3, recorded=Micros(BEGIN + HOUR))
        for n in range(3)
    ]
    assert report([*quick, *slow, *backlog], BEGIN, END).chattering == (("r", 1),)


def test_a_window_of_ten_minutes_does_not_hold_its_end() -> None:
    """Raises ten minutes apart are not in one window; a second less and they are."""
    apart = [line("a", Kind.RAISE, 60), line("b", Kind.RAISE, 70, datastream=2)]
    assert report(apart, BEGIN, END).busiest == 1
    near = [apart[0], line("b", Kind.RAISE, 70 - 1 / 60, datastream=2)]
    assert report(near, BEGIN, END).busiest == 2


def test_a_clock_that_steps_back_makes_no_negative_time() -> None:
    """An answer recorded before its raise took no time at all."""
    log = [line("a", Kind.RAISE, 60), line("a", Kind.ACK, 58, actor="lan")]
    found = report(log, BEGIN, END)
    assert (found.ack_median, found.ack_p95) == (0, 0)


def test_time_in_flood() -> None:
    """Eleven at once are a flood until the window has passed: 10 minutes of a day."""
    log = [line(f"a{n}", Kind.RAISE, 60, datastream=n) for n in range(11)]
    found = report(log, BEGIN, END)
    assert found.floods == 1
    assert found.flood_share == pytest.approx(10 / (24 * 60))


def test_an_empty_period_has_no_numbers_to_be_wrong() -> None:
    """No raise: no load, no times, and a split that is well."""
    found = report([], BEGIN, END)
    assert (found.raises, found.load, found.ack_median, found.top) == (0, 0.0, None, ())
    assert found.splits_well


def test_priorities_against_80_15_5() -> None:
    """Too many urgent ones are a bad split, few are a good one."""
    good = [line(f"l{n}", Kind.RAISE, n) for n in range(95)]
    good += [line(f"h{n}", Kind.RAISE, n, severity=2) for n in range(5)]
    assert report(good, BEGIN, END).splits_well
    bad = [*good, *(line(f"x{n}", Kind.RAISE, n, severity=1) for n in range(5))]
    assert not report(bad, BEGIN, END).splits_well


KINDS: Final = (Kind.RAISE, Kind.RTN, Kind.ACK, Kind.CLOSE, Kind.SHELVE, Kind.UNSHELVE)


@st.composite
def logs(draw: st.DrawFn) -> list[Line]:
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 5),
                st.sampled_from(KINDS),
                st.integers(-2 * 24 * 3600, 26 * 3600),
                st.sampled_from([None, "lan", "tuấn", "evaluator"]),
                st.sampled_from([None, None, None, "late"]),
            ),
            max_size=60,
            unique_by=lambda row: row[2],
        )
    )
    return [
        line(
            f"a{which}",
            kind,
            second / 60,
            actor=actor,
            reason=reason,
            datastream=which % 3,
            severity=which % 4 + 1,
        )
        for which, kind, second, actor, reason in rows
    ]


@given(logs(), st.randoms())
def test_equals_a_recount_in_any_order(log: list[Line], random: Any) -> None:
    """A plain count over the log says the same, whatever order its lines come in."""
    shuffled = list(log)
    random.shuffle(shuffled)
    found = report(shuffled, BEGIN, END)
    log = sorted((one for one in log if one.recorded < END), key=lambda one: one.recorded)
    over = {one.alert for one in log if one.kind is Kind.CLOSE and one.reason == "late"}
    raised = [
        one
        for one in log
        if one.kind is Kind.RAISE and one.recorded >= BEGIN and one.alert not in over
    ]
    assert found.raises == len(raised)
    assert found.by_severity == {s: sum(o.severity == s for o in raised) for s in Severity}
    assert dict(found.top) == dict(Counter((o.rule, o.datastream) for o in raised))
    times = [o.recorded for o in raised]
    together = [sum(0 <= t - u < 10 * MINUTE for u in times) for t in times]
    assert found.busiest == max(together, default=0)
    delays = []
    for alert in {o.alert for o in raised}:
        begun = max(o.recorded for o in raised if o.alert == alert)
        acks = [
            o.recorded
            for o in log
            if o.alert == alert and o.kind is Kind.ACK and o.actor in ("lan", "tuấn")
        ]
        delays += [max(0, min(acks) - begun)] if acks else []
    assert found.acked == len(delays)
    assert found.ack_median == (round(median(delays)) if delays else None)
    held, on = 0, 0
    for alert in {o.alert for o in log}:
        own = [o for o in log if o.alert == alert]
        marks = [o for o in own if o.kind in (Kind.SHELVE, Kind.UNSHELVE, Kind.CLOSE)]
        held += bool(marks) and marks[-1].kind is Kind.SHELVE
        axis = [o for o in own if o.kind in (Kind.RAISE, Kind.RTN, Kind.CLOSE)]
        on += bool(axis) and axis[-1].kind is Kind.RAISE and END - axis[-1].time > DAY
    assert (found.shelved, found.standing) == (held, on)
    assert sum(per_bucket(raised, BEGIN, END, HOUR)) == found.raises
    assert found.flood_share <= 1
    assert all(count >= 0 for count in per_bucket(log, BEGIN, END, 7 * SECOND * 1000))
