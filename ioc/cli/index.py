"""`ioc index …`: VN_AQI and VN_WQI of one sample, from standard input; a station's setting.

Input is one JSON object; a number that is missing is null or left out. What is misspelt or no
number is refused with exit code 2, since a sample read half would give a better index.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final

import orjson
import typer

from ioc.cli.context import By, settings
from ioc.domain import aqi, wqi
from ioc.domain.aqi import Pollutant
from ioc.domain.errors import ConfigError
from ioc.storage import audit, derived, legal_limits, pool
from ioc.text import say

app = typer.Typer(no_args_is_help=True, help="air and water quality indices of one sample")

_HOURLY_GASES: Final = (Pollutant.O3_1H, Pollutant.NO2, Pollutant.SO2, Pollutant.CO)
_DAILY: Final[Mapping[str, Pollutant]] = {
    "pm25_24h": Pollutant.PM25,
    "pm10_24h": Pollutant.PM10,
    "o3_1h_max": Pollutant.O3_1H,
    "o3_8h_max": Pollutant.O3_8H,
    "no2_max": Pollutant.NO2,
    "so2_max": Pollutant.SO2,
    "co_max": Pollutant.CO,
}
_DIGITS: Final = 6  # of what is printed: beyond it there is only noise of floats

AsJson = Annotated[bool, typer.Option("--json", help="one JSON object instead of a sentence")]


@app.command("weighted")
def set_weighted(
    station: Annotated[str, typer.Argument(help="the station's id of its device")],
    by: By,
    *,
    on: Annotated[bool, typer.Option("--on/--off", help="count group IV twice")] = True,
) -> None:
    """Set how VN_WQI of one water station is made; its past 90 days are made anew."""
    with pool.connect_or_refuse(settings().database_url, name="cli") as conn, conn.transaction():
        thing = legal_limits.stations(conn).get(station)
        if thing is None or not derived.set_weighted(conn, thing, weighted=on):
            raise ConfigError(say("index.no_water_station", station=station))
        audit.record(conn, audit.Entry(by, "index.weighted", station, {"weighted": on}))
    typer.echo(say("index.weighted_on" if on else "index.weighted_off", station=station))


@app.command("aqi-hour")
def aqi_hour(*, as_json: AsJson = False) -> None:
    """VN_AQI of an hour: pm25 and pm10 as lists of up to 12 hourly means, the newest first."""
    given = _read([p.value for p in (*sorted(aqi.PARTICLES), *_HOURLY_GASES)])
    particles = {p: _numbers(given, p) for p in aqi.PARTICLES if p in given}
    gases = {p: _number(given, p) for p in _HOURLY_GASES}
    _say_air(aqi.hourly(particles, gases), as_json=as_json)


@app.command("aqi-day")
def aqi_day(*, as_json: AsJson = False) -> None:
    """VN_AQI of a day: 24 h means of particles, the day's largest means of gases, in µg/m³."""
    given = _read(_DAILY)
    means = {pollutant: _number(given, key) for key, pollutant in _DAILY.items()}
    _say_air(aqi.daily(means), as_json=as_json)


@app.command("wqi")
def water(*, as_json: AsJson = False) -> None:
    """VN_WQI of one sample of surface water; `weighted` true counts group IV twice."""
    given = _read([*wqi.PARAMETERS, "weighted"])
    weighted = given.pop("weighted", False)
    if not isinstance(weighted, bool):
        raise ConfigError(say("index.not_boolean", name="weighted"))
    found = wqi.water({key: _number(given, key) for key in given}, weighted=weighted)
    _print(
        {
            "index": found.index,
            "raw": _short(found.raw),
            "category": None if found.category is None else say(f"wqi.category.{found.category}"),
            "dominant": found.worst,
            "sub_indices": {str(key): _short(value) for key, value in found.sub_indices.items()},
            "reason": None if found.reason is None else say(f"wqi.missing.{found.reason}"),
        },
        "VN_WQI",
        as_json=as_json,
    )


def _say_air(found: aqi.Index, *, as_json: bool) -> None:
    _print(
        {
            "index": found.index,
            "raw": _short(found.raw),
            "category": None if found.category is None else say(f"aqi.category.{found.category}"),
            "dominant": found.dominant,
            "sub_indices": {str(key): _short(value) for key, value in found.sub_indices.items()},
            "reason": None if found.reason is None else say(f"aqi.missing.{found.reason}"),
        },
        "VN_AQI",
        as_json=as_json,
    )


def _print(answer: dict[str, Any], name: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(orjson.dumps(answer).decode())
    elif answer["reason"]:
        typer.echo(f"{name}: {say('index.none')}: {answer['reason']}")
    else:
        dominant = f" ({answer['dominant']})" if answer["dominant"] else ""
        typer.echo(f"{name} {answer['index']} – {answer['category']}{dominant}")


def _read(known: Collection[str]) -> dict[str, Any]:
    try:
        given = orjson.loads(sys.stdin.buffer.read())
    except orjson.JSONDecodeError as error:
        raise ConfigError(say("index.not_json", error=error)) from error
    if not isinstance(given, dict):
        raise ConfigError(say("index.not_object"))
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, n=1, cutoff=0.4)
            raise ConfigError(
                say("index.unknown_key", name=key, near=near[0] if near else ", ".join(known))
            )
    return given


def _number(given: Mapping[str, Any], key: str) -> float | None:
    return _real(given.get(key), key)


def _numbers(given: Mapping[str, Any], key: str) -> list[float | None]:
    values = given[key] if given[key] is not None else []
    if not isinstance(values, list):
        raise ConfigError(say("index.not_list", name=key))
    if len(values) > aqi.HOURS:
        raise ConfigError(say("index.too_long", name=key, most=aqi.HOURS, found=len(values)))
    return [_real(value, key) for value in values]


def _real(value: object, key: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(say("index.not_number", name=key))
    return float(value)


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
