"""Averaging windows: by hand, and whatever the order of arrival, as from all data at once."""

from __future__ import annotations

import os
import random
from datetime import datetime
from math import fsum, inf, isnan, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain.alert import Sample
from ioc.domain.instant import DAY, HOUR, MINUTE, Micros, from_datetime
from ioc.domain.window import LOCAL_OFFSET, Function, Window, Windowed, increments, windows

FEW = settings(max_examples=100, deadline=None)
FULL = settings(max_examples=10_000, deadline=None)

MIDNIGHT = from_datetime(datetime.fromisoformat("2026-01-01T00:00:00+07:00"))


def at(hours: float) -> Micros:
    """Return an instant of New Year's Day 2026 in Viet Nam."""
    return Micros(MIDNIGHT + round(hours * HOUR))


def hourly(values: list[float], *, step: float = 1.0, first: float = 0.5) -> list[Sample]:
    """Return one value an hour, in the middle of it."""
    return [Sample(at(first + n * step), value) for n, value in enumerate(values)]


def shown(found: list[Sample]) -> list[tuple[float, float]]:
    """Return (hour, value) of each covered window."""
    return [((s.time - MIDNIGHT) / HOUR, s.result) for s in found if not isnan(s.result)]


HOUR_MEAN = Window(Function.MEAN, HOUR, period=5 * MINUTE)


def test_an_hour_mean_stands_at_its_end() -> None:
    """The mean of [00:00, 01:00) is one sample at 01:00; 01:00 itself belongs to the next hour."""
    twelve = [Sample(at(n / 12), float(n)) for n in range(12)]
    found = windows(HOUR_MEAN, [*twelve, Sample(at(1), 1000.0)], at(1))
    assert found == [Sample(at(1), 5.5)]


def test_nine_of_twelve_values_are_enough() -> None:
    """75 % of the expected values cover an hour; below that it is contact without a verdict."""
    values = [Sample(at(n / 12), 10.0) for n in range(12)]
    assert windows(HOUR_MEAN, values[:9], at(1)) == [Sample(at(1), 10.0)]
    (poor,) = windows(HOUR_MEAN, values[:8], at(1))
    assert isnan(poor.result)
    assert not poor.judged
    fault = [s._replace(good=False) for s in values[8:]]
    (poor,) = windows(HOUR_MEAN, values[:8] + fault, at(1))
    assert isnan(poor.result), "values of bad quality cover nothing"


def test_silence_makes_no_samples() -> None:
    """A window since whose predecessor nothing came is not there, so that silence shows."""
    values = [Sample(at(n / 12), 10.0) for n in range(12)]
    found = windows(HOUR_MEAN, [*values, Sample(at(30), 1.0)], at(40))
    assert [(s.time - MIDNIGHT) / HOUR for s in found] == [1, 31]


def test_an_eight_hour_mean_is_the_mean_of_hour_means() -> None:
    """O3 rolls every hour over eight hours, at least six of them (QĐ 1459, domain 1.2)."""
    eight = Window(Function.MEAN, 8 * HOUR, period=HOUR)
    values = hourly([80.0, 82.0, 84.0, 86.0, 88.0, 90.0, 92.0, 94.0, 100.0])
    assert shown(windows(eight, values, at(9))) == [
        (6.0, 85.0),
        (7.0, 86.0),
        (8.0, 87.0),
        (9.0, 89.5),
    ]


def test_an_hour_with_many_values_weighs_as_one() -> None:
    """An hour weighs one in a longer mean, however many values it has; a poor hour weighs none."""
    day = Window(Function.MEAN, 24 * HOUR, period=30 * MINUTE, min_coverage=0.5)
    full = [Sample(at(h + f), float(h)) for h in range(12) for f in (0.0, 0.5)]
    burst = [Sample(at(f / 100), 0.0) for f in range(1, 40)]
    found = windows(day, sorted(full + burst), at(12))
    assert shown(found)[-1] == (12.0, 5.5)


def test_the_day_is_that_of_viet_nam() -> None:
    """A day closes at midnight in Viet Nam, with 18 of its 24 hours, mean and maximum."""
    mean = Window(Function.MEAN, DAY, period=HOUR, every=DAY)
    top = Window(Function.MAX, DAY, period=HOUR, every=DAY)
    values = hourly([float(n) for n in range(48)])
    assert shown(windows(mean, values, at(48))) == [(24.0, 11.5), (48.0, 35.5)]
    assert shown(windows(top, values, at(48))) == [(24.0, 23.0), (48.0, 47.0)]
    assert shown(windows(mean, values[:18], at(24))) == [(24.0, 8.5)]
    assert shown(windows(mean, values[:17], at(24))) == []


def test_a_maximum_of_hours_rolls_on_the_hour() -> None:
    """The highest value of 8 h, each hour."""
    top = Window(Function.MAX, 8 * HOUR, period=HOUR)
    found = shown(windows(top, hourly([9.0] + [1.0] * 9), at(10)))
    assert found == [(6.0, 9.0), (7.0, 9.0), (8.0, 9.0), (9.0, 1.0), (10.0, 1.0)]


@pytest.mark.parametrize("hours", [1, 3, 6, 12, 24])
def test_rain_is_added_up_every_ten_minutes(hours: int) -> None:
    """Sums of 1, 3, 6, 12 and 24 h roll every ten minutes."""
    rain = Window(Function.SUM, hours * HOUR, period=10 * MINUTE)
    values = [Sample(at(n / 6), 0.5) for n in range(6 * 30)]
    found = shown(windows(rain, values, at(30)))
    assert found[-1] == (30.0, 3.0 * hours)
    assert found[-1][0] - found[-2][0] == pytest.approx(1 / 6)


def test_a_rain_counter_may_be_reset() -> None:
    """A counter's increase is what it rose; after a reset, what it shows has come since."""
    rain = Window(Function.INCREASE, HOUR, period=10 * MINUTE)
    counter = [100.0, 101.0, 103.0, 0.0, 0.4, 2.4, 2.4]
    values = [Sample(at(n / 6), v) for n, v in enumerate(counter)]
    found = shown(windows(rain, values, at(1 + 1 / 6)))
    assert [hour for hour, _ in found[-2:]] == pytest.approx([1.0, 7 / 6])
    assert [rose for _, rose in found[-2:]] == pytest.approx([5.4, 5.4])


def test_what_a_counter_rose_in_a_long_gap_belongs_to_no_window() -> None:
    """Three days of rain that arrive as one step are not the rain of an hour."""
    before = Sample(at(0), 10.0)
    later = [Sample(at(72), 300.0), Sample(at(72.5), 301.0)]
    assert list(increments(before, later, HOUR)) == [0.0, 1.0]


def test_a_late_counter_value_parts_a_rise() -> None:
    """A late value of a counter changes what the value after it rose, in the next window, too."""
    rain = Window(Function.INCREASE, HOUR, period=HOUR, every=HOUR)
    source = Windowed(rain, late_horizon=DAY)
    for sample in (Sample(at(0.5), 1.0), Sample(at(1.25), 5.0), Sample(at(2.0), 5.0)):
        source.take(sample)
    assert source.take(Sample(at(0.75), 4.0)) == [Sample(at(1), 3.0), Sample(at(2), 1.0)]


def test_a_window_must_close_at_the_same_times_every_day() -> None:
    """What fits neither day nor hour is refused."""
    for length, every in ((90 * MINUTE, None), (0, None), (HOUR, 7 * HOUR), (40 * DAY, None)):
        with pytest.raises(ValueError, match=r"window|multiple|same times"):
            Window(Function.MEAN, length, period=MINUTE, every=every)
    assert Window(Function.MEAN, 30 * MINUTE, period=MINUTE).step == 30 * MINUTE


def test_a_wild_value_stops_nothing() -> None:
    """Numbers too large to be added make no verdict, and no exception."""
    values = [Sample(at(n / 12), 1.7e308) for n in range(12)]
    (found,) = windows(HOUR_MEAN, values, at(1))
    assert isnan(found.result)
    assert windows(HOUR_MEAN, [Sample(at(0), inf)], at(1))[0].judged is False


# ---------------------------------------------------------------- any order, any moment

# Small numbers of blocks: a "day" of 24 h in steps of 1 h, values every 7 to 200 min.
shapes = st.builds(
    Window,
    st.sampled_from(list(Function)),
    st.sampled_from([HOUR, 3 * HOUR, 8 * HOUR]),
    st.sampled_from([10 * MINUTE, HOUR, 3 * HOUR]),
    st.sampled_from([None, HOUR]),
    st.sampled_from([0.25, 0.75, 1.0]),
)


@st.composite
def series(draw: st.DrawFn) -> list[Sample]:
    gaps = draw(st.lists(st.integers(1, 60) | st.integers(1, 400), min_size=1, max_size=40))
    time, found = MIDNIGHT, []
    for gap in gaps:
        time = Micros(time + gap * 5 * MINUTE)
        value = draw(st.sampled_from([0.1, 0.2, 0.7, 1.3, 5.0, 1e16, nan]))
        found.append(Sample(time, value, draw(st.integers(0, 9)) > 0))
    return found


def at_once(window: Window, samples: list[Sample], until: Micros) -> list[Sample]:
    """Return the windows from all data, each by itself, as the definition reads."""
    found = []
    judged = [s for s in sorted(samples) if s.judged]
    rose = list(increments(None, judged, window.length))
    first = window.end_by(min(s.time for s in samples))
    for end in range(first + window.step, until + 1, window.step):
        if not any(end - window.step <= s.time < end for s in samples):
            continue
        inside = [n for n, s in enumerate(judged) if end - window.length <= s.time < end]
        values = [
            rose[n] if window.function is Function.INCREASE else judged[n].result for n in inside
        ]
        covered, value = len(values) >= share(window, window.length), nan
        if window.function is Function.MEAN and window.length > HOUR:
            hours = dict[int, list[float]]()
            for n in inside:
                hours.setdefault((judged[n].time + LOCAL_OFFSET) // HOUR, []).append(
                    judged[n].result
                )
            means = [fsum(v) / len(v) for v in hours.values() if len(v) >= share(window, HOUR)]
            pieces = min(window.length // HOUR, window.length / window.period)
            covered, values = len(means) >= max(1.0, window.min_coverage * pieces), means
        if covered and values:
            value = together(window, values, [judged[n].time for n in inside])
        found.append(Sample(Micros(end), value))
    return found


def share(window: Window, span: int) -> float:
    return max(1.0, window.min_coverage * span / window.period)


def together(window: Window, values: list[float], times: list[Micros]) -> float:
    if window.function is Function.MAX:
        return max(values)
    if window.function is Function.MEAN:
        return fsum(values) / len(values)
    pieces = dict[int, list[float]]()
    for value, time in zip(values, times, strict=True):
        pieces.setdefault((time + LOCAL_OFFSET) // window.block, []).append(value)
    return fsum(fsum(piece) for piece in pieces.values())


def key(samples: list[Sample]) -> list[tuple[int, str]]:
    return [(s.time, repr(s.result)) for s in samples]


def check_any_order(window: Window, samples: list[Sample], seed: int) -> None:
    """Feed in any order within the horizon, with duplicates, corrections and ticks."""
    choose = random.Random(seed)
    reach = choose.randint(1, 600) * MINUTE
    source, out = Windowed(window, late_horizon=2 * reach), dict[Micros, Sample]()
    arrivals = sorted(samples, key=lambda s: s.time + choose.randint(0, reach))
    known, until = dict[Micros, Sample](), arrivals[0].time
    for sample in arrivals:
        first = sample._replace(result=99.0) if choose.random() < 0.2 else sample
        for version in (first, sample):
            out.update({s.time: s for s in source.take(version)})
        known[sample.time] = sample
        until = max(until, sample.time)
        if choose.random() < 0.3:
            until = max(until, Micros(sample.time + choose.randint(0, 200) * MINUTE))
            out.update({s.time: s for s in source.tick(until)})
    assert source.dropped == 0
    ordered = [known[time] for time in sorted(known)]
    assert key(windows(window, ordered, until)) == key(at_once(window, ordered, until))
    assert source.take(arrivals[-1]) == []
    expected = at_once(window, list(known.values()), until)
    assert key(sorted(out.values())) == key(expected)
    assert (source.due is None) == (max(known) < (source.closed or 0))


def check_restart(window: Window, samples: list[Sample], seed: int) -> None:
    """Begin in the middle with what `begin` asks for: the same windows from there on."""
    choose = random.Random(seed)
    time = choose.choice(samples).time
    whole = windows(window, samples, Micros(samples[-1].time + DAY))
    source = Windowed(window, late_horizon=0)
    needed = source.begin(time)
    found = [w for s in samples if s.time >= needed for w in source.take(s)]
    found += source.tick(Micros(samples[-1].time + DAY))
    assert key(found) == key([w for w in whole if w.time > time])


@FEW
@given(shapes, series(), st.integers(0, 2**32))
def test_any_order_is_as_from_all_data(window: Window, samples: list[Sample], seed: int) -> None:
    """Within the horizon every order of arrival ends in the windows of all data, to the bit."""
    check_any_order(window, samples, seed)


@FEW
@given(shapes, series(), st.integers(0, 2**32))
def test_a_restart_in_the_middle_changes_nothing(
    window: Window, samples: list[Sample], seed: int
) -> None:
    """Built again from the values that `begin` asks for, the next windows are the same."""
    check_restart(window, samples, seed)


@pytest.mark.rig
@pytest.mark.skipif(not os.getenv("IOC_RIG"), reason="full counts: make rig")
@FULL
@given(shapes, series(), st.integers(0, 2**32))
def test_windows_full(window: Window, samples: list[Sample], seed: int) -> None:
    """Both with full counts."""
    check_any_order(window, samples, seed)
    check_restart(window, samples, seed)
