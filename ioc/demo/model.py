"""What the simulated province says: a pure function of seed, start and time.

Quiet on purpose. Values follow the day and the weather; a few sensors stick or fall silent, a
logger buffers and delivers late, cameras go away and come back. On top of it episodes that begin
half a minute after the start, and recur, cross a limit: a viewer sees an alert soon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from typing import Any, Final

import orjson

from ioc.demo import episodes, weather
from ioc.demo.noise import smooth, uniform
from ioc.demo.province import Unit
from ioc.domain.instant import HOUR, MINUTE, SECOND, Micros, to_datetime

TICK: Final = SECOND // 4  # messages of a quarter of a second go out together
OPENING: Final = 10 * SECOND  # in which every thing speaks once: about 450 msg/s
STATUS: Final = ("online", "degraded", "offline")

_LOCAL: Final = timezone(timedelta(hours=7))
_LOCAL_EVERY: Final = 12  # every twelfth station sends local time without an offset
_BACKLOG_EVERY: Final = MINUTE  # values a buffered logger keeps
_STATION_KINDS: Final = frozenset({"environment", "rain", "reservoir", "water"})

Message = tuple[str, bytes]

# How often a thing speaks; its feed promises a third of that, so one lost message is no news.
PERIOD: Final = {
    "environment": 20 * SECOND,
    "rain": 20 * SECOND,
    "reservoir": 20 * SECOND,
    "water": 20 * SECOND,
    "camera": 100 * SECOND,
    "network": 100 * SECOND,
    "bts": 300 * SECOND,
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A run: the province, its seed, when it began (µs), and who speaks at which tick."""

    seed: int
    units: Sequence[Unit]
    started: Micros
    slots: dict[str, list[list[Unit]]] = field(default_factory=dict, repr=False)
    roles: episodes.Roles = field(default_factory=episodes.Roles)


def scenario(seed: int, units: Sequence[Unit], started: Micros) -> Scenario:
    """Prepare a run: each kind is spread evenly over the ticks of its period."""
    slots: dict[str, list[list[Unit]]] = {
        kind: [[] for _ in range(period // TICK)] for kind, period in PERIOD.items()
    }
    counts: dict[str, int] = {}
    total = {kind: sum(unit.kind == kind for unit in units) for kind in PERIOD}
    for unit in units:
        n = counts[unit.kind] = counts.get(unit.kind, 0) + 1
        ring = slots[unit.kind]
        ring[(n - 1) * len(ring) // total[unit.kind]].append(unit)
    return Scenario(seed, units, started, slots, episodes.cast(units))


def messages(run: Scenario, instant: Micros) -> Iterator[Message]:
    """Yield what is due in the tick that begins at `instant` (a multiple of TICK)."""
    tick = instant // TICK
    yield from _opening(run, instant)
    for ring in run.slots.values():
        for unit in ring[tick % len(ring)]:
            yield from speak(run, unit, instant)
    for unit, state in changes(run, tick):
        yield _status(unit, state, instant)


def _opening(run: Scenario, instant: Micros) -> Iterator[Message]:
    """Let every thing speak once in the first ten seconds, a slice a tick."""
    if not 0 <= instant - run.started < OPENING:
        return
    ticks = OPENING // TICK
    for unit in run.units[(instant - run.started) // TICK :: ticks]:
        yield from speak(run, unit, instant)


def speak(run: Scenario, unit: Unit, instant: Micros) -> Iterator[Message]:
    """Yield what one thing sends at `instant`: nothing while it is silent or buffers."""
    if unit.kind not in _STATION_KINDS:
        yield _status(unit, status(run, unit, instant), instant)
    elif unit.kind == "rain":
        yield from _rain(run, unit, instant)
    elif not episodes.silent(run.seed, unit, instant):
        topic, body = _SHAPES[unit.kind](run, unit, instant)
        yield topic, orjson.dumps(body)


# ---------------------------------------------------------------- stations


def _environment(run: Scenario, unit: Unit, instant: Micros) -> tuple[str, dict[str, Any]]:
    at = episodes.held(run.seed, unit, instant)
    body: dict[str, Any] = {"ts": _written(unit, instant), "st": "00"}
    if "cod" in unit.properties:
        body |= {
            "cod": round(62 + 18 * _drift(run, unit, at, 6 * HOUR) + 4 * _jitter(run, unit, at), 1),
            "ph": round(7.2 + 0.3 * _drift(run, unit, at, 5 * HOUR), 2),
        }
    else:
        body |= _air(run, unit, Micros(at))
        extra = episodes.dust(run.roles, unit, instant - run.started)
        body["pm2_5"] = round(body["pm2_5"] + extra, 1)
        body["pm10"] = round(body["pm10"] + 1.4 * extra, 1)
    return f"demo/env/{unit.external_id}/data", body


def _air(run: Scenario, unit: Unit, instant: Micros) -> dict[str, float]:
    """Air of a quiet place: two rush hours of dust, warm afternoons, rain that washes and cools."""
    where = unit.place
    wet = min(1.0, weather.rain(run.seed, where.lon, where.lat, instant, HOUR) / 10)
    rush = max(weather.day_curve(instant, 7.5), weather.day_curve(instant, 18.5)) ** 8
    base = 17 + 10 * uniform(run.seed, unit.number, 1)
    dust = base * (1 + 0.7 * rush) * (1 - 0.5 * wet) * (1 + 0.3 * _drift(run, unit, instant, HOUR))
    dust *= 1 + 0.06 * _jitter(run, unit, instant)
    warm = weather.day_curve(instant, 14)
    heat = 28 + 4.5 * warm - 3 * wet + 0.8 * _drift(run, unit, instant, 2 * HOUR)
    return {
        "pm2_5": round(dust, 1),
        "pm10": round(1.6 * dust + 4, 1),
        "t": round(heat + 0.1 * _jitter(run, unit, instant), 1),
        "rh": round(max(40, min(99, 76 - 16 * warm + 14 * wet)), 0),
        "laeq": round(54 + 5 * weather.day_curve(instant, 13) + 3 * _jitter(run, unit, instant), 1),
    }


def _reservoir(run: Scenario, unit: Unit, instant: Micros) -> tuple[str, dict[str, Any]]:
    where = unit.place
    wet = weather.rain(run.seed, where.lon, where.lat, instant, HOUR)
    size = unit.level / 200
    level = unit.level - 2.2 + 0.6 * _drift(run, unit, instant, 48 * HOUR)
    inflow = 15 + 40 * size + 6 * wet + 8 * _drift(run, unit, instant, 3 * HOUR)
    return f"demo/reservoir/{unit.external_id}/data", {
        "time": _local(instant).isoformat(timespec="milliseconds"),
        "level": {"m": round(level + 0.01 * _jitter(run, unit, instant), 2)},
        "flow": {"in": round(max(1.0, inflow), 1)},
    }


def _water(run: Scenario, unit: Unit, instant: Micros) -> tuple[str, dict[str, Any]]:
    at = episodes.held(run.seed, unit, instant)
    demand = max(weather.day_curve(at, 6.5), weather.day_curve(at, 18.5))
    chlorine = 0.55 + 0.12 * _drift(run, unit, at, 4 * HOUR) + 0.02 * _jitter(run, unit, at)
    chlorine -= episodes.chlorine_lost(run.roles, unit, instant - run.started)
    return f"demo/water/{unit.external_id}/data", {
        "ms": instant // 1000,
        "cl": round(max(0.02, chlorine), 2),
        "ntu": round(0.5 + 0.2 * _drift(run, unit, at, 5 * HOUR), 2),
        "ph": round(7.3 + 0.2 * _drift(run, unit, at, 7 * HOUR), 2),
        "bar": round(2.6 - 0.4 * demand + 0.05 * _jitter(run, unit, at), 2),
    }


def _rain(run: Scenario, unit: Unit, instant: Micros) -> Iterator[Message]:
    """Send one record; after a gap a logger that buffers sends all it kept, with their times."""
    if episodes.silent(run.seed, unit, instant):
        return
    times = [instant]
    gap = episodes.backlog(run.seed, unit, instant, PERIOD["rain"])
    if gap is not None:
        times = [*range(gap, instant, _BACKLOG_EVERY), instant]
    records = [_gauge(run, unit, Micros(time)) for time in times]
    yield f"demo/rain/{unit.external_id}/data", orjson.dumps({"data": records})


def _gauge(run: Scenario, unit: Unit, instant: Micros) -> dict[str, float]:
    where = unit.place
    extra = episodes.downpour(run.roles, unit, instant - run.started)
    hour = weather.rain(run.seed, where.lon, where.lat, instant, HOUR)
    short = weather.rain(run.seed, where.lon, where.lat, instant, 10 * MINUTE)
    return {
        "t": instant / SECOND,
        "r10": round(short + extra / 4, 1),
        "r60": round(hour + extra, 1),
    }


def _drift(run: Scenario, unit: Unit, instant: int, period: int) -> float:
    return smooth(instant / period, run.seed, unit.number, period)


def _jitter(run: Scenario, unit: Unit, instant: int) -> float:
    return 2 * uniform(run.seed, unit.number, instant) - 1


def _local(instant: Micros) -> Any:  # noqa: ANN401  datetime
    return to_datetime(instant).astimezone(_LOCAL)


def _written(unit: Unit, instant: Micros) -> str:
    """Write a time as the station does: most with their offset, some as the clock on its wall."""
    moment = _local(instant)
    if unit.number % _LOCAL_EVERY == 0:
        return str(moment.strftime("%Y-%m-%d %H:%M:%S.%f"))
    return str(moment.isoformat(timespec="milliseconds"))


_SHAPES: Final[dict[str, Callable[[Scenario, Unit, Micros], tuple[str, dict[str, Any]]]]] = {
    "environment": _environment,
    "reservoir": _reservoir,
    "water": _water,
}


# ---------------------------------------------------------------- statuses


def status(run: Scenario, unit: Unit, instant: Micros) -> int:
    """Return the index into STATUS of a camera, a network point or a base station."""
    if episodes.camera_out(run.roles, unit, instant - run.started):
        return 2
    return episodes.status(run.seed, unit, instant)


def changes(run: Scenario, tick: int) -> Iterator[tuple[Unit, int]]:
    """Yield the things whose status is another than one tick ago."""
    for index in _moving(run, tick):
        unit = run.units[index]
        now = status(run, unit, Micros(tick * TICK))
        if now != status(run, unit, Micros((tick - 1) * TICK)):
            yield unit, now


def _moving(run: Scenario, tick: int) -> Iterable[int]:
    """Return candidates for a change: those with a transition in this tick."""
    found = set(episodes.transitions(run.seed, _status_units(run), tick * TICK, TICK))
    if run.roles.cameras:
        camera = episodes.camera_of(run.roles, tick * TICK - run.started)
        if camera is not None:
            found.add(camera)
    return sorted(found)


def _status_units(run: Scenario) -> tuple[tuple[int, str], ...]:
    return run.roles.statuses


def _status(unit: Unit, state: int, instant: Micros) -> Message:
    body = {"ts": instant // 1000, "state": STATUS[state]}
    return f"demo/{unit.kind}/{unit.external_id}/status", orjson.dumps(body)
