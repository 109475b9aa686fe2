"""Times as devices write them -> instants. One reader is made for each feed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final
from zoneinfo import ZoneInfo

from ingest.reading.paths import is_huge, shown
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros, bounded, from_datetime
from ioc.domain.observation import Flag

Reader = Callable[[Any], tuple[Micros | None, Flag]]

_SECONDS: Final = (1_000_000, 1)
_MILLIS: Final = (1000, 1)
_MICROS: Final = (1, 1)
_NANOS: Final = (1, 1000)
_MICROS_IN: Final = {
    "epoch_s": _SECONDS,
    "epoch_ms": _MILLIS,
    "epoch_us": _MICROS,
    "epoch_ns": _NANOS,
}
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?")
# By size: seconds until the year 5138, milliseconds from 1973 on, microseconds, nanoseconds.
_SECONDS_BELOW: Final = 10**11
_MILLIS_BELOW: Final = 10**14
_MICROS_BELOW: Final = 10**17
_SHORTEST_ISO: Final = len("2026-11-22T08")  # a date alone is not an instant
_LONGEST: Final = 64  # of a time's text; beyond it is something else, and int() gets slow


def reader(time_format: str | Sequence[str], zone: str) -> Reader:
    """Return a function raw value -> (instant or None, TIME_ZONE or NONE).

    Of several formats the first that reads the value counts. None, "" and an absent key (None)
    mean the device gave no time. Fractions of a microsecond are cut off, never rounded up. The
    function raises PayloadError("bad_time").
    """
    local = ZoneInfo(zone)
    if isinstance(time_format, str):
        return _single(time_format, local)
    if not time_format:
        raise ConfigError("time_format is an empty list; name at least one, such as auto")
    readers = [_single(one, local) for one in time_format]
    return lambda raw: _first(raw, readers)


def _single(time_format: str, local: ZoneInfo) -> Reader:
    if time_format == "auto":
        return lambda raw: _auto(raw, local)
    if time_format == "iso":
        return lambda raw: _iso(raw, local)
    if time_format in _MICROS_IN:
        ratio = _MICROS_IN[time_format]
        return lambda raw: (_epoch(raw, ratio), Flag.NONE)
    if "%" in time_format:
        return lambda raw: _pattern(raw, time_format, local)
    raise ConfigError(
        f"time_format {time_format!r} is not auto, iso, epoch_s, epoch_ms, epoch_us, epoch_ns or"
        " a pattern like %Y%m%d%H%M%S"
    )


def _first(raw: Any, readers: Sequence[Reader]) -> tuple[Micros | None, Flag]:  # noqa: ANN401  JSON
    for read in readers[:-1]:
        try:
            return read(raw)
        except PayloadError:
            continue
    return readers[-1](raw)


def _auto(raw: Any, zone: ZoneInfo) -> tuple[Micros | None, Flag]:  # noqa: ANN401  JSON
    if isinstance(raw, str) and not _NUMBER.fullmatch(raw.strip()):
        return _iso(raw, zone)
    return _epoch(raw, None), Flag.NONE


def _iso(raw: Any, zone: ZoneInfo) -> tuple[Micros | None, Flag]:  # noqa: ANN401  JSON
    text = _text(raw)
    if not text:
        return None, Flag.NONE
    if len(text) < _SHORTEST_ISO:
        raise PayloadError("bad_time", shown(text))
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise PayloadError("bad_time", shown(text)) from error
    return _instant(moment, zone)


def _pattern(raw: Any, pattern: str, zone: ZoneInfo) -> tuple[Micros | None, Flag]:  # noqa: ANN401
    text = _text(raw)
    if not text:
        return None, Flag.NONE
    try:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007  the zone follows
    except ValueError as error:
        raise PayloadError("bad_time", shown(text)) from error
    return _instant(moment, zone)


def _instant(moment: datetime, zone: ZoneInfo) -> tuple[Micros, Flag]:
    aware, flag = moment, Flag.NONE
    if moment.tzinfo is None:
        aware, flag = moment.replace(tzinfo=zone), Flag.TIME_ZONE
    try:
        return from_datetime(aware), flag
    except OverflowError as error:
        raise PayloadError("bad_time", moment.isoformat()) from error


def _text(raw: Any) -> str:  # noqa: ANN401  JSON
    if raw is None:
        return ""
    if isinstance(raw, bool) or not isinstance(raw, (str, int)):
        raise PayloadError("bad_time", shown(raw))
    if is_huge(raw):
        raise PayloadError("bad_time", shown(raw))
    text = str(raw).strip()
    if len(text) > _LONGEST:
        raise PayloadError("bad_time", shown(text))
    return text


def _epoch(raw: Any, ratio: tuple[int, int] | None) -> Micros | None:  # noqa: ANN401  JSON
    """Read a count since 1970; without a ratio its size tells the unit.

    Fractions are read as the device wrote them: the float nearest to 1795309200.123 lies below
    it, and cutting that one would lose a microsecond.
    """
    if isinstance(raw, float):
        if not isfinite(raw):
            raise PayloadError("bad_time", str(raw))
        value: int | Decimal = Decimal(repr(raw))
    else:
        text = _text(raw)
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise PayloadError("bad_time", shown(text))
        value = Decimal(text) if "." in text else int(text)
    times, parts = _by_size(value if value >= 0 else -value) if ratio is None else ratio
    return bounded(
        int(value * times / parts) if isinstance(value, Decimal) else value * times // parts
    )


def _by_size(size: int | Decimal) -> tuple[int, int]:
    if size < _SECONDS_BELOW:
        return _SECONDS
    if size < _MILLIS_BELOW:
        return _MILLIS
    return _MICROS if size < _MICROS_BELOW else _NANOS
