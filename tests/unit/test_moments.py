"""Times as devices write them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.reading import moments
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import from_datetime
from ioc.domain.observation import Flag
from tests.unit.codec_feeds import json_like, many

HANOI = "Asia/Ho_Chi_Minh"
ONE = 1_795_309_200_000_000  # 2026-11-22T01:00:00Z


@pytest.mark.parametrize(
    ("form", "raw", "micros", "flag"),
    [
        ("auto", 1795309200, ONE, Flag.NONE),
        ("auto", "1795309200", ONE, Flag.NONE),
        ("auto", 1795309200000, ONE, Flag.NONE),
        ("auto", ONE, ONE, Flag.NONE),
        ("auto", ONE * 1000 + 999, ONE, Flag.NONE),
        ("auto", "2026-11-22T08:00:00", ONE, Flag.TIME_ZONE),
        ("auto", "2026-11-22 08:00:00+0700", ONE, Flag.NONE),
        ("iso", "2026-11-22t01:00:00z", ONE, Flag.NONE),
        ("iso", "2026-11-22T01:00:00.412530918+00:00", ONE + 412530, Flag.NONE),
        ("epoch_s", 1795309200.123, ONE + 123000, Flag.NONE),
        ("epoch_s", 1795309200.1234567, ONE + 123456, Flag.NONE),
        ("epoch_s", "1795309200.9999999", ONE + 999999, Flag.NONE),
        ("epoch_ms", 1795309200000.7, ONE + 700, Flag.NONE),
        ("epoch_us", ONE, ONE, Flag.NONE),
        ("epoch_ns", ONE * 1000 + 1999, ONE + 1, Flag.NONE),
        ("%Y%m%d%H%M%S", "20261122080000", ONE, Flag.TIME_ZONE),
        ("%Y%m%d%H%M%S", 20261122080000, ONE, Flag.TIME_ZONE),
        ("%d/%m/%Y %H:%M %z", "22/11/2026 01:00 +0000", ONE, Flag.NONE),
        (["iso", "%H:%M:%S %d/%m/%Y"], "8:00:00 22/11/2026", ONE, Flag.TIME_ZONE),
        (["iso", "%H:%M:%S %d/%m/%Y"], "2026-11-22T01:00:00+0000", ONE, Flag.NONE),
    ],
)
def test_forms(form: Any, raw: Any, micros: int, flag: Flag) -> None:
    """Each form gives the instant, cut at microseconds, and says when the zone was ours."""
    assert moments.reader(form, HANOI)(raw) == (micros, flag)


@pytest.mark.parametrize("form", ["auto", "iso", "epoch_s", "%Y%m%d", ["iso", "auto"]])
@pytest.mark.parametrize("raw", [None, "", "  "])
def test_no_time_is_none(form: Any, raw: Any) -> None:
    """Nothing, or an empty text, is no time and no fault."""
    assert moments.reader(form, HANOI)(raw) == (None, Flag.NONE)


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        ("iso", "2026-11-22"),
        ("iso", "2026-13-22T00:00:00"),
        ("iso", 1795309200.5),
        ("auto", True),
        ("auto", {}),
        ("auto", float("nan")),
        ("epoch_s", "now"),
        ("epoch_s", "9" * 65),
        ("%d/%m/%Y", "31/02/2026"),
        (["iso", "%d/%m/%Y"], "yesterday"),
    ],
)
def test_what_is_no_time(form: Any, raw: Any) -> None:
    """A date alone, an impossible date, a word: refused, never guessed."""
    with pytest.raises(PayloadError) as refusal:
        moments.reader(form, HANOI)(raw)
    assert refusal.value.reason == "bad_time"


def test_unknown_forms_are_refused_at_start() -> None:
    """A form that does not exist is a configuration error that names what does."""
    for form in ("stardate", ["iso", "stardate"]):
        with pytest.raises(ConfigError, match="epoch_ns"):
            moments.reader(form, HANOI)


@many
@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_local_times_are_the_feeds_zone(moment: datetime) -> None:
    """A time without an offset is read in the feed's zone, exactly."""
    wanted = from_datetime(moment.replace(tzinfo=ZoneInfo(HANOI)))
    assert moments.reader("iso", HANOI)(moment.isoformat()) == (wanted, Flag.TIME_ZONE)


@many
@given(st.integers(min_value=10**15, max_value=4 * 10**15))
def test_a_fraction_is_what_the_device_wrote(micros: int) -> None:
    """Seconds with six decimals come back to the microsecond, as a number and as a text."""
    written = f"{micros // 1_000_000}.{micros % 1_000_000:06}"
    read = moments.reader("epoch_s", "UTC")
    assert read(written) == (micros, Flag.NONE)
    assert read(float(written)) == (micros, Flag.NONE)


@many
@given(json_like("a"))
def test_anything_is_a_time_or_a_refusal(raw: Any) -> None:
    """Whatever JSON holds: an instant, none, or PayloadError."""
    for form in ("auto", "iso", "epoch_ms", "%d/%m/%Y", ["iso", "epoch_ns"]):
        try:
            micros, _ = moments.reader(form, HANOI)(raw)
        except PayloadError as error:
            error.detail.encode()
        else:
            assert micros is None or isinstance(micros, int)


@pytest.mark.parametrize("sign", [1, -1])
def test_any_digits_are_an_instant_of_64_bits(sign: int) -> None:
    """A count that no column holds is the furthest instant, so it is judged and not overflown."""
    found, _ = moments.reader("auto", "UTC")(sign * 10**40)
    assert found == sign * (2**63 - 1)
