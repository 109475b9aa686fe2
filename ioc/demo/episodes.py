"""What goes wrong in the simulated province, where and when. Pure.

Chance faults depend on seed and time; episodes depend on the time since the start, so that each
viewer sees the first ones within two minutes. Durations in µs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ioc.demo.noise import uniform
from ioc.demo.province import Unit
from ioc.domain.instant import HOUR, MINUTE, SECOND

_SHIFT: Final = 6 * HOUR  # the window in which a chance fault may happen once
# Of each window: how likely a fault is, and how long it lasts at most. Together about two cameras,
# one network point and two base stations are away at a time: a wall that is calm but not dead.
_OUTAGE: Final = {
    "camera": (0.025, 70 * MINUTE),
    "network": (0.015, 50 * MINUTE),
    "bts": (0.003, 60 * MINUTE),
}
_DEGRADED: Final = {"camera": 0.02, "network": 0.02, "bts": 0.006}  # beside it, slow but there
_SILENCE: Final = (0.05, 50 * MINUTE)
_STUCK: Final = (0.05, 3 * HOUR)
_BUFFER: Final = (0.10, 12 * MINUTE)  # rain gauges only: silent, then all at once


@dataclass(frozen=True, slots=True)
class Cycle:
    """An episode that recurs: first `after` the start, then every `every`, for `lasting`."""

    after: int
    every: int
    lasting: int

    def phase(self, since: int) -> tuple[int, int] | None:
        """Return (which occurrence, µs into it), None between episodes."""
        if since < self.after:
            return None
        number, into = divmod(since - self.after, self.every)
        return (number, into) if into < self.lasting else None


DUST: Final = Cycle(20 * SECOND, 45 * MINUTE, 12 * MINUTE)
RAIN: Final = Cycle(5 * SECOND, 60 * MINUTE, 14 * MINUTE)
CHLORINE: Final = Cycle(9 * MINUTE, 80 * MINUTE, 10 * MINUTE)
CAMERA: Final = Cycle(12 * SECOND, 35 * MINUTE, 11 * MINUTE)

_DUST_HEIGHT: Final = 165.0  # µg/m³ on top of a quiet 20 to 40
_RAIN_HEIGHT: Final = 58.0  # mm in an hour
_CHLORINE_LOSS: Final = 0.5  # mg/L
_RISE: Final = 40 * SECOND  # from nothing to the full height
_STEP: Final = 7  # from one episode's place to the next one's


@dataclass(frozen=True, slots=True)
class Roles:
    """Who may have an episode, by unit number; and every status unit with its kind."""

    air: tuple[int, ...] = ()
    gauges: tuple[int, ...] = ()
    waters: tuple[int, ...] = ()
    cameras: tuple[int, ...] = ()
    statuses: tuple[tuple[int, str], ...] = ()


def cast(units: Sequence[Unit]) -> Roles:
    """Choose who may have an episode."""
    return Roles(
        air=tuple(u.number for u in units if "pm25" in u.properties),
        gauges=tuple(u.number for u in units if u.kind == "rain"),
        waters=tuple(u.number for u in units if u.kind == "water"),
        cameras=tuple(u.number for u in units if u.kind == "camera"),
        statuses=tuple((u.number, u.kind) for u in units if u.kind in _OUTAGE),
    )


# ---------------------------------------------------------------- episodes


def dust(roles: Roles, unit: Unit, since: int) -> float:
    """Return the µg/m³ an episode adds at a station: a plateau with flanks."""
    return _DUST_HEIGHT * _plateau(DUST, _turn(roles.air, DUST, since), unit, since)


def downpour(roles: Roles, unit: Unit, since: int) -> float:
    """Return the mm an hour's sum gains at a gauge."""
    return _RAIN_HEIGHT * _plateau(RAIN, _turn(roles.gauges, RAIN, since), unit, since)


def chlorine_lost(roles: Roles, unit: Unit, since: int) -> float:
    """Return the mg/L of chlorine that a failed dosing pump costs."""
    loss = _plateau(CHLORINE, _turn(roles.waters, CHLORINE, since), unit, since)
    return _CHLORINE_LOSS * loss


def camera_out(roles: Roles, unit: Unit, since: int) -> bool:
    """Say whether it is this camera's turn to be away."""
    return unit.number == _turn(roles.cameras, CAMERA, since)


def camera_of(roles: Roles, since: int) -> int | None:
    """Return the camera whose turn begins, lasts or has just ended."""
    now = _turn(roles.cameras, CAMERA, since)
    return _turn(roles.cameras, CAMERA, since - SECOND) if now is None else now


def _turn(who: Sequence[int], cycle: Cycle, since: int) -> int | None:
    """Return whose turn it is."""
    phase = cycle.phase(since)
    if phase is None or not who:
        return None
    return who[(3 + phase[0] * _STEP) % len(who)]


def _plateau(cycle: Cycle, whose: int | None, unit: Unit, since: int) -> float:
    if whose != unit.number:
        return 0.0
    phase = cycle.phase(since)
    assert phase is not None  # else it was nobody's turn
    into = phase[1]
    return min(1.0, into / _RISE, (cycle.lasting - into) / _RISE)


# ---------------------------------------------------------------- chance


def silent(seed: int, unit: Unit, instant: int) -> bool:
    """Say whether a station sends nothing at all: a gap, or a logger that buffers."""
    if _span(seed, unit.number, 21, instant // _SHIFT, *_SILENCE).holds(instant):
        return True
    return unit.kind == "rain" and _buffering(seed, unit, instant).holds(instant)


def backlog(seed: int, unit: Unit, instant: int, period: int) -> int | None:
    """Return since when a logger has kept values, if its line came back within `period`."""
    kept = _buffering(seed, unit, instant)
    return kept.start if 0 <= instant - kept.end < period else None


def held(seed: int, unit: Unit, instant: int) -> int:
    """Return the instant whose values a station sends: of its past while its sensor is stuck."""
    stuck = _span(seed, unit.number, 22, instant // _SHIFT, *_STUCK)
    return stuck.start if stuck.holds(instant) else instant


def status(seed: int, unit: Unit, instant: int) -> int:
    """Return 0 online, 1 degraded, 2 offline."""
    chance, longest = _OUTAGE[unit.kind]
    window = instant // _SHIFT
    if _span(seed, unit.number, 23, window, chance, longest).holds(instant):
        return 2
    slow = _span(seed, unit.number, 24, window, _DEGRADED[unit.kind], longest)
    return 1 if slow.holds(instant) else 0


def transitions(
    seed: int, units: tuple[tuple[int, str], ...], instant: int, length: int
) -> Sequence[int]:
    """Return the units whose chance status may change in [instant - length, instant]."""
    found = _plan(seed, units, instant // _SHIFT, length)
    return found.get(instant // length, ())


@lru_cache(maxsize=2)
def _plan(
    seed: int, units: tuple[tuple[int, str], ...], window: int, length: int
) -> dict[int, tuple[int, ...]]:
    """Return, for a window, the ticks at which something changes and what."""
    ticks: dict[int, set[int]] = {}
    for number, kind in units:
        chance, longest = _OUTAGE[kind]
        for what, likely in ((23, chance), (24, _DEGRADED[kind])):
            span = _span(seed, number, what, window, likely, longest)
            if span.end > span.start:
                for edge in (span.start, span.end):
                    ticks.setdefault(-(-edge // length), set()).add(number)
    return {tick: tuple(sorted(numbers)) for tick, numbers in ticks.items()}


@dataclass(frozen=True, slots=True)
class _Span:
    """Half open; empty when nothing happens."""

    start: int
    end: int

    def holds(self, instant: int) -> bool:
        return self.start <= instant < self.end


_NOTHING: Final = _Span(0, 0)


def _span(seed: int, number: int, what: int, window: int, chance: float, longest: int) -> _Span:
    """Return when, within a window, a fault of a unit lasts; it never crosses the window's ends."""
    if uniform(seed, number, what, window) >= chance:
        return _NOTHING
    lasts = int(longest * (0.25 + 0.75 * uniform(seed, number, what, window, 1)))
    start = window * _SHIFT + int((_SHIFT - lasts) * uniform(seed, number, what, window, 2))
    return _Span(start, start + lasts)


def _buffering(seed: int, unit: Unit, instant: int) -> _Span:
    # Looked at one window back too, since the backlog is sent after the end.
    window = instant // _SHIFT
    return _span(seed, unit.number, 25, window, *_BUFFER)
