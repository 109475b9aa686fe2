"""The parameters of a request to what they ask for; what is not understood is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from math import isfinite
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.domain.errors import Refusal
from ioc.web.ogc.collections import Described, Queryable
from ioc.web.ogc.systems import CRS84, Served, Systems
from ioc.web.queries.features_wanted import DEFAULT_PAGE, LARGEST_PAGE, Area, Wanted

_OWN: Final = frozenset({"f", "limit", "offset", "after", "bbox", "bbox-crs", "crs", "datetime"})
_CORNERS: Final = {4: (0, 1, 2, 3), 6: (0, 1, 3, 4)}  # with heights, which nobody here has
_LONGEST: Final = 500  # characters of a value; names of places are shorter
_FARTHEST: Final = 10_000_000  # rows that `offset` skips


class AskedWronglyError(Refusal):
    """A parameter that is unknown or means nothing; `name` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Question:
    """A page that is asked for, and in which system."""

    wanted: Wanted
    served: Served
    # What names the same question in the link to the next page.
    kept: Mapping[str, str] = field(default_factory=dict)


def question(
    parameters: list[tuple[str, str]], of: Described, systems: Systems, zone: str
) -> Question:
    """Return what is asked of a collection; AskedWronglyError for what cannot be."""
    given = single(parameters)
    unknown = next((n for n in given if n not in _OWN and of.queryable(n) is None), None)
    if unknown is not None:
        raise AskedWronglyError(unknown)
    since, until = _span(given.get("datetime"), ZoneInfo(zone))
    columns, properties = _filters(given, of)
    wanted = Wanted(
        limit=min(_whole(given, "limit", DEFAULT_PAGE, least=1), LARGEST_PAGE),
        area=_area(given, systems),
        since=since,
        until=until,
        columns=columns,
        properties=properties,
        after=given.get("after", ""),
        offset=min(_whole(given, "offset", 0, least=0), _FARTHEST),
    )
    kept = {name: text for name, text in given.items() if name not in ("after", "offset")}
    return Question(wanted, system(given, systems), kept)


def single(parameters: list[tuple[str, str]]) -> dict[str, str]:
    """Return each parameter's value; one that is given twice, or is no text, is refused."""
    given: dict[str, str] = {}
    for name, text in parameters:
        if name in given or "\x00" in text or len(text) > _LONGEST:
            raise AskedWronglyError(name)
        given[name] = text
    return given


def only(parameters: list[tuple[str, str]], *known: str) -> dict[str, str]:
    """Return the parameters where no others than these are known."""
    given = single(parameters)
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise AskedWronglyError(unknown)
    return given


def system(given: Mapping[str, str], systems: Systems) -> Served:
    """Return the system of the answer."""
    return _system(given, "crs", systems)


def _system(given: Mapping[str, str], name: str, systems: Systems) -> Served:
    found = systems.get(given.get(name, CRS84))
    if found is None:
        raise AskedWronglyError(name)
    return found


def _whole(given: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise AskedWronglyError(name)
    return int(text)


def _area(given: Mapping[str, str], systems: Systems) -> Area | None:
    within = _system(given, "bbox-crs", systems)
    if "bbox" not in given:
        return None
    try:
        numbers = [float(part) for part in given["bbox"].split(",")]
        first, second, third, fourth = (numbers[i] for i in _CORNERS[len(numbers)])
        if not all(map(isfinite, numbers)):
            raise AskedWronglyError("bbox")
        _ordered(within, first, second, third, fourth)
        return within.area((first, second, third, fourth))
    except (ValueError, KeyError) as error:
        raise AskedWronglyError("bbox") from error


def _ordered(within: Served, first: float, second: float, third: float, fourth: float) -> None:
    """Refuse a box whose corners are exchanged; east of 180° west comes first, in degrees only."""
    if within.north_first:
        first, second, third, fourth = second, first, fourth, third
    turned = within.system.definition != "" and first > third
    if second > fourth or turned:
        raise AskedWronglyError("bbox")


# ---------------------------------------------------------------- time


def _span(text: str | None, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Return the first and the last instant; None where a side is open."""
    if text is None:
        return None, None
    parts = text.split("/")
    try:
        if len(parts) == 1:
            return _start(text, zone), _end(text, zone)
        begin, end = parts
        since = None if begin in ("", "..") else _start(begin, zone)
        until = None if end in ("", "..") else _end(end, zone)
    except (ValueError, OverflowError) as error:
        raise AskedWronglyError("datetime") from error
    if since is not None and until is not None and since > until:
        raise AskedWronglyError("datetime")
    return since, until


def _start(text: str, zone: ZoneInfo) -> datetime:
    found = datetime.fromisoformat(text.upper().replace(" ", "+"))
    # A date or a time without an offset is the province's own.
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _end(text: str, zone: ZoneInfo) -> datetime:
    found = _start(text, zone)
    whole_day = "T" not in text.upper() and found.time() == time()
    return found + timedelta(days=1, microseconds=-1) if whole_day else found


# ---------------------------------------------------------------- properties


def _filters(given: Mapping[str, str], of: Described) -> tuple[dict[str, str], dict[str, Any]]:
    columns: dict[str, str] = {}
    properties: dict[str, Any] = {}
    for name, text in given.items():
        found = None if name in _OWN else of.queryable(name)
        if found is not None and found.column:
            columns[name] = text
        elif found is not None:
            properties[name] = _value(found, text)
    return columns, properties


def _value(of: Queryable, text: str) -> object:
    match of.type:
        case "boolean":
            if text.lower() not in ("true", "false"):
                raise AskedWronglyError(of.name)
            return text.lower() == "true"
        case "number" | "integer":
            try:
                number = float(text)
            except ValueError as error:
                raise AskedWronglyError(of.name) from error
            if not isfinite(number):
                raise AskedWronglyError(of.name)
            return int(number) if number.is_integer() else number
        case "array":
            return [text]
        case _:
            return text
