"""The result of a backtest as JSON types, for `ioc rules backtest --json` and the editor alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta, timezone
from typing import Any, Final

from ioc.domain.backtest import Episode, Result, together
from ioc.domain.instant import SECOND, Micros, to_datetime
from ioc.domain.window import LOCAL_OFFSET

_HERE: Final = timezone(timedelta(microseconds=LOCAL_OFFSET))


def moment(time: Micros) -> str:
    """Return an instant as people in Viet Nam write it, with its offset."""
    return to_datetime(time).astimezone(_HERE).isoformat()


def seconds(span: float) -> float:
    return round(span / SECOND, 6)


def figures(result: Result) -> dict[str, Any]:
    """Return the numbers of one result."""
    return {
        "count": result.count,
        "total_s": seconds(result.total),
        "longest_s": seconds(result.longest),
        "alerts_a_day": result.alerts_a_day,
        "load": result.load,
        "share": result.share,
        "coverage": result.coverage,
        "near_misses": result.near_misses,
        "samples": result.samples,
        "hours": list(result.hours),
        "levels": [
            {
                "level": told.rule.level,
                "severity": told.rule.severity.name.lower(),
                "count": len(told.episodes),
                "total_s": seconds(sum(one.lasted(result.end) for one in told.episodes)),
                "near_misses": told.near_misses,
            }
            for told in result.levels
        ],
    }


def episode(one: Episode, until: Micros) -> dict[str, Any]:
    """Return one episode; `end` is null while it goes on."""
    return {
        "start": moment(one.start),
        "end": None if one.end is None else moment(one.end),
        "lasted_s": seconds(one.lasted(until)),
        "level": one.level,
        "severity": one.severity.name.lower(),
        "peak": one.peak,
        "peak_at": None if one.peak_at is None else moment(one.peak_at),
    }


def whole(rule: str, results: Mapping[str, Result], ids: Mapping[str, int]) -> dict[str, Any]:
    """Return a rule's results by datastream (`thing/code`) and together, at least one."""
    every = together(list(results.values()))
    return {
        "rule": rule,
        "from": moment(every.start),
        "to": moment(every.end),
        **figures(every),
        "episodes": list(_episodes(results)),
        "datastreams": [
            {
                "id": ids[name],
                "datastream": name,
                **figures(one),
                "episodes": [episode(e, one.end) for e in one.episodes],
            }
            for name, one in results.items()
        ],
    }


def _episodes(results: Mapping[str, Result]) -> Iterable[dict[str, Any]]:
    """Return the episodes of all datastreams in order of time, each with its own's name."""
    rows: Sequence[tuple[Episode, str, Micros]] = sorted(
        (e, name, one.end) for name, one in results.items() for e in one.episodes
    )
    return ({"datastream": name, **episode(e, until)} for e, name, until in rows)
