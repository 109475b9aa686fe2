"""A station's month: runs of windows, means of days, what is compared at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from ioc.domain.compliance import Hour
from ioc.domain.indices import Derived
from ioc.domain.instant import HOUR, Micros
from ioc.domain.legal_limit import Averaging, LegalLimit
from ioc.domain.station_month import Given, IndexAt, Month, Stream, month, period_of
from ioc.reports import station_words

FIRST = date(2026, 1, 1)
BEGIN = period_of(FIRST, Micros(0)).first
LATER = Micros((BEGIN + 10_000) * HOUR)
STREAM = Stream(7, "pm25", "pm25", "PM2,5", "µg/m³", 1, 12)
LIMIT = LegalLimit(
    id="1",
    standard="QCVN 05:2023/BTNMT",
    observed_property="pm25",
    unit="µg/m³",
    low=None,
    high=45,
    averaging=Averaging("mean", 8 * 3600),
    min_coverage=0.75,
    source="",
    title_vi="",
    title_en="",
    confidence="A",
)


def made(
    hours: Mapping[int, float], *limits: LegalLimit, now: Micros = LATER,
    indices: tuple[IndexAt, ...] = (),
) -> Month:  # fmt: skip
    """Return January 2026 of complete hours, counted from its beginning."""
    own = {BEGIN + h: Hour(12, 12, value, value, value) for h, value in hours.items()}
    received = [(BEGIN + h) * 3600 for h in range(24 * 31)]
    return month(FIRST, Given([STREAM], {7: own}, limits, received, indices, statuses=True), now)


def test_the_month_is_that_of_viet_nam() -> None:
    """It begins at 17:00 UTC of the day before and has 744 hours."""
    period = period_of(FIRST, LATER)
    assert (period.first % 24, period.end - period.first) == (17, 744)
    assert period_of(date(2026, 12, 1), LATER).end == period_of(date(2027, 1, 1), LATER).first


def test_windows_that_overlap_are_one_run_with_its_worst_value() -> None:
    """Sliding 8 h means beyond the limit are told as one time, not as a hundred."""
    found = made({h: 100.0 if h in range(40, 50) else 10.0 for h in range(100)}, LIMIT)
    [verdict] = found.parameters[0].verdicts
    [run] = verdict.breaches
    assert (run.worst, run.windows) == (100.0, verdict.beyond)
    assert (run.first, run.last) == (BEGIN + 36, BEGIN + 53)


def test_two_times_apart_are_two_runs() -> None:
    """A clean week between them parts them."""
    high = {h: 100.0 if h in range(40, 50) or h in range(300, 310) else 10.0 for h in range(400)}
    [verdict] = made(high, LIMIT).parameters[0].verdicts
    assert len(verdict.breaches) == 2


def test_another_unit_is_not_compared() -> None:
    """A limit in mg/m³ says nothing of a value in µg/m³."""
    found = made(dict.fromkeys(range(100), 100.0), replace(LIMIT, unit="mg/m³"))
    assert found.parameters[0].verdicts == ()


def test_a_day_needs_three_quarters_of_its_hours() -> None:
    """17 of 24 valid hours give no mean of the day, 18 do; a day that runs has none yet."""
    hours = dict.fromkeys(range(17), 10.0) | dict.fromkeys(range(24, 42), 20.0)
    now = Micros((BEGIN + 60) * HOUR)
    found = made(hours, now=now)
    assert [value for _, value in found.parameters[0].days(found.period)] == [None, 20.0]


def test_the_sentence_never_calls_a_warning_a_breach() -> None:
    """An hour of 300 in a window without enough data: nothing was judged, and so it is said."""
    found = made({5: 300.0}, replace(LIMIT, averaging=Averaging("mean", 86_400)))
    [verdict] = found.parameters[0].verdicts
    assert (verdict.beyond, len(verdict.early)) == (0, 1)
    assert "vượt giới hạn" not in station_words.sentence(found)
    assert "Chưa có khoảng trung bình nào đủ số liệu" in station_words.sentence(found)


def test_days_without_an_index_are_counted_apart() -> None:
    """A category has its days, and the days without an index have their own line."""
    at = [
        IndexAt(Derived.AQI_DAY, Micros((BEGIN + 24 * n) * HOUR), value, reason)
        for n, (value, reason) in enumerate([(40, None), (60, None), (None, "no_data")], 1)
    ]
    found = made({}, indices=tuple(at))
    assert found.categories(Derived.AQI_DAY) == {"good": 1, "moderate": 1, None: 1}
    assert found.categories(Derived.WQI) == {}
