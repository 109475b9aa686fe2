"""How a station's month is said: one wording for the page, the printed report and the workbook."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from ioc.domain.indices import Derived
from ioc.domain.legal_limit import LegalLimit
from ioc.domain.station_month import Month, Parameter, Run
from ioc.text import say
from ioc.text.numbers import vietnamese

_HOUR_S: Final = 3600
_MOST: Final = 6  # decimals of a limit: 0,005 mg/L


def title(name: str, month: Month) -> str:
    """Return what the report is called."""
    return say("station.report_title", name=name, month=f"{month.first:%m/%Y}")


def file_name(thing: int, first: date) -> str:
    """Return the name of a report's file without its ending: bao-cao-tram-7-2026-11."""
    return say("station.file", thing=thing, month=f"{first:%Y-%m}")


def sentence(month: Month) -> str:
    """Return the month in one sentence."""
    beyond = sum(v.beyond for one in month.parameters for v in one.verdicts)
    where = [one.stream.name for one in month.parameters if any(v.beyond for v in one.verdicts)]
    held = [one for one in month.parameters if one.verdicts]
    if not held:
        first = say("station.said_no_limit")
    elif beyond:
        first = say("station.said_beyond", count=beyond, names=", ".join(where))
    elif not any(v.judged for one in held for v in one.verdicts):
        first = say("station.said_unjudged")
    else:
        first = say("station.said_kept")
    return f"{first} {_there(month)}"


def _there(month: Month) -> str:
    short = [one.stream.name for one in month.parameters if not one.availability.enough]
    if not month.parameters or month.parameters[0].availability.hours == 0:
        return say("station.said_not_begun")
    if short:
        return say("station.said_short", names=", ".join(short))
    return say("station.said_enough")


def share(value: float | None) -> str:
    """Return a share in percent."""
    return "–" if value is None else f"{vietnamese(100 * value, 1)} %"


def number(value: float | None, parameter: Parameter) -> str:
    """Return a value of a parameter."""
    return "–" if value is None else vietnamese(value, parameter.stream.decimals)


def limit(one: LegalLimit) -> str:
    """Return a limit's numbers: "tối đa 45 µg/m³"."""
    unit = f" {one.unit}" if one.unit else ""
    if one.low is not None and one.high is not None:
        return say("station.between", low=plain(one.low), high=plain(one.high), unit=unit)
    if one.high is not None:
        return say("station.at_most", high=plain(one.high), unit=unit)
    return say("station.at_least", low=plain(one.low or 0.0), unit=unit)


def plain(value: float) -> str:
    """Return a number with as many decimals as it was written with."""
    text = f"{value:.{_MOST}f}".rstrip("0")
    return vietnamese(value, len(text.partition(".")[2]))


def window(one: LegalLimit) -> str:
    """Return what a limit is compared with."""
    if one.averaging is None:
        return say("station.window_value")
    hours = one.averaging.length_s // _HOUR_S
    return say(f"station.window_{one.averaging.function}", hours=hours)


def confidence(one: LegalLimit, given_by: str) -> str:
    """Return how sure a limit is and who put it."""
    by = say("station.by_catalogue") if given_by == "config" else given_by
    return say(f"station.confidence_{one.confidence}") + (f" · {by}" if by else "")


def validity(one: LegalLimit) -> str:
    """Return from when to when a limit holds."""
    begin = f"{one.valid_from:%d/%m/%Y}" if one.valid_from else "…"
    end = f"{one.valid_to:%d/%m/%Y}" if one.valid_to else "…"
    return f"{begin} – {end}"


def span(run: Run, zone: ZoneInfo) -> str:
    """Return from when to when a run lasted."""
    return f"{at(run.first, zone)} – {at(run.last + 1, zone)}"


def at(hour: int, zone: ZoneInfo) -> str:
    """Return the beginning of an hour."""
    return second(hour * _HOUR_S, zone)


def second(seconds: int, zone: ZoneInfo) -> str:
    """Return an instant."""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone(zone):%H:%M %d/%m/%Y}"


def hours(value: float | None) -> str:
    """Return a number of hours."""
    return "–" if value is None else vietnamese(value, 1)


def category(of: Derived, name: str | None) -> str:
    """Return a category in words."""
    if name is None:
        return say("station.no_index")
    return say(f"{'wqi' if of is Derived.WQI else 'aqi'}.category.{name}")
