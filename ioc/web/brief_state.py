"""The state of the tablet as JSON: words are made here, ages and colours in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.domain.brief import Counts, Standing, Trend, Worst
from ioc.domain.handling import Handling
from ioc.domain.instant import from_datetime
from ioc.reports import charts, said
from ioc.text import say
from ioc.text.numbers import vietnamese
from ioc.web.queries import History
from ioc.web.queries.brief import SHOWN, Spark

RANGES: Final = {24: "brief.range.day", 168: "brief.range.week", 720: "brief.range.month"}
_LONGEST_LAW: Final = 44  # characters that stand beside a limit; the desk has the whole


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is known, from database and hub."""

    now: int  # ms
    standing: Standing
    sparks: Sequence[Spark]
    counts: Counts
    layers: dict[str, str]


def state(picture: Picture) -> dict[str, Any]:
    """Return what assets/modules/brief draws."""
    standing = picture.standing
    critical = [row.short for row in standing.worst if row.severity == 1]
    counts = picture.counts
    return {
        "t": picture.now,
        "sentence": said.sentence(standing.levels, critical),
        "counts": {
            "critical": _trend(counts.critical),
            "high": _trend(counts.high),
            "overdue": _trend(counts.overdue),
            "silent": _trend(counts.silent),
        },
        "worst": [
            _worst(row, spark)
            for row, spark in zip(standing.worst[:SHOWN], picture.sparks, strict=True)
        ],
        "communes": {one.code: [one.severity, one.alerts, one.owed] for one in standing.communes},
        "map": _map(picture.layers),
        "simulated": standing.simulated,
    }


def _map(layers: dict[str, str]) -> str | None:
    """Return the address of the map of the layers as they are now; None where there are none."""
    province, communes = layers.get("province"), layers.get("communes")
    if province is None and communes is None:
        return None
    return f"/brief/map/{province or '0'}/{communes or '0'}.svg"


def _trend(trend: Trend) -> dict[str, Any]:
    before = trend.yesterday
    week = trend.last_week
    end = charts.last_point(trend.days)
    return {
        "n": trend.now,
        "day": said.difference(trend.now, before),
        "week": "" if week is None else say("brief.last_week", n=vietnamese(week, 0)),
        "path": charts.spark(trend.days),
        "end": end,
    }


def _worst(row: Worst, spark: Spark) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "thing": row.thing,
        "code": row.code,
        "place": row.place,
        "short": row.short,
        "commune": row.commune,
        "severity": row.severity,
        "active": row.active,
        "detail": said.detail(row),
        "limit": None if row.states is not None else row.limit,
        "law": _law(row.law),
        "raised": _ms(row.raised),
        "acked": row.acked_at is not None,
        "who": row.assignee or row.acked_by,
        "due": None if row.due is None or Handling(row.handling).done else _ms(row.due),
        "direction": row.direction,
        "spark": spark.path,
        "end": spark.end,
    }


def _law(reference: str | None) -> str:
    """Return the first clause, which says which law; "" where it would be cut."""
    clause = (reference or "").split(";")[0]
    return clause if len(clause) <= _LONGEST_LAW else ""


def chart(past: History, hours: int, until: datetime, zone: ZoneInfo, limit: str | None) -> str:
    """Return the chart of one datastream as SVG; `limit` is a number as the address had it."""
    end = from_datetime(until) // 1000
    states = None
    if past.states is not None:
        states = {code: say_state(name) for name, code in past.states.items()}
    level = _number(limit) if past.states is None else None
    axis = charts.Axis(
        since=end - hours * 3_600_000,
        until=end,
        zone=zone,
        number=lambda number: vietnamese(number, past.decimals).replace(",0", ""),
        unit=past.unit,
        title=past.name_vi,
        missing=say("chart.missing"),
        limit=level,
        limit_words="" if level is None else said.limit(level, ">", past.unit, past.decimals),
        states=states,
    )
    values = past.mean if past.states is None else past.last
    low, high = (past.low, past.high) if past.states is None else ([], [])
    series = charts.Line(past.times, values, low, high, past.gap_s * 1000)
    return charts.line(series, axis, charts.Size(720, 340, 15))


def say_state(name: str) -> str:
    """Return the word of a state; one that nobody has a word for is shown as it came."""
    return said.value(0, "", 0, {name: 0})


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if abs(found) < 1e15 else None  # noqa: PLR2004  and neither NaN nor infinite


def _ms(moment: datetime) -> int:
    return from_datetime(moment) // 1000
