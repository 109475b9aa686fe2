"""Compliance: the right window only, the limit of its time, and what a station owed."""

from __future__ import annotations

from datetime import date

import pytest

from ioc.domain import compliance
from ioc.domain.compliance import Hour, Period
from ioc.domain.indices import hours_of
from ioc.domain.legal_limit import Averaging, LegalLimit

DAY_2025 = (date(2025, 12, 31) - date(1970, 1, 1)).days
FIRST = hours_of(DAY_2025).start
TWO_DAYS = Period(FIRST, FIRST + 48, FIRST + 48)
PROMISED = 12.0


def limit(
    high: float | None,
    hours: int | None = 24,
    valid: tuple[date | None, date | None] = (None, None),
    low: float | None = None,
) -> LegalLimit:
    """Return a limit of PM2.5 over so many hours, of single values for None."""
    return LegalLimit(
        id="l",
        standard="QCVN 05:2023/BTNMT",
        observed_property="pm25",
        unit="µg/m³",
        low=low,
        high=high,
        averaging=None if hours is None else Averaging("mean", hours * 3600),
        min_coverage=0.75,
        source="",
        title_vi="",
        title_en="",
        confidence="A",
        valid_from=valid[0],
        valid_to=valid[1],
    )


def full(mean: float, hours: range) -> dict[int, Hour]:
    """Return complete hours of one value."""
    return {h: Hour(12, 12, mean, mean, mean) for h in hours}


def test_history_keeps_the_limit_of_its_time() -> None:
    """47 µg/m³ keeps the 24 h limit on 31/12/2025 and breaches it a day later."""
    old = limit(50, valid=(None, date(2025, 12, 31)))
    new = limit(45, valid=(date(2026, 1, 1), None))
    hours = full(47.0, range(FIRST, FIRST + 48))
    before = compliance.judge(old, hours, PROMISED, TWO_DAYS)
    after = compliance.judge(new, hours, PROMISED, TWO_DAYS)
    assert before is not None
    assert (before.judged, before.breaches) == (1, ())
    assert after is not None
    [breach] = after.breaches
    assert (breach.first, breach.last, breach.value) == (FIRST + 24, FIRST + 47, 47.0)


def test_a_limit_that_never_held_is_not_applied() -> None:
    """Beyond its validity a limit says nothing at all."""
    gone = limit(1, valid=(None, date(2020, 1, 1)))
    assert compliance.judge(gone, full(99.0, range(FIRST, FIRST + 48)), PROMISED, TWO_DAYS) is None


def test_one_hour_of_dust_is_no_breach() -> None:
    """One hour of 300 in a clean day breaches no 24 h limit."""
    hours = full(10.0, range(FIRST, FIRST + 24)) | full(300.0, range(FIRST + 5, FIRST + 6))
    found = compliance.judge(limit(50), hours, PROMISED, Period(FIRST, FIRST + 24, FIRST + 24))
    assert found is not None
    assert (found.judged, found.breaches, found.early) == (1, (), ())


def test_a_window_that_runs_warns_early() -> None:
    """At noon a high value is an early warning; the day is judged when it is over."""
    hours = full(300.0, range(FIRST, FIRST + 12))
    found = compliance.judge(limit(50), hours, PROMISED, Period(FIRST, FIRST + 24, FIRST + 12))
    assert found is not None
    assert (found.judged, found.breaches) == (0, ())
    assert [(one.value, one.share) for one in found.early] == [(300.0, 0.5)]


@pytest.mark.parametrize(("there", "judged"), [(17, 0), (18, 1)])
def test_a_window_needs_three_quarters_of_its_hours(there: int, judged: int) -> None:
    """17 valid hours of 24 make no breach, whatever they are; 18 do."""
    hours = full(300.0, range(FIRST, FIRST + there))
    found = compliance.judge(limit(50), hours, PROMISED, Period(FIRST, FIRST + 24, FIRST + 24))
    assert found is not None
    assert (found.judged, len(found.breaches), found.unjudged) == (judged, judged, 1 - judged)
    assert len(found.early) == 1 - judged


def test_an_hour_needs_three_quarters_of_its_values() -> None:
    """8 of 12 five-minute values are no hour, 9 are."""
    period = Period(FIRST, FIRST + 2, FIRST + 2)
    hours = {FIRST: Hour(8, 8, 9.0, 9.0, 9.0), FIRST + 1: Hour(9, 9, 9.0, 9.0, 9.0)}
    found = compliance.judge(limit(5, hours=1), hours, PROMISED, period)
    assert found is not None
    assert [one.first for one in found.breaches] == [FIRST + 1]
    assert compliance.availability(hours, PROMISED, period).share == 0.5


def test_eight_hours_slide() -> None:
    """A window of 8 h that begins before the period counts where it ends."""
    hours = full(10.0, range(FIRST - 7, FIRST + 1))
    period = Period(FIRST, FIRST + 1, FIRST + 1)
    found = compliance.judge(limit(5, hours=8), hours, PROMISED, period)
    assert found is not None
    assert [(one.first, one.last) for one in found.breaches] == [(FIRST - 7, FIRST)]


def test_single_values_have_a_floor_and_a_ceiling() -> None:
    """A limit without a window is compared with each value; one at the limit keeps it."""
    hours = {
        FIRST: Hour(12, 12, 7.0, 5.5, 9.0),
        FIRST + 1: Hour(12, 12, 7.0, 5.4, 8.0),
        FIRST + 2: Hour(12, 12, 7.0, 6.0, 9.1),
    }
    ph = limit(9.0, hours=None, low=5.5)
    found = compliance.judge(ph, hours, PROMISED, Period(FIRST, FIRST + 3, FIRST + 3))
    assert found is not None
    assert [one.value for one in found.breaches] == [5.4, 9.1]


def test_availability_counts_calibration_and_fault() -> None:
    """Hours that are over count; 80 % of them are enough."""
    hours = full(1.0, range(FIRST, FIRST + 8))
    hours[FIRST + 8] = Hour(12, 0, None, None, None, calibrating=12)
    hours[FIRST + 9] = Hour(12, 6, 1.0, 1.0, 1.0, fault=6)
    found = compliance.availability(hours, PROMISED, Period(FIRST, FIRST + 24, FIRST + 10))
    assert (found.hours, found.valid, found.calibrating, found.fault) == (10, 8, 1.0, 0.5)
    assert (found.share, found.enough) == (0.8, True)
    later = compliance.availability(hours, PROMISED, Period(FIRST, FIRST + 24, FIRST + 11))
    assert not later.enough


def test_interruptions_are_found_at_both_ends() -> None:
    """Beyond an hour it is one, beyond twelve the owner writes; the last may still last."""
    hour = 3600
    sent = [2 * hour, 3 * hour, 17 * hour]
    found = compliance.interruptions(sent, 0, 24 * hour, 20 * hour)
    assert [(one.since, one.until, one.notice) for one in found] == [
        (0, 2 * hour, False),
        (3 * hour, 17 * hour, True),
        (17 * hour, None, False),
    ]
    assert compliance.interruptions([*range(0, 9 * hour, 600)], 0, 9 * hour, 9 * hour) == []
