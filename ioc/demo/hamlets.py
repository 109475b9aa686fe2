"""Simulated hamlets with population, power and signal. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, floor, radians
from typing import Final

from ioc.domain.location import KM_PER_DEGREE, Point, Province, Seat
from ioc.domain.network.plan import km

OPERATORS: Final = ("viettel", "vnpt", "mobifone")
_PER_COMMUNE: Final = (7, 12)
_SPREAD_KM: Final = {"Phường": 1.4, "Xã": 4.5}
_CELL: Final = 0.05  # degrees: five kilometres, farther than a class looks
# A mast nearer than the first figure covers, nearer than the second somewhat; most beyond have some
# signal all the same, from higher ground.
_COVERED_KM, _PARTIAL_KM = 1.8, 3.2


@dataclass(frozen=True, slots=True)
class Hamlet:
    """A hamlet as the layer has it; signals are values of the layer's field."""

    code: str
    name: str
    at: Point
    seat: Seat
    population: int
    households: int
    power: bool
    coverage: str
    by_operator: tuple[str, ...]  # in the order of OPERATORS


def build(seed: int, home: Province, masts: Iterable[Point]) -> tuple[Hamlet, ...]:
    """Return about 900 hamlets around the seats; the same for the same arguments."""
    rng = random.Random(f"{seed}:hamlet")  # noqa: S311  a repeatable province, no secret
    cells: dict[tuple[int, int], list[Point]] = {}
    for at in masts:
        cells.setdefault((floor(at[0] / _CELL), floor(at[1] / _CELL)), []).append(at)
    found = []
    for seat in home.seats:
        ward = seat.name.startswith("Phường")
        for n in range(1, rng.randint(*_PER_COMMUNE) + 1):
            at = _place(rng, seat, _SPREAD_KM[seat.name.split()[0]])
            coverage = _class(rng, _away(cells, at))
            people = rng.randint(900, 4200) if ward else rng.randint(250, 1800)
            found.append(
                Hamlet(
                    f"{seat.code}-{n:02d}",
                    f"{'Khu phố' if ward else 'Ấp'} {n}",
                    at,
                    seat,
                    people,
                    people // 4,
                    ward or rng.random() > 0.01,  # noqa: PLR2004  one in a hundred has no grid
                    coverage,
                    tuple(_weaker(rng, coverage) for _ in OPERATORS),
                )
            )
    return tuple(found)


def _place(rng: random.Random, seat: Seat, spread_km: float) -> Point:
    north = rng.gauss(0, spread_km) / KM_PER_DEGREE
    east = rng.gauss(0, spread_km) / KM_PER_DEGREE / cos(radians(seat.lat))
    return round(seat.lon + east, 5), round(seat.lat + north, 5)


def _away(cells: dict[tuple[int, int], list[Point]], at: Point) -> float:
    x, y = floor(at[0] / _CELL), floor(at[1] / _CELL)
    near = [
        km(at, other)
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
        for other in cells.get((x + dx, y + dy), ())
    ]
    return min(near, default=2 * _PARTIAL_KM)


def _class(rng: random.Random, away: float) -> str:
    if away <= _COVERED_KM:
        return "covered" if rng.random() < 0.99 else "partial"  # noqa: PLR2004  a hill between
    if away <= _PARTIAL_KM:
        return rng.choices(("covered", "partial", "none"), (5, 4, 1))[0]
    return rng.choices(("covered", "partial", "none"), (2, 3, 4))[0]


def _weaker(rng: random.Random, coverage: str) -> str:
    """Return one operator's signal where the best of them has this one."""
    order: Sequence[str] = ("covered", "partial", "none")
    return order[min(2, order.index(coverage) + (rng.random() < 0.2))]  # noqa: PLR2004  one in five
