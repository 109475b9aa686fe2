"""`/kpi`: how good the alerts of the past day, week or month were, each number with its target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from dash import html

from ioc.domain.alert import Severity
from ioc.domain.instant import DAY, MINUTE, SECOND, Micros, to_datetime
from ioc.domain.kpi import (
    TARGET_ACK_MEDIAN,
    TARGET_ACK_P95,
    TARGET_FLOOD,
    TARGET_LOAD,
    TARGET_SHELF,
    TARGET_SPLIT,
    TARGET_STANDING,
    TARGET_TOP,
)
from ioc.text import say
from ioc.web.database import DatabaseAwayError
from ioc.web.figures.numbers import vietnamese
from ioc.web.pages import desk
from ioc.web.queries.kpi import MOST_LINES, Quality
from ioc.web.services import Services

PERIODS: Final = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}


@dataclass(frozen=True, slots=True)
class Card:
    """One indicator: what it is called, its value, whether the target is met, what it means."""

    name: str
    value: str
    unit: str
    met: bool | None  # None: too little happened to say
    means: str

    @property
    def verdict(self) -> str:
        return say("kpi.few" if self.met is None else "kpi.met" if self.met else "kpi.missed")


async def page(services: Services, search: str | None) -> Any:  # noqa: ANN401  Dash components
    """Return the page for the period that the address names, the past day without one."""
    asked = dict(parse_qsl((search or "").removeprefix("?"))).get("period", "")
    period = asked if asked in PERIODS else "day"
    zone = ZoneInfo(services.settings.province.zone)
    try:
        found = await services.queries.alert_quality(PERIODS[period])
    except DatabaseAwayError:
        body: list[Any] = [_state(say("kpi.away"), say("kpi.away_why"))]
    else:
        body = _body(found, zone)
    frame: dict[str, Any] = {"data-desk": "kpi", "data-language": "vi", "data-zone": zone.key}
    return html.Div(
        [
            desk.banner(),
            desk.top(services.settings, "/kpi"),
            html.Main([_head(period), *body], className="kpi-page"),
        ],
        className="desk",
        **frame,
    )


def _head(period: str) -> Any:  # noqa: ANN401
    named: dict[str, Any] = {"aria-label": say("kpi.periods")}
    ways = []
    for name in PERIODS:
        current: dict[str, Any] = {"aria-current": "page"} if name == period else {}
        ways.append(
            html.A(say(f"kpi.{name}"), href=f"/kpi?period={name}", className="dtab", **current)
        )
    return html.Div(
        [html.H1(say("kpi.title")), html.Nav(ways, className="tabs", **named)], className="kpi-head"
    )


def _body(found: Quality, zone: ZoneInfo) -> list[Any]:
    span = say("kpi.span", since=_moment(found.since, zone), until=_moment(found.until, zone))
    notes = [html.P(span, className="dim")]
    if found.cut:
        notes.append(html.P(say("kpi.cut", n=vietnamese(MOST_LINES, 0))))
    return [
        *notes,
        html.Div([_card(card) for card in _cards(found)], className="kpi-cards"),
        html.Div([_buckets(found, zone), _split(found), _top(found)], className="kpi-more"),
    ]


def _cards(found: Quality) -> Iterator[Card]:
    report = found.report
    means = {"n": vietnamese(report.raises, 0), "floods": report.floods, "busiest": report.busiest}
    yield _made("load", vietnamese(report.load, 2), "load", means, met=report.load <= TARGET_LOAD)
    flood, top = vietnamese(report.flood_share * 100, 1), vietnamese(report.top_share * 100, 0)
    yield _made("flood", flood, "share", means, met=report.flood_share <= TARGET_FLOOD)
    # Ten sources are everything when there were hardly more raises than that.
    few = report.raises <= len(report.top) / TARGET_TOP and report.load <= TARGET_LOAD
    yield _made("top", top, "share", means, met=None if few else report.top_share <= TARGET_TOP)
    chattering = len(report.chattering)
    yield _made("chattering", str(chattering), "sources", means, met=chattering == 0)
    standing = vietnamese(report.standing, 0)
    yield _made("standing", standing, "alerts", means, met=report.standing < TARGET_STANDING)
    yield _acknowledged(found)
    yield _shelved(found)
    failed, sent = found.deliveries.failed, vietnamese(found.deliveries.sent, 0)
    yield _made("deliveries", vietnamese(failed, 0), "messages", {"sent": sent}, met=failed == 0)


def _made(name: str, value: str, unit: str, values: dict[str, Any], *, met: bool | None) -> Card:
    return Card(name, value, say(f"kpi.unit.{unit}"), met, say(f"kpi.means.{name}", **values))


def _acknowledged(found: Quality) -> Card:
    report = found.report
    if report.ack_median is None or report.ack_p95 is None:
        words = say("kpi.means.ack_none", unacked=vietnamese(report.unacked, 0))
        return Card("ack", "–", "", report.unacked == 0, words)
    met = report.ack_median <= TARGET_ACK_MEDIAN and report.ack_p95 <= TARGET_ACK_P95
    words = say(
        "kpi.means.ack",
        p95=_duration(report.ack_p95),
        acked=vietnamese(report.acked, 0),
        unacked=vietnamese(report.unacked, 0),
    )
    return Card("ack", _duration(report.ack_median), "", met, words)


def _shelved(found: Quality) -> Card:
    report = found.report
    unit = say("kpi.unit.alerts")
    if report.shelf_age is None:
        return Card("shelved", "0", unit, met=True, means=say("kpi.means.shelved_none"))
    words = say("kpi.means.shelved", age=_duration(report.shelf_age))
    met = report.shelf_age <= TARGET_SHELF
    return Card("shelved", vietnamese(report.shelved, 0), unit, met, words)


def _card(card: Card) -> Any:  # noqa: ANN401
    target = say("kpi.target", target=say(f"kpi.goal.{card.name}"))
    return html.Section(
        [
            html.H2(say(f"kpi.name.{card.name}")),
            html.Div([html.B(card.value), html.Span(card.unit)], className="kpi-value"),
            html.P([target, " · ", html.B(card.verdict)], className="kpi-target"),
            html.P(card.means),
        ],
        className="kpi-card missed" if card.met is False else "kpi-card",
    )


def _split(found: Quality) -> Any:  # noqa: ANN401
    """Return how the raises divide, each bar with a tick where the target is."""
    report = found.report
    low, medium, high = TARGET_SPLIT
    rows = [
        ((Severity.CRITICAL, Severity.HIGH), high),
        ((Severity.MEDIUM,), medium),
        ((Severity.LOW,), low),
    ]
    verdict = say("kpi.met") if report.splits_well else say("kpi.missed")
    target = say("kpi.target", target=say("kpi.goal.split"))
    return html.Section(
        [
            html.H2(say("kpi.name.split")),
            html.P([target, " · ", html.B(verdict)], className="kpi-target"),
            *[_bar(found, severities, goal) for severities, goal in rows],
            html.P(say("kpi.means.split")),
        ],
        className="kpi-card" if report.splits_well else "kpi-card missed",
    )


def _bar(found: Quality, severities: tuple[Severity, ...], goal: float) -> Any:  # noqa: ANN401
    share = found.report.share(*severities)
    name = ", ".join(
        f"{say(f'severity.{s}')} {vietnamese(found.report.by_severity[s], 0)}" for s in severities
    )
    words = say("kpi.split_row", share=vietnamese(share * 100, 0), target=round(goal * 100))
    return html.Div(
        [
            html.Div([html.Span(name), html.Span(words)], className="kpi-line"),
            html.Div(
                [
                    html.Div(style={"width": f"{share * 100:.1f}%"}),
                    html.I(style={"left": f"{goal * 100:.0f}%"}),
                ],
                className="kpi-bar",
            ),
        ]
    )


def _buckets(found: Quality, zone: ZoneInfo) -> Any:  # noqa: ANN401
    title = say("kpi.by_hour" if found.width < DAY else "kpi.by_day")
    most = max(found.buckets, default=0)
    if most == 0:
        return html.Section([html.H2(title), html.P(say("kpi.no_raises"))], className="kpi-card")
    bars = []
    for number, count in enumerate(found.buckets):
        begin = _moment(Micros(found.since + number * found.width), zone)
        said: dict[str, Any] = {"title": say("kpi.bucket", time=begin, n=vietnamese(count, 0))}
        bars.append(html.Div(html.I(style={"height": f"{count / most * 100:.1f}%"}), **said))
    ends = [_moment(found.since, zone), _moment(found.until, zone)]
    spoken: dict[str, Any] = {"role": "img", "aria-label": f"{title}: {vietnamese(most, 0)}"}
    return html.Section(
        [
            html.H2(title),
            html.Div(vietnamese(most, 0), className="kpi-most"),
            html.Div(bars, className="kpi-bars", **spoken),
            html.Div([html.Span(end) for end in ends], className="kpi-line"),
        ],
        className="kpi-card",
    )


def _top(found: Quality) -> Any:  # noqa: ANN401
    report = found.report
    rows = []
    for source, count in report.top:
        place, rule = found.names.get(source, (say("kpi.gone"), source[0]))
        marks = [html.Small(say("kpi.chatters"))] if source in report.chattering else []
        share = vietnamese(count / report.raises * 100, 0)
        rows.append(
            html.Tr(
                [
                    html.Td([place, *marks]),
                    html.Td(rule),
                    html.Td(vietnamese(count, 0), className="r"),
                    html.Td(f"{share}\u00a0%", className="r"),
                ]
            )
        )
    heads = [
        html.Th(
            say(f"kpi.{name}"), scope="col", className="r" if name in ("count", "share") else ""
        )
        for name in ("place", "rule", "count", "share")
    ]
    body = html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)], className="kpi-top")
    empty = html.P(say("kpi.no_raises"))
    return html.Section(
        [html.H2(say("kpi.top")), body if rows else empty], className="kpi-card kpi-wide"
    )


def _state(title: str, text: str) -> Any:  # noqa: ANN401
    return html.Div([html.B(title), html.P(text)], className="state kpi-card")


def _moment(instant: Micros, zone: ZoneInfo) -> str:
    return to_datetime(instant).astimezone(zone).strftime("%H:%M %d/%m/%Y")


def _duration(length: int) -> str:
    if length < 2 * MINUTE:
        return say("common.age_s", s=length // SECOND).replace(" ", "\u00a0")
    minutes = length // MINUTE
    if minutes < 60:  # noqa: PLR2004  minutes of an hour
        return say("common.age_min", m=minutes).replace(" ", "\u00a0")
    hours, rest = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004  as the screens do
        return say("common.age_h", h=hours, m=f"{rest:02d}").replace(" ", "\u00a0")
    return say("common.age_d", d=hours // 24).replace(" ", "\u00a0")
