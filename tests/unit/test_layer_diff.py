"""What an import changes, and whether a shift was forgotten: promises over all inputs."""

from math import cos, radians

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.vn2000 import of_epsg
from layers import datum
from layers.datum import Datum
from layers.diff import applied, compare

contents = st.dictionaries(st.sampled_from("abcdefgh"), st.binary(min_size=1, max_size=1))


@given(contents, contents)
def test_applying_the_difference_gives_the_new(
    current: dict[str, bytes], new: dict[str, bytes]
) -> None:
    """apply(diff(current, new), current) is new, and every row is counted once."""
    found = compare(current, new)
    assert applied(found, current, new) == new
    assert len(found.added) + len(found.changed) + found.unchanged == len(new)
    assert len(found.removed) + len(found.changed) + found.unchanged == len(current)


@given(contents, contents, st.sets(st.sampled_from("abcdefgh")))
def test_refused_rows_stay_as_they_were(
    current: dict[str, bytes], new: dict[str, bytes], kept: set[str]
) -> None:
    """A code whose row is refused keeps what the layer has; the file's own rows win."""
    after = applied(compare(current, new, kept), current, new)
    stays = {code: current[code] for code in kept & current.keys() - new.keys()}
    assert after == new | stays


@given(contents)
def test_the_same_is_no_difference(content: dict[str, bytes]) -> None:
    """A layer differs from itself in nothing."""
    found = compare(content, dict(reversed(content.items())))
    assert (found.added, found.changed, found.removed) == ((), (), ())


PLACES = {f"S{n}": (106.5 + n % 7 / 10, 10.8 + n % 11 / 10) for n in range(40)}


def moved(count: int, east_m: float, north_m: float) -> dict[str, tuple[float, float]]:
    """Return the places, the first `count` of them moved."""
    scale = 111_195 * cos(radians(11))
    return {
        code: (lon + (n < count) * east_m / scale, lat + (n < count) * north_m / 111_195)
        for n, (code, (lon, lat)) in enumerate(PLACES.items())
    }


@pytest.mark.parametrize("there", [True, False])
def test_the_shift_is_recognised(there: bool) -> None:  # noqa: FBT001
    """VN-2000 taken for WGS 84, and a shift made twice, are both named with their length."""
    xy = np.array(list(PLACES.values()))
    system = of_epsg(4756)
    lonlat = (system.lonlat(xy) if there else system.from_lonlat(xy)).tolist()
    after = {code: (lon, lat) for code, (lon, lat) in zip(PLACES, lonlat, strict=True)}
    verdict, metres = datum.compare(PLACES, after)
    assert verdict is Datum.SHIFTED
    assert 220 < metres < 228


@pytest.mark.parametrize(
    ("count", "east", "north", "verdict"),
    [
        (40, 3, 4, Datum.SOUND),
        (0, 0, 0, Datum.SOUND),
        (36, 200, 100, Datum.SHIFTED),
        (28, 200, 100, Datum.UNKNOWN),
        (40, 2000, 0, Datum.UNKNOWN),
        (40, 150, 0, Datum.UNKNOWN),
    ],
)
def test_other_displacements(count: int, east: float, north: float, verdict: Datum) -> None:
    """Only a displacement of that length that nearly all share is the shift."""
    assert datum.compare(PLACES, moved(count, east, north))[0] is verdict


def test_too_few_codes_tell_nothing() -> None:
    """Below twenty common codes nothing is said."""
    few = dict(list(PLACES.items())[:19])
    assert datum.compare(few, PLACES) == (Datum.UNKNOWN, 0.0)
