"""The readers of numbers and times that all codecs share, at their edges."""

from __future__ import annotations

import json

import pytest

from ingest.reading import moments
from ingest.reading.json_values import parse, read
from ioc.domain.errors import PayloadError


@pytest.mark.parametrize(
    ("raw", "micros"),
    [
        (1795310100.4105309, 1795310100410530),  # the float itself is ...4105308
        (1795310100.29, 1795310100290000),  # the float beneath it is a little less
        ("1795310100.9999999", 1795310100999999),
        (1.33, 1330000),
        (1795310100, 1795310100000000),
    ],
)
def test_seconds_are_truncated(raw: object, micros: int) -> None:
    """A count of seconds is taken as it is written, and truncated to µs."""
    assert moments.reader("epoch_s", "UTC")(raw)[0] == micros


@pytest.mark.parametrize(
    ("raw", "micros"),
    [
        (1795310100, 1795310100000000),
        (1795310100412, 1795310100412000),
        (1795310100412530, 1795310100412530),
        (1795310100412530918, 1795310100412530),
    ],
)
def test_the_size_tells_the_unit(raw: int, micros: int) -> None:
    """Seconds, ms, µs and ns are told apart by their size; ns are truncated."""
    assert moments.reader("auto", "UTC")(raw)[0] == micros


@pytest.mark.parametrize("raw", [1e308, -1e308, "9" * 60, 10**300])
@pytest.mark.parametrize("form", ["auto", "epoch_s", "iso"])
def test_any_number_is_a_time_or_refused(raw: object, form: str) -> None:
    """A count beyond any calendar is no crash: it is refused here or as a time in the future."""
    try:
        moments.reader(form, "UTC")(raw)
    except PayloadError as error:
        assert error.reason == "bad_time"  # noqa: PT017  both are right


def test_nested_without_end() -> None:
    """An array as deep as the parser takes, where a value belongs, is refused as any other."""
    deep = parse(b"[" * 900 + b"]" * 900)
    with pytest.raises(PayloadError, match="bad_value: a list"):
        read(deep, None)
    with pytest.raises(PayloadError, match="bad_state: a list"):
        read(deep, {"on": 1})
    with pytest.raises(PayloadError, match="bad_time: a list"):
        moments.reader("auto", "UTC")(deep)


@pytest.mark.parametrize("read_it", [lambda raw: read(raw, None), moments.reader("auto", "UTC")])
def test_a_lone_surrogate_can_be_quoted(read_it: object) -> None:
    """What a refusal quotes can be stored and printed, whatever the device sent."""
    raw = json.loads('"\\ud800 2026-11-22 is no number"')
    assert callable(read_it)
    with pytest.raises(PayloadError) as caught:
        read_it(raw)
    assert caught.value.detail.encode()
