"""The mask axis: what keeps an alert from sounding, and what a screen shows it as.

A mask holds back the announcement, never the evaluation: the process goes on being watched, and
an alert that is still on when its mask ends is announced then. Terms: ISA-18.2 (shelved,
suppressed by design, out of service) and OPC UA Part 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from ioc.domain.alert import Severity
from ioc.domain.instant import Micros


class MaskKind(StrEnum):
    """Why an alert is held back; in order of precedence, the strongest first."""

    OUT_OF_SERVICE = "out_of_service"
    SHELVE = "shelve"
    MAINTENANCE = "maintenance"
    PARENT = "parent"  # what the thing hangs on is down itself
    CALIBRATION = "calibration"


class Display(StrEnum):
    """The ISA-18.2 state of an alert, derived from its three axes."""

    NORMAL = "NORMAL"
    UNACK = "UNACK"
    ACK = "ACK"
    RTN_UNACK = "RTN_UNACK"
    SHELVED = "SHELVED"
    SUPPRESSED = "SUPPRESSED"
    OUT_OF_SERVICE = "OUT_OF_SERVICE"


def display(*, active: bool, acked: bool, closed: bool, mask: MaskKind | None) -> Display:
    """Return what a screen shows: out of service > shelved > suppressed > the rest."""
    if closed:
        return Display.NORMAL
    match mask:
        case None if active:
            return Display.ACK if acked else Display.UNACK
        case None:
            return Display.NORMAL if acked else Display.RTN_UNACK
        case MaskKind.OUT_OF_SERVICE:
            return Display.OUT_OF_SERVICE
        case MaskKind.SHELVE:
            return Display.SHELVED
        case _:
            return Display.SUPPRESSED


@dataclass(frozen=True, slots=True)
class Target:
    """What a mask may ask of an alert."""

    rule: str
    datastream: int
    thing: int
    feed: str = ""
    commune: str | None = None
    parent_down: bool = False  # an ancestor's own down or no-data alert is on
    calibrating: bool = False  # the station's newest status says so


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which alerts a mask covers: everything given must fit. Nothing given covers nothing."""

    rule: str | None = None
    datastream: int | None = None
    thing: int | None = None
    commune: str | None = None
    feed: str | None = None

    @property
    def given(self) -> dict[str, str | int]:
        """Return what is given, by name, the narrowest first."""
        pairs = {
            "datastream": self.datastream,
            "thing": self.thing,
            "rule": self.rule,
            "commune": self.commune,
            "feed": self.feed,
        }
        return {name: value for name, value in pairs.items() if value is not None}

    def covers(self, target: Target) -> bool:
        given = self.given
        return bool(given) and all(getattr(target, name) == given[name] for name in given)


@dataclass(frozen=True, slots=True)
class Mask:
    """A mask somebody put on, in force in [starts, ends); `id` 0 as long as it is not stored."""

    kind: MaskKind
    matcher: Matcher
    starts: Micros
    ends: Micros
    reason: str
    by: str
    approved_by: str | None = None
    one_shot: bool = False  # a shelf that the first return to normal ends
    id: int = 0

    def holds_back(self, severity: int, now: Micros) -> bool:
        """Tell whether it is in force for alerts of this severity.

        Out of service holds a critical alert back only once a second person has agreed.
        """
        critical = self.kind is MaskKind.OUT_OF_SERVICE and severity == Severity.CRITICAL
        return self.starts <= now < self.ends and not (critical and self.approved_by is None)


class Masked(NamedTuple):
    """What holds an alert back now; `until` None: as long as its cause lasts."""

    kind: MaskKind
    until: Micros | None = None
    by: str | None = None
    id: int | None = None


_ORDER: Final = {kind: place for place, kind in enumerate(MaskKind)}


class Masks:
    """The masks in force, found by the narrowest thing each of them names."""

    def __init__(self, masks: Iterable[Mask] = ()) -> None:
        self._by: dict[tuple[str, str | int], list[Mask]] = {}
        for mask in masks:
            for place in list(mask.matcher.given.items())[:1]:
                self._by.setdefault(place, []).append(mask)

    def over(
        self, target: Target, severity: int, now: Micros, *, one_shot: bool = True
    ) -> Masked | None:
        """Return the mask that counts; `one_shot` False looks as if those had ended."""
        found = [
            Masked(mask.kind, mask.ends, mask.by, mask.id)
            for mask in self._named(target)
            if mask.matcher.covers(target)
            and mask.holds_back(severity, now)
            and (one_shot or not mask.one_shot)
        ]
        if target.parent_down:
            found.append(Masked(MaskKind.PARENT))
        if target.calibrating:
            found.append(Masked(MaskKind.CALIBRATION))
        return min(found, key=_rank, default=None)

    def _named(self, target: Target) -> Iterable[Mask]:
        for name in ("datastream", "thing", "rule", "commune", "feed"):
            yield from self._by.get((name, getattr(target, name)), ())


def _rank(masked: Masked) -> tuple[int, int]:
    """Order by precedence, and within one kind by the latest end (none is the latest)."""
    return _ORDER[masked.kind], -(masked.until or 1 << 62)
