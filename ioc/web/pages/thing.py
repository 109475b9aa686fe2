"""One thing: its newest values and the last 24 hours, in the wall's panel and on `/thing/<id>`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from math import isfinite, nan
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from dash import Dash, Input, Output, State, ctx, dcc, html
from dash.dependencies import ALL
from dash.exceptions import PreventUpdate

from ioc.domain.instant import to_datetime
from ioc.text import say, words
from ioc.web.database import DatabaseAwayError
from ioc.web.desk_commands.annotations import Annotation, Annotations
from ioc.web.figures import beside
from ioc.web.figures.history import Frame, Limit, Series, history
from ioc.web.figures.numbers import vietnamese
from ioc.web.figures.style import config
from ioc.web.pages import chart_tools, index_block
from ioc.web.queries import DatastreamRow, History, StatusRow, ThingDetail, ThingRow
from ioc.web.queries.indices import IndexQueries
from ioc.web.services import Services

HOURS: Final = 24
MANY: Final = 12  # datastreams: beyond it they would push the chart out of sight, so it comes first
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Picked:
    """What the browser asks to see; `property` None is the first of the thing."""

    thing: int
    property: str | None = None
    limit: float | None = None
    limit_property: str | None = None
    legal: bool = False
    hours: int = HOURS
    against: str | None = None  # another datastream of the thing, drawn beside the chosen one

    @classmethod
    def read(cls, data: dict[str, Any]) -> Picked:
        """Read what assets/modules/panel.mjs puts into the store `picked`."""
        limit = data.get("limit") or {}
        value = limit.get("limit")
        return cls(
            thing=int(data["thing"]),
            property=data.get("property"),
            limit=None if value is None else float(value),
            limit_property=limit.get("property"),
            legal=bool(limit.get("legal")),
        )

    @classmethod
    def from_address(cls, thing: int, search: str | None) -> Picked:
        """Read what `address` wrote; what is missing or makes no sense is left out."""
        found = dict(parse_qsl((search or "").removeprefix("?")))
        try:
            limit = float(found["limit"])
        except (KeyError, ValueError):
            limit = nan
        return cls(
            thing=thing,
            property=found.get("property"),
            limit=limit if isfinite(limit) else None,
            limit_property=found.get("of"),
            legal=found.get("legal") == "1",
            hours=_hours(found.get("hours", "")),
            against=found.get("against"),
        )

    def address(self, code: str | None) -> str:
        """Return the page on which `code` and the limit are seen again."""
        found = {"property": code, "limit": self.limit, "of": self.limit_property}
        if self.limit is None:
            found = {"property": code}
        elif self.legal:
            found["legal"] = 1
        query = urlencode({name: value for name, value in found.items() if value is not None})
        return f"/thing/{self.thing}" + (f"?{query}" if query else "")


def _hours(text: str) -> int:
    """Return one of the ranges that are offered; the day for anything else."""
    known = {str(hours): hours for _, hours in chart_tools.RANGES}
    return known.get(text, HOURS)


async def view(services: Services, picked: Picked, *, alone: bool = False) -> Any:  # noqa: ANN401  Dash components
    """Return head, values and chart of a thing; a refusal in words where it cannot be had.

    `alone`: on the page of its own, which needs no link to itself.
    """
    try:
        detail = await services.queries.thing(picked.thing)
        if detail is None:
            return html.P(say("chart.unknown"))
        code = _chosen(detail, picked)
        past = await services.queries.history(picked.thing, code, picked.hours) if code else None
        around = await _around(services, picked, past) if alone and past is not None else None
        found = await IndexQueries(services.database).station(picked.thing)
    except DatabaseAwayError:
        return html.P(say("chart.away"))
    zone = services.settings.province.zone
    now = services.clock.now() // 1000
    return [
        _head(detail, None if alone else picked.address(code), zone),
        index_block.block(found, to_datetime(services.clock.now()), zone),
        _values(detail, code, zone),
        None if around is None else _tools(detail, past, picked),
        _chart(detail, past, picked, (now, zone), around),
        None if around is None else chart_tools.notes(around.notes, picked.thing, code or "", zone),
    ]


async def page(services: Services, picked: Picked) -> Any:  # noqa: ANN401  Dash components
    """Return `/thing/<id>`."""
    body = await view(services, picked, alone=True)
    back = dcc.Link(say("chart.back"), href="/wall", className="btn", refresh=True)
    inner = html.Div(body, id="thing-body")
    return html.Main(
        [
            html.Div(back, className="panel-bar"),
            inner,
            dcc.Store(id="thing-picked", data=asdict(picked)),
        ],
        className="thing-page",
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """What the page of its own adds to the chart."""

    other: History | None
    notes: list[Annotation]


async def _around(services: Services, picked: Picked, past: History) -> _Around:
    other = None
    if picked.against and picked.against != past.property:
        other = await services.queries.history(picked.thing, picked.against, picked.hours)
    until = to_datetime(services.clock.now())
    since = until - timedelta(hours=picked.hours)
    found = await Annotations(services.database).listed(picked.thing, since, until)
    return _Around(other, [one for one in found if one.code in (None, past.property)])


def _tools(detail: ThingDetail, past: History | None, picked: Picked) -> Any:  # noqa: ANN401
    code = None if past is None else past.property
    seen = (code or "", picked.against)
    return chart_tools.bar(picked.address(code), picked.hours, detail.datastreams, seen)


def _notes(around: _Around, thing: int, code: str | None, zone: str) -> Any:  # noqa: ANN401
    return chart_tools.notes(around.notes, thing, code or "", zone)


def register(app: Dash, services: Services) -> None:
    """Add the callback that changes the property on `/thing/<id>`."""

    @app.callback(
        Output("thing-body", "children"),
        Input({"property": ALL}, "n_clicks"),
        State("thing-picked", "data"),
        prevent_initial_call=True,
    )
    async def change(clicks: list[int | None], picked: dict[str, Any]) -> Any:  # noqa: ANN401
        if not any(clicks):
            raise PreventUpdate
        chosen = replace(Picked(**picked), property=ctx.triggered_id["property"])
        return await view(services, chosen, alone=True)


def _chosen(detail: ThingDetail, picked: Picked) -> str | None:
    codes = [stream.property for stream in detail.datastreams]
    if picked.property in codes:
        return picked.property
    return codes[0] if codes else None


def _head(detail: ThingDetail, href: str | None, zone: str) -> Any:  # noqa: ANN401
    row = detail.thing
    facts = [detail.feed_title_vi, _commune(row), say("chart.simulated") if row.simulated else ""]
    lines = [html.H2(row.name), html.P(" · ".join(fact for fact in facts if fact))]
    lines += [html.P(_life(status, zone), className="thing-life") for status in detail.statuses]
    more = dcc.Link(say("wall.full_page"), href=href, refresh=True) if href else None
    return html.Div([html.Div([*lines, more])], className="thing-head")


def _life(status: StatusRow, zone: str) -> str:
    """Say what counts of a thing's own word on its life, and what it came with."""
    since = status.since.astimezone(ZoneInfo(zone)).strftime("%H:%M %d/%m/%Y")
    parts = [say("life.since", state=say(f"state.{status.state}"), since=since)]
    parts += [_detail(word) for word in status.detail.split(", ") if word]
    if status.said != status.state:
        parts.append(say("life.said", state=say(f"state.{status.said}")))
    if status.changes > 1:
        parts.append(say("life.changes", count=status.changes))
    return " · ".join(parts)


def _detail(word: str) -> str:
    """Return a detail in the reader's words; a recorder's name and the like stay as they are."""
    return words("vi").get(f"life.detail.{word.replace(' ', '_')}", word)


def _commune(row: ThingRow) -> str:
    if not row.commune:
        return ""
    if row.commune_how == "nearest_seat":
        return say("chart.approximate_commune", commune=row.commune)
    return row.commune


def _values(detail: ThingDetail, code: str | None, zone: str) -> Any:  # noqa: ANN401
    return html.Div(
        [_value(stream, zone, chosen=stream.property == code) for stream in detail.datastreams],
        className="thing-values many" if len(detail.datastreams) > MANY else "thing-values",
    )


def _value(stream: DatastreamRow, zone: str, *, chosen: bool) -> Any:  # noqa: ANN401
    at = stream.time.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S %d/%m/%Y") if stream.time else ""
    marks: dict[str, Any] = {
        "data-property": stream.property,
        "aria-pressed": "true" if chosen else "false",
    }
    return html.Button(
        [
            html.Span(stream.name_vi),
            html.B(_said(stream)),
            html.I(at or say("chart.empty_never")),
        ],
        id={"property": stream.property},
        type="button",
        className="thing-value",
        **marks,
    )


def _said(stream: DatastreamRow) -> Any:  # noqa: ANN401
    if stream.result is None:
        return say("chart.no_value")
    if stream.states is not None:
        return _state_words(stream.states).get(round(stream.result), f"{stream.result:g}")
    number = vietnamese(stream.result, stream.decimals)
    return [number, html.I(f"\u00a0{stream.unit}")] if stream.unit else number


def _chart(
    detail: ThingDetail,
    past: History | None,
    picked: Picked,
    at: tuple[int, str],
    around: _Around | None,
) -> Any:  # noqa: ANN401
    now, zone = at
    if past is None or not past.times:
        return html.Div(
            [html.B(say("chart.empty")), html.P(_newest(detail, zone))], className="state"
        )
    return dcc.Graph(
        figure=_beside(_figure(past, picked, now, zone), past, around, zone),
        config=config(),
        className="chart",
        responsive=True,
    )


def _figure(past: History, picked: Picked, now: int, zone: str) -> dict[str, Any]:
    series = Series(
        times=past.times,
        mean=past.mean if past.states is None else past.last,
        low=past.low,
        high=past.high,
        unit=past.unit,
        gap_s=past.gap_s,
        states=None if past.states is None else _state_words(past.states),
    )
    frame = Frame(
        since=now - picked.hours * _HOUR_MS,
        until=now,
        zone=zone,
        number=lambda value: vietnamese(value, past.decimals),
        words={name: say(f"chart.{name}") for name in ("mean", "band", "missing")},
    )
    return history(series, frame, _limit(past, picked))


def _beside(
    figure: dict[str, Any], past: History, around: _Around | None, zone: str
) -> dict[str, Any]:
    """Add what the page of its own shows; the wall's panel stays as it is."""
    if around is None:
        return figure
    bad = [
        (at, say("chart_page.bad_values", n=n))
        for at, n in zip(past.times, past.bad, strict=True)
        if n
    ]
    figure = beside.with_bad(figure, bad, zone)
    other = around.other
    if other is not None:
        unit = f"\u00a0{other.unit}" if other.unit else ""
        said = ["" if v is None else f"{vietnamese(v, other.decimals)}{unit}" for v in other.mean]
        title = f"{other.name_vi} ({other.unit})" if other.unit else other.name_vi
        figure = beside.with_other(
            figure, (other.times, other.mean, other.gap_s), said, title, zone
        )
    marks = [
        (int(one.since.timestamp() * 1000), int(one.until.timestamp() * 1000), str(n))
        for n, one in enumerate(around.notes, 1)
    ]
    return beside.with_notes(figure, marks, zone)


def _limit(past: History, picked: Picked) -> Limit | None:
    if picked.limit is None or picked.limit_property != past.property:
        return None
    decimals = 0 if picked.limit == round(picked.limit) else past.decimals
    said = vietnamese(picked.limit, decimals) + (f"\u00a0{past.unit}" if past.unit else "")
    return Limit(picked.limit, say("chart.limit", limit=said), picked.legal)


def _state_words(states: dict[str, int]) -> dict[int, str]:
    known = words("vi")
    return {value: known.get(f"state.{name}", name) for name, value in states.items()}


def _newest(detail: ThingDetail, zone: str) -> str:
    times = [stream.time for stream in detail.datastreams if stream.time is not None]
    if not times:
        return say("chart.empty_never")
    newest = max(times, default=datetime.fromtimestamp(0, UTC)).astimezone(ZoneInfo(zone))
    return say("chart.empty_newest", time=newest.strftime("%H:%M %d/%m/%Y"))
