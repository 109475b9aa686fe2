"""Indices over time: which hours they look at, and that a change reaches all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain import indices
from ioc.domain.aqi import Pollutant
from ioc.domain.indices import Derived, Kind, Value
from ioc.domain.instant import HOUR, Micros

Series = dict[str, dict[int, float]]
BEGIN = 17 - 7  # an hour of 17:00 in Viet Nam: days begin and end within the span
SPAN = 72
CLOSED = BEGIN + SPAN

hours = st.integers(BEGIN, CLOSED - 1)
series = st.dictionaries(hours, st.floats(0, 600), min_size=20, max_size=SPAN)
stations = st.fixed_dictionaries({p.value: series for p in (Pollutant.PM25, Pollutant.O3_1H)})


def computed(means: Series, changed: range | list[int]) -> dict[tuple[Derived, Micros], Value]:
    """Return what is computed after a change, by datastream and time."""
    found = indices.station(Kind.AIR, means, changed, CLOSED)
    return {(value.of, value.time): value for value in found}


@given(stations, st.dictionaries(hours, st.floats(0, 600), min_size=1, max_size=4))
def test_a_correction_gives_what_a_computation_from_scratch_gives(
    means: Series, corrections: dict[int, float]
) -> None:
    """Only what looks at a changed hour is computed again, and that is enough."""
    everything = range(BEGIN, CLOSED)
    kept = computed(means, everything)
    means[Pollutant.PM25] |= corrections
    means[Pollutant.O3_1H] |= corrections
    kept |= computed(means, list(corrections))
    assert kept == computed(means, everything)


@given(stations, hours)
def test_what_is_read_is_all_that_is_needed(means: Series, hour: int) -> None:
    """The hours outside `read_span` change no index."""
    found = indices.touched_hours(Kind.AIR, [hour], CLOSED)
    span = indices.read_span(found, indices.touched_days([hour], CLOSED))
    cut = {
        name: {h: mean for h, mean in column.items() if span.first <= h <= span.last}
        for name, column in means.items()
    }
    assert computed(cut, [hour]) == computed(means, [hour])


def test_a_day_is_that_of_viet_nam_and_stands_at_its_end() -> None:
    """The hours from 00:00 to 24:00 of UTC+7 make a day."""
    day = indices.day_of(17)  # 17:00 UTC is midnight in Viet Nam
    assert day == indices.day_of(16) + 1
    assert list(indices.hours_of(day)) == list(range(17, 41))
    means: Series = {Pollutant.PM25: dict.fromkeys(range(17, 41), 25.0)}
    value = indices.air_day(means, day)
    assert (value.time, value.index, value.coverage) == (41 * HOUR, 50, 1.0)


@pytest.mark.parametrize(("present", "index"), [(17, None), (18, 50)])
def test_a_day_needs_three_quarters_of_its_hours(present: int, index: int | None) -> None:
    """With 17 of 24 hours there is no index, and the reason says so."""
    day = indices.day_of(17)
    means: Series = {Pollutant.PM25: dict.fromkeys(range(17, 17 + present), 25.0)}
    value = indices.air_day(means, day)
    assert value.index == index
    assert (value.reason is None) == (index is not None)
    assert value.coverage == pytest.approx(present / 24)


def test_ozone_of_eight_hours_reaches_back_to_the_evening_before() -> None:
    """The first 8 h mean of a day begins at 17:00 of the day before."""
    day = indices.day_of(17)
    evening = dict.fromkeys(range(10, 18), 300.0)
    rest = dict.fromkeys(range(18, 41), 1.0)
    means: Series = {
        Pollutant.PM25: dict.fromkeys(range(17, 41), 1.0),
        Pollutant.O3_1H: evening | rest,
    }
    assert indices.air_day(means, day).sub_indices[Pollutant.O3_8H] == pytest.approx(247.368421)


def test_an_hour_that_is_not_closed_has_no_index() -> None:
    """Nothing is computed at or beyond the hour that still runs."""
    means: Series = {Pollutant.PM25: dict.fromkeys(range(BEGIN, CLOSED + 5), 9.0)}
    found = [value.time // HOUR for value in indices.station(Kind.AIR, means, [CLOSED - 1], CLOSED)]
    assert max(found) == CLOSED


def test_a_station_without_particles_says_why() -> None:
    """Gases alone make no index."""
    value = indices.air_hour({Pollutant.NO2: {5: 100.0}}, 5)
    assert (value.index, value.reason, value.coverage) == (None, "no_particles", 1.0)
    assert value.sub_indices == {Pollutant.NO2: 50.0}
    assert indices.air_hour({Pollutant.PM25: {}}, 5).reason == "no_data"


def test_river_station_without_enough_groups_says_why() -> None:
    """One nutrient beside the pH makes no VN_WQI."""
    value = indices.water_hour({"pH": {3: 7.0}, "COD": {3: 12.5}}, 3, weighted=False)
    assert (value.index, value.reason) == (None, "few_organic")
    assert value.sub_indices == {"pH": 100.0, "COD": 87.5}
