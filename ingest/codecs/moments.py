"""Times as devices write them -> instants. One reader is made for each feed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros, from_datetime
from ioc.domain.observation import Flag

Reader = Callable[[Any], tuple[Micros | None, Flag]]

_MICROS_IN: Final = {"epoch_s": 1_000_000, "epoch_ms": 1000, "epoch_us": 1}
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?")
# By size: seconds until the year 5138, milliseconds from 1973 on, microseconds, nanoseconds.
_SECONDS_BELOW: Final = 1e11
_MILLIS_BELOW: Final = 1e14
_MICROS_BELOW: Final = 1e17
_SHORTEST_ISO: Final = len("2026-11-22T08")  # a date alone is not an instant
_LONGEST: Final = 64  # of a time's text; beyond it is something else, and int() gets slow


def reader(time_format: str, zone: str) -> Reader:
    """Return a function raw value -> (instant or None, TIME_ZONE or NONE).

    None, "" and an absent key (None) mean the device gave no time. The function raises
    PayloadError("bad_time").
    """
    local = ZoneInfo(zone)
    if time_format == "auto":
        return lambda raw: _auto(raw, local)
    if time_format == "iso":
        return lambda raw: _iso(raw, local)
    if time_format in _MICROS_IN:
        factor = _MICROS_IN[time_format]
        return lambda raw: (_epoch(raw, factor), Flag.NONE)
    if "%" in time_format:
        return lambda raw: _pattern(raw, time_format, local)
    raise ConfigError(
        f"time_format {time_format!r} is not auto, iso, epoch_s, epoch_ms, epoch_us or a pattern"
        " like %Y%m%d%H%M%S"
    )


def _auto(raw: Any, zone: ZoneInfo) -> tuple[Micros | None, Flag]:  # noqa: ANN401  JSON
    if isinstance(raw, str) and not _NUMBER.fullmatch(raw.strip()):
        return _iso(raw, zone)
    return _epoch(raw, None), Flag.NONE


def _iso(raw: Any, zone: ZoneInfo) -> tuple[Micros | None, Flag]:  # noqa: ANN401  JSON
    text = _text(raw)
    if not text:
        return None, Flag.NONE
    if len(text) < _SHORTEST_ISO:
        raise PayloadError("bad_time", text)
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise PayloadError("bad_time", text) from error
    return _instant(moment, zone)


def _pattern(raw: Any, pattern: str, zone: ZoneInfo) -> tuple[Micros | None, Flag]:  # noqa: ANN401
    text = _text(raw)
    if not text:
        return None, Flag.NONE
    try:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007  the zone follows
    except ValueError as error:
        raise PayloadError("bad_time", text) from error
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
        raise PayloadError("bad_time", repr(raw)[:_LONGEST])
    text = str(raw).strip()
    if len(text) > _LONGEST:
        raise PayloadError("bad_time", text[:_LONGEST])
    return text


def _epoch(raw: Any, factor: int | None) -> Micros | None:  # noqa: ANN401  JSON
    """Read a count since 1970; without a factor its size tells the unit."""
    if isinstance(raw, float):
        value: float | int = raw
    else:
        text = _text(raw)
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise PayloadError("bad_time", text)
        value = float(text) if "." in text else int(text)
    if not isfinite(value):
        raise PayloadError("bad_time", str(value))
    if factor is not None:
        return Micros(round(value * factor))
    return Micros(_by_size(value))


def _by_size(value: float) -> int:
    size = abs(value)
    if size < _SECONDS_BELOW:
        return round(value * 1_000_000)
    if size < _MILLIS_BELOW:
        return round(value * 1000)
    return round(value) if size < _MICROS_BELOW else round(value) // 1000
