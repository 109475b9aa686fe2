"""Limits that a regulation sets, and whether a rule that names one compares what it says.

A limit of QCVN is a mean over a window in a unit; a minute value beyond it is no breach. So a rule
that refers to a regulation must compare with the regulation's own window, in its unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, NamedTuple

Function = Literal["mean", "max", "sum"]
TOLERANCE: Final = 1e-9  # relative; limits are written with few digits
# What stands before the name of a place in that of its station; the longest first.
TITLES: Final = ("trạm thủy văn ", "trạm ", "hồ chứa ", "hồ ")


class Averaging(NamedTuple):
    """One value of a window: its function, its length in seconds."""

    function: Function
    length_s: int


@dataclass(frozen=True, slots=True)
class Station:
    """What a station is, as far as limits ask: `measures` maps its properties to their units."""

    thing: int
    kind: str
    names: frozenset[str]
    measures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stations:
    """For which stations a limit holds without a permit that says so.

    Of one of `kinds` and, where they are given, measuring one of `measures` and none of `without`,
    and bearing one of `names`, as it is or after one of the `TITLES`.
    """

    kinds: frozenset[str]
    measures: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def include(self, station: Station) -> bool:
        known = station.measures.keys()
        return (
            station.kind in self.kinds
            and (not self.measures or not self.measures.isdisjoint(known))
            and self.without.isdisjoint(known)
            and (not self.names or any(self._named(name) for name in station.names))
        )

    def _named(self, name: str) -> bool:
        plain = name.casefold()
        for title in TITLES:
            plain = plain.removeprefix(title)
        return plain in {one.casefold() for one in self.names}


@dataclass(frozen=True, slots=True)
class LegalLimit:
    """One line of a regulation's table. `averaging` None: the limit holds for each single value."""

    id: str
    standard: str
    observed_property: str
    unit: str
    low: float | None
    high: float | None
    averaging: Averaging | None
    min_coverage: float
    source: str
    title_vi: str
    title_en: str
    confidence: Literal["A", "B", "C"]
    valid_from: date | None = None
    valid_to: date | None = None
    holds_for: Stations | None = None  # None: where a permit says so

    def in_force(self, day: date) -> bool:
        """Tell whether the limit holds on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a rule compares, and the regulation it refers to (the beginning of `legal_ref`)."""

    observed_property: str
    unit: str
    averaging: Averaging | None
    legal_ref: str
    lows: tuple[float, ...]
    highs: tuple[float, ...]


class Objection(NamedTuple):
    """Why a rule may not be saved: a code with words in ioc/text, and what fills them."""

    code: str
    values: Mapping[str, object]


def seeds(
    limits: Iterable[LegalLimit], stations: Iterable[Station]
) -> Iterator[tuple[int, LegalLimit]]:
    """Yield the limits that hold for each station by what it is: (thing, limit).

    Only of what it measures in the limit's own unit.
    """
    offered = [one for one in limits if one.holds_for is not None]
    for station in stations:
        for limit in offered:
            measured = station.measures.get(limit.observed_property) == limit.unit
            if measured and limit.holds_for is not None and limit.holds_for.include(station):
                yield station.thing, limit


def standard_of(legal_ref: str, limits: Iterable[LegalLimit]) -> str | None:
    """Return the regulation that a reference begins with; one that is only mentioned binds none."""
    known = {limit.standard for limit in limits}
    return next((name for name in sorted(known) if legal_ref.startswith(name)), None)


def objections(claim: Claim, limits: Sequence[LegalLimit], day: date) -> list[Objection]:
    """Return why `claim` may not refer to its regulation on `day`; [] where it may."""
    standard = standard_of(claim.legal_ref, limits)
    if standard is None:
        return []
    own = [one for one in limits if one.standard == standard]
    found = _objection(claim, own, day)
    return [] if found is None else [found._replace(values={"standard": standard, **found.values})]


def _objection(claim: Claim, own: Sequence[LegalLimit], day: date) -> Objection | None:
    about = [one for one in own if one.observed_property == claim.observed_property]
    held = [one for one in about if one.in_force(day)]
    if not held:
        return Objection("standard_expired" if about else "standard_property", {})
    if all(one.unit != claim.unit for one in held):
        values = {"unit": claim.unit or "–", "allowed": held[0].unit or "–"}
        return Objection("standard_unit", values)
    fitting = [one for one in held if one.averaging == claim.averaging]
    if not fitting:
        return Objection("standard_window", {"allowed": tuple(one.averaging for one in held)})
    if not any(_compared(one, claim) for one in fitting):
        numbers = (value for one in fitting for value in (one.low, one.high))
        return Objection("standard_value", {"allowed": tuple(v for v in numbers if v is not None)})
    return None


def _compared(limit: LegalLimit, claim: Claim) -> bool:
    """Tell whether one of the rule's levels is a value of the limit itself."""
    return _among(limit.high, claim.highs) or _among(limit.low, claim.lows)


def _among(value: float | None, levels: tuple[float, ...]) -> bool:
    if value is None:
        return False
    return any(abs(level - value) <= TOLERANCE * max(1.0, abs(value)) for level in levels)
