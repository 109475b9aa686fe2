"""What `/indicators` reads: every indicator with its newest figures, judged as of today.

Indicators are figures of the whole province, of no area: a limited area does not hide them, a
limited set of domains does unless it has `indicator`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString

from ioc.domain.indicator import Aim, Direction, Judgement, Period, Point, judge
from ioc.web.database import Database, Db
from ioc.web.identity import limits

TREND: Final = 24  # figures of a row's line, as many as a forecast looks at
MOST_HISTORY: Final = 4000  # ten years of days
_STRANGERS: Final = 20  # unknown ids that are named

_SEEN: Final[LiteralString] = " and (%(domains)s::text[] is null or 'indicator' = any(%(domains)s))"
_COLUMNS: Final = (
    "id", "topic", "name", "unit", "decimals", "direction", "targets", "owner", "source", "how",
    "method", "level", "denominator", "period", "due_days",
)  # fmt: skip
_LISTED: Final[LiteralString] = (
    "select id, topic, name_vi, unit, decimals, direction, targets, owner, source, how, method,"
    " level, denominator, period, due_days from indicator i where not retired" + _SEEN
)
_NEWEST: Final[LiteralString] = (
    "select i.id, v.at, v.value from indicator i cross join lateral (select at, value"
    " from indicator_value where indicator = i.id order by at desc limit %(trend)s) v"
    " where not i.retired" + _SEEN + " order by i.position, v.at"
)
_HISTORY: Final[LiteralString] = (
    "select at, value, how, detail, put_at, put_by, null::timestamptz as replaced_at"
    " from indicator_value where indicator = %(id)s"
    " union all select at, value, how, detail, put_at, put_by, replaced_at"
    " from indicator_value_replaced where indicator = %(id)s"
    " order by at desc, replaced_at desc nulls first limit %(most)s"
)


@dataclass(frozen=True, slots=True)
class Board:
    """Every indicator in the catalogue's order; `strangers`: ids that only a source knows."""

    rows: list[dict[str, Any]]
    strangers: list[str]


class IndicatorQueries:
    """The reading half of the board; all raise DatabaseAwayError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def board(self, today: date) -> Board:
        """Return every indicator with its trend and verdict."""
        values = {"trend": TREND} | limits()
        async with self._database.connection() as conn:
            listed = await _all(conn, _LISTED + " order by position", values)
            newest = await _all(conn, _NEWEST, values)
            strangers = await _all(
                conn,
                "select external_id from thing t where kind = 'indicator' and state = 'admitted'"
                " and not exists (select from indicator where id = t.external_id and not retired"
                "  and how = 'feed')" + _SEEN + " order by 1 limit %(most)s",
                {"most": _STRANGERS} | limits(),
            )
        # 300 forecasts are 83,000 slopes: not on the loop that serves the screens.
        rows = await asyncio.to_thread(_judged, listed, newest, today)
        return Board(rows, [row[0] for row in strangers])

    async def one(self, code: str, today: date) -> dict[str, Any] | None:
        """Return one indicator with every figure it had, the newest first; None: there is none."""
        values = {"id": code, "most": MOST_HISTORY} | limits()
        async with self._database.connection() as conn:
            listed = await _all(conn, _LISTED + " and i.id = %(id)s", values)
            if not listed:
                return None
            past = await _all(conn, _HISTORY, values)
        points = [Point(row[0], row[1]) for row in reversed(past) if row[6] is None]
        found = _row(listed[0], points, today)
        found["history"] = [_figure(row) for row in past]
        return found

    async def standing(self, figures: list[tuple[str, date]]) -> dict[tuple[str, date], float]:
        """Return what is recorded already of some (indicator, day)."""
        async with self._database.connection() as conn:
            rows = await _all(
                conn,
                "select indicator, at, value from indicator_value"
                " join unnest(%(ids)s::text[], %(days)s::date[]) as g (indicator, at)"
                " using (indicator, at)",
                {"ids": [code for code, _ in figures], "days": [day for _, day in figures]},
            )
        return {(row[0], row[1]): row[2] for row in rows}

    async def uploadable(self) -> dict[str, str]:
        """Return the indicators that take figures from files, with their names."""
        async with self._database.connection() as conn:
            rows = await _all(
                conn,
                "select id, name_vi from indicator i where not retired and how = 'upload'" + _SEEN,
                limits(),
            )
        return dict(rows)


async def _all(conn: Db, query: LiteralString, values: Mapping[str, Any]) -> list[Any]:
    return await (await conn.execute(query, values)).fetchall()


def _judged(listed: list[Any], newest: list[Any], today: date) -> list[dict[str, Any]]:
    points: dict[str, list[Point]] = {}
    for code, at, value in newest:
        points.setdefault(code, []).append(Point(at, value))
    return [_row(row, points.get(row[0], []), today) for row in listed]


def _row(row: tuple[Any, ...], points: list[Point], today: date) -> dict[str, Any]:
    found = dict(zip(_COLUMNS, row, strict=True))
    targets = {int(year): float(value) for year, value in found["targets"].items()}
    aim = Aim(
        found["unit"], Direction(found["direction"]), targets, Period(found["period"]),
        found["due_days"],
    )  # fmt: skip
    return found | _verdict(judge(aim, points, today)) | _trend(points)


def _verdict(verdict: Judgement) -> dict[str, Any]:
    return {
        "standing": verdict.standing.value,
        "wrong": verdict.wrong,
        "target": verdict.target,
        "year": verdict.year,
        "forecast": verdict.forecast,
        "due": verdict.due,
    }


def _trend(points: list[Point]) -> dict[str, Any]:
    newest = points[-1] if points else None
    return {
        "value": newest and newest.value,
        "at": newest and newest.at,
        "trend": [(point.at.toordinal(), point.value) for point in points[-TREND:]],
    }


def _figure(row: tuple[Any, ...]) -> dict[str, Any]:
    at, value, how, detail, put_at, put_by, replaced = row
    return {
        "at": at,
        "value": value,
        "how": how,
        "detail": detail,
        "put_at": _ms(put_at),
        "put_by": put_by,
        "replaced_at": None if replaced is None else _ms(replaced),
    }


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
