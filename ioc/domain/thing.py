"""Things that somebody declares, and the replacing of a device without breaking its history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Final, Literal, NamedTuple

from ioc.domain.intake import DatastreamSpec

MAX_ID: Final = 200  # the column's own limits
MAX_NAME: Final = 200
MAX_SHORT: Final = 32
# The mainland, its islands and its waters (Hoàng Sa, Trường Sa): coordinates outside are slips.
_LON: Final = (102.0, 118.0)
_LAT: Final = (6.0, 24.0)
_COMMUNE: Final = 5  # digits of a commune's code


# What a thing is of: what rights, filters and maps go by.
Kind = Literal[
    "environment", "rain", "reservoir", "water", "camera", "network", "bts",
    "weather", "power", "traffic", "waste", "gateway",
    "indicator", "integration", "security",
]  # fmt: skip


class ThingState(StrEnum):
    """Where a thing stands in the registry."""

    PENDING = "pending"
    ADMITTED = "admitted"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A thing as a file declares it; `datastreams` by raw key path. `kind` None: the feed's."""

    feed: str
    external_id: str
    name: str
    short_name: str
    kind: str | None = None
    lon: float | None = None
    lat: float | None = None
    commune: str | None = None
    datastreams: Mapping[str, DatastreamSpec] = field(default_factory=dict)
    parent: str | None = None  # what it speaks through: id in the same feed, or feed/id


@dataclass(frozen=True, slots=True)
class Known:
    """What a declaration may refer to."""

    feeds: Collection[str]
    kinds: Collection[str]
    properties: Collection[str]


class Fault(NamedTuple):
    """What is wrong with one row (or entry); `code` has words under `things_file.`."""

    row: int
    field: str
    code: str
    detail: str = ""


def faults(row: int, declared: Declaration, known: Known) -> list[Fault]:
    """Return everything that is wrong with a declaration, in the order of its fields."""
    found: list[Fault] = []

    def check(good: bool, name: str, code: str, detail: str = "") -> None:  # noqa: FBT001
        if not good:
            found.append(Fault(row, name, code, detail))

    check(declared.feed in known.feeds, "feed", "unknown_feed", declared.feed)
    check(_is_name(declared.external_id, MAX_ID), "id", "bad_id", declared.external_id)
    check(_is_name(declared.name, MAX_NAME), "name", "bad_name", declared.name)
    if declared.name:  # the short name comes from it where none was given
        short = declared.short_name
        check(_is_name(short, MAX_SHORT), "short_name", "bad_short", short)
    if declared.kind is not None:
        check(declared.kind in known.kinds, "kind", "unknown_kind", declared.kind)
    if declared.parent is not None:
        check(_is_name(declared.parent, 2 * MAX_ID), "parent", "bad_id", declared.parent)
    _check_place(declared, check)
    for path, spec in declared.datastreams.items():
        check(_is_name(path, MAX_ID), "datastreams", "bad_path", path)
        if spec.property is not None:
            check(spec.property in known.properties, "datastreams", "no_property", spec.property)
    return found


def _check_place(declared: Declaration, check: Callable[[bool, str, str, str], None]) -> None:
    lon, lat, commune = declared.lon, declared.lat, declared.commune
    if commune is not None:
        plain = commune.isascii() and commune.isdigit() and len(commune) == _COMMUNE
        check(plain, "commune", "bad_commune", commune)
    if lon is None and lat is None:
        return
    if lon is None or lat is None:
        check(False, "lon", "half_place", "")  # noqa: FBT003
        return
    swapped = _within(lat, _LON) and _within(lon, _LAT)
    check(not swapped, "lon", "swapped", f"{lon}, {lat}")
    if not swapped:
        check(_within(lon, _LON), "lon", "bad_lon", f"{lon}")
        check(_within(lat, _LAT), "lat", "bad_lat", f"{lat}")


def _within(value: float, limits: tuple[float, float]) -> bool:
    return isfinite(value) and limits[0] <= value <= limits[1]


def _is_name(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isprintable() and text == text.strip()


class Objection(StrEnum):
    """Why one device cannot take the place of another; words under `replacement.`."""

    SAME = "same"
    OLD_UNKNOWN = "old_unknown"
    OLD_PENDING = "old_pending"  # admit it first: only then is there a history to continue
    OLD_RETIRED = "old_retired"
    NEW_IN_USE = "new_in_use"  # a thing of its own, with a history of its own
    NEW_TAKES_ANOTHERS = "new_takes_anothers"  # it continues another thing already


class Standing(NamedTuple):
    """What the registry knows of a device's id: the thing it belongs to, by an alias or as its own.

    `thing` None: nothing.
    """

    thing: int | None = None
    state: ThingState | None = None
    by_alias: bool = False


def objection(old: Standing, new: Standing) -> Objection | None:
    """Say why NEW cannot continue the datastreams of OLD; None when it can.

    OLD may be an id that itself continues a thing (a device replaced for the second time): it is
    always the thing that is continued, so there are no chains. NEW may be unknown, or pending: it
    spoke before somebody said what it is.
    """
    if old.thing is None:
        return Objection.OLD_UNKNOWN
    if old.state is ThingState.PENDING:
        return Objection.OLD_PENDING
    if old.state is ThingState.RETIRED:
        return Objection.OLD_RETIRED
    if new.thing == old.thing:
        return Objection.SAME
    if new.by_alias:
        return Objection.NEW_TAKES_ANOTHERS
    return Objection.NEW_IN_USE if new.state is ThingState.ADMITTED else None
