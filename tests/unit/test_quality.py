"""How far a value can be trusted: the scalar reference, one promise a test."""

from __future__ import annotations

from math import inf, nan
from typing import Final

import pytest

from ioc.domain.instant import MINUTE, Micros
from ioc.domain.observation import Quality
from ioc.domain.quality import WINDOW, Limits, Past, grade, judge

GOOD, SUSPECT = Quality.GOOD, Quality.SUSPECT
STEP: Final = 5 * MINUTE
LIMITS: Final = Limits(0, 1000, spike_floor=50, flat_n=4, flat_tolerance=0.1, flat_span=15 * MINUTE)
FRESH: Final = Past()
CALM: Final = [20.0 + n % 5 for n in range(WINDOW)]


def judged(
    results: list[float], limits: Limits = LIMITS, past: Past = FRESH, step: int = STEP
) -> tuple[list[Quality], Past]:
    """Judge good values that come one `step` apart."""
    qualities = []
    begin = max(past.newest, 0) + step
    for n, result in enumerate(results):
        quality, past = judge(Micros(begin + n * step), result, GOOD, limits, past)
        qualities.append(quality)
    return qualities, past


@pytest.mark.parametrize(
    ("result", "said", "stored"),
    [
        (5, Quality.GOOD, Quality.GOOD),
        (0, Quality.GOOD, Quality.GOOD),
        (1000, Quality.GOOD, Quality.GOOD),
        (-0.1, Quality.GOOD, Quality.SUSPECT),
        (1000.1, Quality.GOOD, Quality.SUSPECT),
        (nan, Quality.GOOD, Quality.MISSING),
        (inf, Quality.GOOD, Quality.MISSING),
        (-5, Quality.CALIBRATING, Quality.CALIBRATING),
        (nan, Quality.FAULT, Quality.FAULT),
        (5, Quality.SUSPECT, Quality.SUSPECT),
        (5, Quality.MISSING, Quality.MISSING),
    ],
)
def test_without_history(result: float, said: Quality, stored: Quality) -> None:
    """Range and number count; a station's own verdict is never made better."""
    assert grade(result, said, 0, 1000) is stored
    assert judge(Micros(1), result, said, LIMITS, Past())[0] is stored


def test_a_spike_is_suspect_and_teaches_nothing() -> None:
    """Beyond k × MAD and the floor from the last 12's median; the next is judged anew."""
    _, past = judged(CALM)
    qualities, after = judged([300.0, 22.0], past=past)
    assert qualities == [SUSPECT, GOOD]
    assert 300.0 not in after.window


def test_the_floor_keeps_calm_series_quiet() -> None:
    """A MAD near zero alone would call every breath of wind a spike."""
    _, past = judged(CALM)
    assert judged([21.5 + 50], past=past)[0] == [GOOD]
    assert judged([21.5 + 50.1], past=past)[0] == [SUSPECT]


def test_a_wild_series_has_a_wide_gate() -> None:
    """What varies by hundreds all the time may vary by hundreds."""
    wild = [100.0 * (n % 7) for n in range(WINDOW)]
    limits = Limits(0, 5000, spike_floor=50)
    _, past = judged(wild, limits)
    assert judged([1000.0], limits, past)[0] == [GOOD]


def test_a_short_history_condemns_nobody() -> None:
    """Fewer than 12 good values are no measure of what is usual."""
    assert judged([*CALM[:-1], 900.0])[0] == [GOOD] * WINDOW


def test_the_third_that_says_the_same_is_a_new_level() -> None:
    """A gate was opened: two samples late, but the true level is not suspect for ever."""
    _, past = judged(CALM)
    qualities, after = judged([400.0, 410.0, 405.0, 402.0, 21.0], past=past)
    assert qualities == [SUSPECT, SUSPECT, GOOD, GOOD, GOOD]
    assert after.window == (405.0, 402.0, 21.0)


def test_spikes_that_disagree_confirm_nothing() -> None:
    """A broken cable says something else each time."""
    _, past = judged(CALM)
    assert judged([400.0, 700.0, 500.0, 900.0], past=past)[0] == [SUSPECT] * 4


def test_a_usual_value_between_spikes_begins_the_count_again() -> None:
    """Three equal spikes in a row, not three in a day."""
    _, past = judged(CALM)
    assert judged([400.0, 400.0, 22.0, 400.0], past=past)[0] == [SUSPECT, SUSPECT, GOOD, SUSPECT]


def test_a_stuck_sensor_is_suspect_until_it_moves() -> None:
    """Equal samples, n of them, over the span; the first that differs is good again."""
    qualities, past = judged([7.0, 7.05, 7.0, 7.0, 7.0, 9.0])
    assert qualities == [GOOD, GOOD, GOOD, SUSPECT, SUSPECT, GOOD]
    assert past.window == (7.0, 7.05, 7.0, 9.0)


def test_a_quick_sensor_may_repeat_itself() -> None:
    """Many equal samples in a short time are a resolution, no fault."""
    assert judged([7.0] * 50, step=MINUTE // 4)[0] == [GOOD] * 50


def test_a_slow_sensor_may_repeat_itself() -> None:
    """Two equal samples a day apart are no run of n."""
    assert judged([7.0] * 3, step=24 * 60 * MINUTE)[0] == [GOOD] * 3


def test_late_values_are_judged_by_range_alone() -> None:
    """The same row gets the same answer whenever it comes, and moves nothing."""
    _, past = judged(CALM)
    for time in (past.newest, Micros(past.newest - 1), Micros(1)):
        assert judge(time, 400.0, GOOD, LIMITS, past) == (GOOD, past)
        assert judge(time, 1001.0, GOOD, LIMITS, past) == (SUSPECT, past)


def test_values_that_are_not_good_teach_nothing() -> None:
    """Calibration gas is no history of the air."""
    _, past = judged(CALM)
    for result, quality in ((500.0, Quality.CALIBRATING), (nan, GOOD), (5000.0, GOOD)):
        _, after = judge(Micros(past.newest + STEP), result, quality, LIMITS, past)
        assert after == past._replace(newest=Micros(past.newest + STEP))
