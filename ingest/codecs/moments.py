"""Times as devices write them -> instants. One reader is made for each feed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final
from zoneinfo import ZoneInfo

from ingest.codecs import paths
from ioc.domain.errors import ConfigError, PayloadError
from ioc.domain.instant import Micros, from_datetime
from ioc.domain.observation import Flag

Reader = Callable[[Any], tuple[Micros | None, Flag]]

_MICROS_IN: Final = {"epoch_s": 1_000_000, "epoch_ms": 1000, "epoch_us": 1}
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?")
# By size: seconds until the year 5138, milliseconds from 1973 on, microseconds, nanoseconds.
_SECONDS_BELOW: Final = 10**11
_MILLIS_BELOW: Final = 10**14
_MICROS_BELOW: Final = 10**17
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
        raise PayloadError("bad_time", paths.shown(text))
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise PayloadError("bad_time", paths.shown(text)) from error
    return _instant(moment, zone)


def _pattern(raw: Any, pattern: str, zone: ZoneInfo) -> tuple[Micros | None, Flag]:  # noqa: ANN401
    text = _text(raw)
    if not text:
        return None, Flag.NONE
    try:
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007  the zone follows
    except ValueError as error:
        raise PayloadError("bad_time", paths.shown(text)) from error
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
        raise PayloadError("bad_time", paths.shown(raw))
    if isinstance(raw, int) and raw.bit_length() > paths.MAX_BITS:
        raise PayloadError("bad_time", paths.shown(raw))
    text = str(raw).strip()
    if len(text) > _LONGEST:
        raise PayloadError("bad_time", paths.shown(text))
    return text


def _epoch(raw: Any, factor: int | None) -> Micros | None:  # noqa: ANN401  JSON
    """Read a count since 1970, truncated; without a factor its size tells the unit.

    Fractions are taken as they are written: 0.29 s is 290 ms, whatever the float beneath it is.
    """
    value: Decimal | int
    if isinstance(raw, float):
        if not isfinite(raw):
            raise PayloadError("bad_time", str(raw))
        value = Decimal(repr(raw))
    else:
        text = _text(raw)
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise PayloadError("bad_time", paths.shown(text))
        value = Decimal(text) if "." in text else int(text)
    return Micros(_by_size(value) if factor is None else int(value * factor))


def _by_size(value: Decimal | int) -> int:
    size = value if value >= 0 else -value
    if size < _SECONDS_BELOW:
        return int(value * 1_000_000)
    if size < _MILLIS_BELOW:
        return int(value * 1000)
    return int(value) if size < _MICROS_BELOW else int(value) // 1000
