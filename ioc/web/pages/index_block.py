"""The indices of one station, with all that the decisions want beside the number."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dash import html

from ioc.domain import aqi
from ioc.domain.indices import Derived
from ioc.domain.permission import Action
from ioc.text import say
from ioc.web import identity
from ioc.web.queries.indices import IndexRow


def block(rows: list[IndexRow], now: datetime, zone: str) -> Any:  # noqa: ANN401  Dash components
    """Return one card an index; None for a thing that has none."""
    if not rows:
        return None
    cards = [_card(row, now, ZoneInfo(zone)) for row in rows]
    who = identity.current()
    if who is not None and who.may(Action.SEE_API):  # a kiosk has no reports
        href = f"/station/{rows[0].place.thing_id}"
        cards.append(html.A(say("station.title"), href=href, className="btn"))
    named: dict[str, Any] = {"aria-label": say("indices.title")}
    return html.Section(cards, className="indices", **named)


def _card(row: IndexRow, now: datetime, zone: ZoneInfo) -> Any:  # noqa: ANN401
    old = row.is_old(now)
    head = [html.Span(say(f"indices.{row.of}")), html.I(_until(row, zone))]
    if old:
        head.append(html.B(say("indices.old"), className="index-old"))
    body = [*_none(row), *_surface(row)] if row.category is None else _said(row, row.category)
    facts = [
        say("indices.coverage", share=round(100 * row.coverage)),
        say("indices.source", method=say(f"indices.method_{row.kind}"), source=row.place.source),
    ]
    if row.weighted:
        facts.append(say("indices.weighted"))
    if row.place.simulated:
        facts.append(say("chart.simulated"))
    children = [html.Header(head), *body, _parameters(row), html.Small(" · ".join(facts))]
    return html.Article(children, className="index-card old" if old else "index-card")


def _until(row: IndexRow, zone: ZoneInfo) -> str:
    end = row.time.astimezone(zone)
    if row.of is Derived.AQI_DAY:
        return say("indices.until_day", time=f"{end - timedelta(hours=1):%d/%m/%Y}")
    return say("indices.until_hour", time=f"{end:%H:%M %d/%m/%Y}")


def _none(row: IndexRow) -> list[Any]:
    reason = say(row.reason_key or "chart.no_value")
    return [html.P(say("indices.none", reason=reason), className="index-none")]


def _surface(row: IndexRow) -> list[Any]:
    if row.surface is None:
        return []
    names = ", ".join(row.surface_names)
    return [html.P(say("indices.surface_class", level=row.surface.level, names=names))]


def _said(row: IndexRow, category: str) -> list[Any]:
    number = html.Div(
        [html.B(str(row.index)), html.Span(say(row.category_key or "chart.no_value"))],
        className=f"index-number index-{row.kind}-{category}",
    )
    lines: list[Any] = [number, html.P(say(f"indices.advice.{row.kind}.{category}"))]
    if row.dominant:
        name = say(f"indices.parameter.{row.dominant}")
        lines.append(html.P(say("indices.dominant", name=name)))
    return lines


def _parameters(row: IndexRow) -> Any:  # noqa: ANN401
    return html.Ul(
        [
            html.Li(
                [html.Span(say(f"indices.parameter.{name}")), html.B(str(aqi.rounded(value)))],
                className="dominant" if name == row.dominant else "",
            )
            for name, value in row.sub_indices.items()
        ]
    )
