"""What stands around the chart on `/thing/<id>`: ranges, another datastream, files, notes.

Ranges and the other datastream are links: what is seen has an address, and needs no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from dash import html

from ioc.domain.permission import Action
from ioc.text import say
from ioc.web import identity
from ioc.web.desk_commands.annotations import Annotation
from ioc.web.queries import DatastreamRow

# Key of its words, hours; in the order of the keys 1 to 7.
RANGES: Final = (
    ("h1", 1), ("h6", 6), ("h24", 24), ("d7", 168), ("d30", 720), ("y1", 8760), ("y5", 43830),
)  # fmt: skip


def bar(
    address: str, hours: int, streams: Sequence[DatastreamRow], seen: tuple[str, str | None]
) -> Any:  # noqa: ANN401
    """Return ranges, the choice of another datastream, and the files of what is shown.

    `address` is the page's own without range and comparison; `seen` the codes shown.
    """
    code, against = seen
    ranges = [
        _link(say(f"chart_page.range.{name}"), address, length, against, pressed=length == hours)
        for name, length in RANGES
    ]
    named: dict[str, Any] = {"aria-label": say("chart_page.ranges"), "data-part": "ranges"}
    parts: list[Any] = [html.Nav(ranges, className="chartbar-ranges", **named)]
    others = [one for one in streams if one.property != code and one.states is None]
    if others:
        parts.append(_compare(address, hours, others, against))
    parts.append(html.Span(className="sp"))
    query = {"property": code, "hours": hours} | ({"against": against} if against else {})
    where = address.split("?", maxsplit=1)[0].replace("/thing/", "/desk/thing/")
    parts += [
        html.A(
            say("register.download", form=form.upper()),
            href=f"{where}/export.{form}?{urlencode(query)}",
            className="btn",
        )
        for form in ("csv", "xlsx")
    ]
    return html.Div(parts, className="chartbar-bar")


def _compare(address: str, hours: int, others: list[DatastreamRow], against: str | None) -> Any:  # noqa: ANN401
    chosen = next((one.name_vi for one in others if one.property == against), None)
    words = say("chart_page.compared", name=chosen) if chosen else say("chart_page.compare")
    links = [
        _link(one.name_vi, address, hours, one.property, pressed=one.property == against)
        for one in others
    ]
    if chosen:
        links.insert(0, _link(say("chart_page.alone"), address, hours, None, pressed=False))
    return html.Details(
        [html.Summary(words, className="btn"), html.Div(links, className="chartbar-choices")]
    )


def _link(words: str, address: str, hours: int, against: str | None, *, pressed: bool) -> Any:  # noqa: ANN401
    query = {"hours": hours} | ({"against": against} if against else {})
    sign = "&" if "?" in address else "?"
    current: dict[str, Any] = {"aria-current": "true"} if pressed else {}
    return html.A(words, href=f"{address}{sign}{urlencode(query)}", className="btn", **current)


def notes(found: Sequence[Annotation], thing: int, code: str, zone: str) -> Any:  # noqa: ANN401
    """Return the notes of what is shown, and the way to one more for who may write."""
    who = identity.current()
    may = who is not None and who.may(Action.ANNOTATE)
    mine = who.actor if who is not None else ""
    local = ZoneInfo(zone)
    items = [
        _note(str(n), one, local, mine=may and one.created_by == mine)
        for n, one in enumerate(found, 1)
    ]
    parts: list[Any] = [html.H3(say("chart_page.notes"))]
    parts.append(html.Ol(items) if items else html.P(say("chart_page.no_notes"), className="dim"))
    if may:
        named: dict[str, Any] = {"data-note": str(thing), "data-code": code, "data-zone": zone}
        parts.append(
            html.Button(say("chart_page.add_note"), type="button", className="btn", **named)
        )
    return html.Section(parts, className="chartbar-notes")


def _note(number: str, one: Annotation, zone: ZoneInfo, *, mine: bool) -> Any:  # noqa: ANN401
    stretch = _moment(one.since, zone)
    if one.until > one.since:
        stretch += f" – {_moment(one.until, zone)}"
    who = say("chart_page.by", name=one.created_by, time=_moment(one.created_at, zone))
    parts: list[Any] = [html.B(number), " ", html.Span(one.words), html.Small(f"{stretch} · {who}")]
    if mine:
        named: dict[str, Any] = {"data-remove": str(one.id)}
        words = say("chart_page.remove_note")
        parts.append(html.Button(words, type="button", className="btn", **named))
    return html.Li(parts)


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%H:%M %d/%m/%Y")
