"""Who is told what, when: hours across midnight, rotas, escalation, one message a target."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain.alert import Severity
from ioc.domain.instant import DAY, MINUTE, Micros, to_datetime
from ioc.domain.policy import ALWAYS, DAY_MINUTES, Facts, Hours, Plan, Policy, Shift
from tests.unit.moments import at_hcm

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
CRITICAL: Final = Facts(Severity.CRITICAL, "environment", "26068", "pm25-high")
NIGHT: Final = Hours(22 * 60, 6 * 60)
MIDNIGHT: Final = at_hcm(2026, 11, 23)  # a Monday begins

hours = st.builds(
    Hours,
    st.integers(0, DAY_MINUTES - 1),
    st.integers(0, DAY_MINUTES - 1),
    st.frozensets(st.integers(0, 6)),
)
minutes = st.integers(0, 14 * DAY_MINUTES)  # of two weeks


def told(plan: Plan, facts: Facts, instant: Micros) -> list[str]:
    return [one.target for one in plan.resolve(facts, instant)]


def of(*policies: Policy, **rotas: tuple[Shift, ...]) -> Plan:
    return Plan(ZONE, policies, rotas)


@pytest.mark.parametrize(
    ("hour", "minute", "is_told"),
    [
        (21, 59, False),
        (22, 0, True),
        (23, 59, True),
        (0, 0, True),
        (2, 0, True),
        (5, 59, True),
        (6, 0, False),
        (12, 0, False),
    ],
)
def test_a_window_across_midnight(hour: int, minute: int, is_told: bool) -> None:  # noqa: FBT001
    """22:00-06:00 holds at 22:00, at 00:00 and at 05:59, not at 06:00."""
    plan = of(Policy("night", ("lan",), hours=NIGHT))
    instant = at_hcm(2026, 11, 24, hour, minute)
    assert told(plan, CRITICAL, instant) == (["lan"] if is_told else [])


def test_the_night_belongs_to_the_day_it_began() -> None:
    """Friday's night is on Saturday at 03:00, and Thursday's is not on Friday at 03:00."""
    friday = Hours(NIGHT.begin, NIGHT.end, frozenset({4}))
    plan = of(Policy("friday", ("lan",), hours=friday))
    assert told(plan, CRITICAL, at_hcm(2026, 11, 28, 3)) == ["lan"]
    assert told(plan, CRITICAL, at_hcm(2026, 11, 27, 3)) == []


@given(window=hours, minute=minutes)
def test_a_window_is_the_minutes_it_counts_off(window: Hours, minute: int) -> None:
    """Counting the minutes from each beginning finds exactly the instants that are inside."""
    length = (window.end - window.begin) % DAY_MINUTES or DAY_MINUTES
    begins = [day for day in range(-1, 15) if day % 7 in window.days]
    inside = any(0 <= minute - (day * DAY_MINUTES + window.begin) < length for day in begins)
    local = to_datetime(Micros(MIDNIGHT + minute * MINUTE)).astimezone(ZONE)
    assert (window.day_of(local) is not None) == inside


@given(begin=st.integers(0, 1439), end=st.integers(0, 1439), minute=minutes)
def test_a_window_and_its_complement_cover_the_day(begin: int, end: int, minute: int) -> None:
    """Two shifts that meet leave no minute without anybody, and none with both."""
    if begin == end:
        return
    local = to_datetime(Micros(MIDNIGHT + minute * MINUTE)).astimezone(ZONE)
    there = [w.day_of(local) is not None for w in (Hours(begin, end), Hours(end, begin))]
    assert sorted(there) == [False, True]


@given(day=st.integers(-400, 400), turn=st.integers(1, 30), people=st.integers(1, 9))
def test_turns_are_fair_and_never_empty(day: int, turn: int, people: int) -> None:
    """Each day exactly one person is on call, for `turn_days` days, then the next in order."""
    names = tuple(f"p{n}" for n in range(people))
    shift = Shift(names, ALWAYS, date(2026, 1, 5), turn)
    noon = at_hcm(2026, 1, 5, 12)
    (one,) = shift.on_call(to_datetime(Micros(noon + day * DAY)).astimezone(ZONE))
    assert one == names[(day // turn) % people]


def test_a_turn_of_the_night_changes_with_the_shift_not_at_midnight() -> None:
    """Whoever began the night at 22:00 is still on call at 03:00."""
    shift = Shift(("a", "b"), NIGHT, date(2026, 11, 23), 1)
    evening = to_datetime(at_hcm(2026, 11, 23, 23)).astimezone(ZONE)
    assert shift.on_call(evening) == ("a",)
    assert shift.on_call(evening + timedelta(hours=4)) == ("a",)
    assert shift.on_call(evening + timedelta(hours=24)) == ("b",)


def test_each_target_is_named_once_by_the_first_policy() -> None:
    """Two policies and a rota that name one person make one message."""
    plan = of(
        Policy("one", ("lan", "rota:duty")),
        Policy("two", ("minh", "lan")),
        duty=(Shift(("minh",)), Shift(("lan", "hoa"))),
    )
    found = plan.resolve(CRITICAL, MIDNIGHT)
    assert [(t.target, t.policy) for t in found] == [
        ("lan", "one"),
        ("minh", "one"),
        ("hoa", "one"),
    ]


@pytest.mark.parametrize(
    ("policy", "is_told"),
    [
        (Policy("p", ("x",), severities=frozenset({Severity.CRITICAL})), True),
        (Policy("p", ("x",), severities=frozenset({Severity.HIGH})), False),
        (Policy("p", ("x",), kinds=frozenset({"environment"})), True),
        (Policy("p", ("x",), kinds=frozenset({"camera"})), False),
        (Policy("p", ("x",), communes=frozenset({"26068"})), True),
        (Policy("p", ("x",), communes=frozenset({"26071"})), False),
        (Policy("p", ("x",), rules=frozenset({"pm25-high"})), True),
        (Policy("p", ("x",), rules=frozenset({"cod-high"})), False),
    ],
)
def test_every_condition_counts(policy: Policy, is_told: bool) -> None:  # noqa: FBT001
    """A policy covers what fulfils all it asks; what it does not ask does not matter."""
    assert bool(of(policy).resolve(CRITICAL, MIDNIGHT)) == is_told


def test_an_escalation_reaches_more_people_and_nobody_less() -> None:
    """At level 2 the leader is told, and everybody of the levels below."""
    plan = of(Policy("all", ("lan",)), Policy("boss", ("minh",), escalation=2))
    names = [told(plan, CRITICAL._replace(escalation=level), MIDNIGHT) for level in range(3)]
    assert names == [["lan"], ["lan"], ["lan", "minh"]]
