"""Mobile coverage as provinces count it: hamlets, in three classes with two denominators.

*Trắng sóng*: no signal at the hamlet's house of culture or centre; its share is of all hamlets.
*Lõm sóng*: partial signal; its share is of the hamlets that have any, so 91 of 3,802 and 182 of
3,711 stand side by side in one report (Tuyên Quang, 12/01/2026). What a hamlet is,
somebody went and saw. A circle around a mast only suggests what to check: mountains stand in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import cos, floor, radians
from typing import Final

from ioc.domain.location import KM_PER_DEGREE, Point
from ioc.domain.network.plan import km

# How far a mast is taken to reach when nobody measured: in the country 2–5 km are usual, the lower
# end keeps a suggestion from hiding a gap.
REACH_KM: Final = 2.5


class Signal(StrEnum):
    """The class of a hamlet; UNKNOWN: nobody has said."""

    COVERED = "covered"
    PARTIAL = "partial"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Hamlet:
    """A hamlet as the layer has it; `operators`: what each operator's signal is there."""

    code: str
    name: str
    at: Point
    commune_code: str
    commune_name: str
    signal: Signal
    population: int | None = None
    power: bool | None = None
    operators: tuple[tuple[str, Signal], ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """Hamlets, or people in them, by class."""

    covered: int = 0
    partial: int = 0
    none: int = 0
    unknown: int = 0

    @property
    def known(self) -> int:
        """Return the first denominator: all whose class is known."""
        return self.covered + self.partial + self.none

    @property
    def with_signal(self) -> int:
        """Return the second denominator: all that have any signal."""
        return self.covered + self.partial

    @property
    def none_share(self) -> float | None:
        """Return the share of trắng sóng, of all; None where nothing is known."""
        return self.none / self.known if self.known else None

    @property
    def partial_share(self) -> float | None:
        """Return the share of lõm sóng, of those with any signal."""
        return self.partial / self.with_signal if self.with_signal else None

    @property
    def reached_share(self) -> float | None:
        """Return the share with any signal, of all: what reports call the coverage."""
        return self.with_signal / self.known if self.known else None


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the report: a commune, an operator, or all."""

    key: str
    name: str
    hamlets: Tally
    people: Tally
    without_power: int  # of the hamlets that are trắng or lõm


@dataclass(frozen=True, slots=True)
class Report:
    """What a province reports of its coverage."""

    all: Line
    communes: tuple[Line, ...]
    operators: tuple[Line, ...]
    without_population: int  # hamlets that the count of people leaves out


def report(hamlets: Sequence[Hamlet]) -> Report:
    """Return the counts: in all, by commune (the worst first) and by operator."""
    communes: dict[str, list[Hamlet]] = {}
    for hamlet in hamlets:
        communes.setdefault(hamlet.commune_code, []).append(hamlet)
    lines = [_line(code, some[0].commune_name, some) for code, some in communes.items()]
    lines.sort(key=lambda one: (-one.hamlets.none, -one.hamlets.partial, one.name))
    operators = sorted({name for hamlet in hamlets for name, _ in hamlet.operators})
    return Report(
        _line("", "", hamlets),
        tuple(lines),
        tuple(_line(name, name, hamlets, _of(name)) for name in operators),
        sum(hamlet.population is None for hamlet in hamlets),
    )


Reading = Callable[[Hamlet], Signal]


def _own(hamlet: Hamlet) -> Signal:
    return hamlet.signal


def _of(operator: str) -> Reading:
    def signal(hamlet: Hamlet) -> Signal:
        return dict(hamlet.operators).get(operator, Signal.UNKNOWN)

    return signal


def _line(key: str, name: str, hamlets: Sequence[Hamlet], signal: Reading = _own) -> Line:
    poor = (Signal.NONE, Signal.PARTIAL)
    return Line(
        key,
        name,
        _tally((signal(hamlet), 1) for hamlet in hamlets),
        _tally((signal(hamlet), hamlet.population or 0) for hamlet in hamlets),
        sum(hamlet.power is False and signal(hamlet) in poor for hamlet in hamlets),
    )


def _tally(counted: Iterable[tuple[Signal, int]]) -> Tally:
    sums = dict.fromkeys(Signal, 0)
    for signal, count in counted:
        sums[signal] += count
    return Tally(
        sums[Signal.COVERED], sums[Signal.PARTIAL], sums[Signal.NONE], sums[Signal.UNKNOWN]
    )


# ---------------------------------------------------------------- suggestions

_WORDS: Final = {
    Signal.NONE: ("none", "trang", "khong", "0", "false"),
    Signal.PARTIAL: ("partial", "lom", "yeu"),
    Signal.COVERED: ("covered", "phu", "co", "tot", "1", "true", "2g", "3g", "4g", "5g"),
}


def signal_of(folded: str) -> Signal:
    """Return the class that a word without marks and capitals says ("khong co song", "lom")."""
    words = folded.split()
    for signal, known in _WORDS.items():
        if any(word in known for word in words):
            return signal
    return Signal.UNKNOWN


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A hamlet to go and see; `away_km` None: no mast within sight. Never a class of its own."""

    code: str
    away_km: float | None
    says: Signal
    likely: bool  # signal there is likely, by the distance alone


def suggestions(
    hamlets: Iterable[Hamlet], masts: Sequence[Point], reach_km: float = REACH_KM
) -> list[Suggestion]:
    """Return the hamlets where the distance to the next mast contradicts what is said.

    And those of which nothing is said. In the order of the codes. Distance is all that is looked
    at: no terrain, no height, no band.
    """
    found = []
    near = _Near(masts, reach_km)
    for hamlet in sorted(hamlets, key=lambda one: one.code):
        away = near.away(hamlet.at)
        likely = away is not None
        fits = likely is (hamlet.signal is not Signal.NONE)
        if hamlet.signal is Signal.UNKNOWN or not fits:
            found.append(Suggestion(hamlet.code, away, hamlet.signal, likely))
    return found


# ---------------------------------------------------------------- people, by place

# Where the people of a hamlet live nobody wrote down: they are spread over the squares around its
# centre. 500 m squares in 1 km: finer than what is known would be made up.
CELL_KM: Final = 0.5
SPREAD_KM: Final = 1.0


@dataclass(frozen=True, slots=True)
class Cell:
    """A square by its middle, and how many people are taken to live in it."""

    at: Point
    people: float


@dataclass(frozen=True, slots=True)
class Grid:
    """People by square, and those farther from every mast than it is taken to reach.

    A suggestion by distance alone, like `suggestions`. `communes`: people out of reach by code.
    """

    people: float
    out_of_reach: float
    cells: tuple[Cell, ...]  # out of reach, the fullest first
    communes: Mapping[str, float]

    @property
    def out_share(self) -> float | None:
        """Return the share of people out of reach; None where nobody was counted."""
        return self.out_of_reach / self.people if self.people else None


def grid(hamlets: Iterable[Hamlet], masts: Sequence[Point], reach_km: float = REACH_KM) -> Grid:
    """Return the squares where people are taken to live without a mast within reach."""
    squares: dict[tuple[int, int], dict[str, float]] = {}
    for hamlet in hamlets:
        own = _squares(hamlet.at)
        for square in own:
            by_commune = squares.setdefault(square, {})
            people = (hamlet.population or 0) / len(own)
            by_commune[hamlet.commune_code] = by_commune.get(hamlet.commune_code, 0) + people
    near = _Near(masts, reach_km)
    cells, communes = [], dict[str, float]()
    for square, by_commune in squares.items():
        middle = _middle(square)
        people = sum(by_commune.values())
        if people and near.away(middle) is None:
            cells.append(Cell(middle, people))
            for code, some in by_commune.items():
                communes[code] = communes.get(code, 0) + some
    cells.sort(key=lambda one: (-one.people, one.at))
    everybody = sum(sum(one.values()) for one in squares.values())
    return Grid(everybody, sum(one.people for one in cells), tuple(cells), communes)


# Squares of one size over the country: a degree of longitude as long as at 16° N, 4 % off at most.
_UP: Final = CELL_KM / KM_PER_DEGREE
_SIDE: Final = _UP / cos(radians(16))


def _middle(square: tuple[int, int]) -> Point:
    return (square[0] + 0.5) * _SIDE, (square[1] + 0.5) * _UP


def _squares(at: Point) -> list[tuple[int, int]]:
    """Return the squares whose middle lies within the spread of a place, at least its own."""
    x, y = floor(at[0] / _SIDE), floor(at[1] / _UP)
    n = floor(SPREAD_KM / CELL_KM) + 1
    around = [(x + dx, y + dy) for dx in range(-n, n + 1) for dy in range(-n, n + 1)]
    return [one for one in around if km(at, _middle(one)) <= SPREAD_KM] or [(x, y)]


class _Near:
    """Masts found by place, within a reach."""

    def __init__(self, masts: Iterable[Point], reach_km: float) -> None:
        self._reach = reach_km
        self._cells: dict[tuple[int, int], list[Point]] = {}
        for at in masts:
            self._cells.setdefault(self._cell(at), []).append(at)

    def away(self, at: Point) -> float | None:
        x, y = self._cell(at)
        near = (
            km(at, other)
            for dx in (-1, 0, 1)
            for dy in (-1, 0, 1)
            for other in self._cells.get((x + dx, y + dy), ())
        )
        found = min(near, default=None)
        return found if found is not None and found <= self._reach else None

    def _cell(self, at: Point) -> tuple[int, int]:
        up = self._reach / KM_PER_DEGREE
        # Nowhere in Viet Nam is a degree of longitude shorter than at 24° N.
        return floor(at[0] * cos(radians(24)) / up), floor(at[1] / up)
