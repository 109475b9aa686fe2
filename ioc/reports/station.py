"""A station's month as a document: the page's body and the printed report are one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from ioc.domain import station_month
from ioc.domain.indices import Derived, hours_of
from ioc.domain.station_month import Month, Parameter, Run, Verdict
from ioc.reports import charts, links, page
from ioc.reports import station_words as words
from ioc.reports.page import Cell, Link
from ioc.text import say
from ioc.text.numbers import vietnamese

_HOUR_MS: Final = 3_600_000
_DAY_S: Final = 86_400
_DAY_MS: Final = 24 * _HOUR_MS
MOST_RUNS: Final = 25  # of one table: beyond it a table is a log, and the workbook has them all
_NOTICED: Final = 12  # hours
_GAP_STEPS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Station:
    """What the report is about. `root` stands before each link: "" on the page itself."""

    thing: int
    name: str
    source: str
    simulated: bool
    given_by: Mapping[str, str]
    zone: ZoneInfo
    made: datetime
    root: str = ""

    def chart(self, code: str, first: int, last: int) -> str:
        return self.root + links.chart(self.thing, code, first, last)


def document(month: Month, station: Station, issuer: str) -> page.Document:
    """Return the printed report."""
    title = words.title(station.name, month)
    return page.Document(title, body(month, station), tuple(lines(month, station)), issuer, title)


def lines(month: Month, station: Station) -> list[str]:
    """Return what stands below the title: how far it reaches, when it was made, from what."""
    period = month.period
    until = words.at(min(period.end, max(period.now, period.first)), station.zone)
    reach = say("station.reaches", since=words.at(period.first, station.zone), until=until)
    made = say("station.made", time=f"{station.made.astimezone(station.zone):%H:%M %d/%m/%Y}")
    found = [reach, say("station.source", source=station.source), made]
    if month.running:
        found.append(say("station.running"))
    if station.simulated:
        found.append(say("brief_report.simulated"))
    return found


def body(month: Month, station: Station) -> str:
    """Return the report between its head and its end, as HTML."""
    return "".join(
        (
            f'<p class="said">{escape(words.sentence(month))}</p>',
            _counts(month),
            _section("parameters", _parameters(month, station), say("station.note_share")),
            _section("limits", _limits(month, station), say("station.note_confidence")),
            _runs(month, station, "breaches"),
            _runs(month, station, "early"),
            _charts(month, station),
            _interruptions(month, station),
            _indices(month, station),
        )
    )


def runs(month: Month, kind: str) -> list[tuple[Parameter, Verdict, Run]]:
    """Return the runs of a kind (`breaches` or `early`), the latest first."""
    found = [
        (one, verdict, run)
        for one in month.parameters
        for verdict in one.verdicts
        for run in (verdict.breaches if kind == "breaches" else verdict.early)
    ]
    return sorted(found, key=lambda item: -item[2].last)


def _counts(month: Month) -> str:
    enough = sum(one.availability.enough for one in month.parameters)
    cards = (
        ("beyond", vietnamese(sum(r.windows for _, _, r in runs(month, "breaches")), 0), ""),
        ("early", vietnamese(len(runs(month, "early")), 0), say("station.early_short")),
        ("enough", f"{enough}/{len(month.parameters)}", say("station.enough_short")),
        ("interruptions", vietnamese(len(month.interruptions), 0), say("station.over_an_hour")),
    )
    drawn = (
        f'<div class="count">{escape(say(f"station.count_{name}"))}<b>{value}</b>'
        f"<small>{escape(note)}</small></div>"
        for name, value, note in cards
    )
    return f'<div class="counts">{"".join(drawn)}</div>'


def _section(name: str, table: str, note: str = "") -> str:
    told = f'<p class="note">{escape(note)}</p>' if note else ""
    heading = f'<h2 id="{name}">{escape(say(f"station.{name}"))}</h2>'
    return f'<section aria-labelledby="{name}">{heading}{told}{table}</section>'


def _head(*names: str) -> tuple[str, ...]:
    return tuple(say(f"station.column.{name}") for name in names)


def _parameters(month: Month, station: Station) -> str:
    last = max(min(month.period.end, month.period.now) - 1, month.period.first)
    rows: list[tuple[Cell, ...]] = []
    for one in month.parameters:
        href = station.chart(one.stream.code, month.period.first, last)
        unit = f" ({one.stream.unit})" if one.stream.unit else ""
        there = one.availability
        kept = month.statuses
        figures = [words.number(value, one) for value in (one.mean, one.low, one.high)]
        figures.append(words.share(there.share))
        figures.append(f"{vietnamese(there.valid, 0)}/{vietnamese(there.hours, 0)}")
        figures.append(words.hours(there.calibrating if kept else None))
        figures.append(words.hours(there.fault if kept else None))
        judged = say("station.enough" if there.enough else "station.not_enough")
        cells = [Link(figure, href) if figure != "–" else figure for figure in figures]
        rows.append((Link(one.stream.name + unit, href), *cells, judged if there.hours else "–"))
    head = _head(
        "parameter", "mean", "low", "high", "share", "hours", "calibrating", "fault", "enough"
    )
    return page.table(head, rows, frozenset(range(1, 8)))


def _limits(month: Month, station: Station) -> str:
    rows: list[tuple[Cell, ...]] = []
    for one in month.parameters:
        for verdict in one.verdicts:
            limit = verdict.limit
            count = vietnamese(verdict.beyond, 0)
            runs_of = verdict.breaches
            worst: Cell = count
            if runs_of:
                href = station.chart(one.stream.code, runs_of[0].first, runs_of[-1].last)
                worst = Link(count, href)
            by = station.given_by.get(limit.id, "")
            rows.append(
                (
                    one.stream.name,
                    words.limit(limit),
                    words.window(limit),
                    limit.standard,
                    words.validity(limit),
                    words.confidence(limit, by),
                    f"{vietnamese(verdict.judged, 0)}/{vietnamese(verdict.unjudged, 0)}",
                    worst,
                )
            )
    bare = [one.stream.name for one in month.parameters if not one.verdicts]
    note = say("station.without_limit", names=", ".join(bare)) if bare else ""
    told = f'<p class="note">{escape(note)}</p>' if note else ""
    if not rows:
        return told
    head = _head("parameter", "limit", "window", "basis", "validity", "sure", "judged", "beyond")
    return page.table(head, rows, frozenset({6, 7})) + told


def _runs(month: Month, station: Station, kind: str) -> str:
    found = runs(month, kind)
    if not found:
        return _section(kind, f"<p>{escape(say(f'station.no_{kind}'))}</p>")
    rows: list[tuple[Cell, ...]] = [
        (
            one.stream.name,
            Link(
                words.span(run, station.zone),
                station.chart(one.stream.code, run.first, run.last),
            ),
            words.number(run.worst, one),
            f"{words.limit(verdict.limit)} · {words.window(verdict.limit)}",
            verdict.limit.standard,
            vietnamese(run.windows, 0),
        )
        for one, verdict, run in found[:MOST_RUNS]
    ]
    worst = "worst" if kind == "breaches" else "raw"
    table = page.table(
        _head("parameter", "span", worst, "limit", "basis", "windows"), rows, frozenset({2, 5})
    )
    more = len(found) - MOST_RUNS
    rest = f'<p class="note">{escape(say("station.more", n=more))}</p>' if more > 0 else ""
    return _section(kind, table + rest, say(f"station.note_{kind}"))


def _charts(month: Month, station: Station) -> str:
    drawn = [_chart(one, month, station) for one in month.parameters if one.means]
    return _section("charts", "".join(drawn)) if drawn else ""


def _chart(one: Parameter, month: Month, station: Station) -> str:
    period = month.period
    verdict = _shown(one)
    limit = verdict.limit if verdict else None
    daily = (
        limit is not None and limit.averaging is not None and (limit.averaging.length_s == _DAY_S)
    )
    if daily:
        days = one.days(period)
        times = [(hours_of(day).start + 12) * _HOUR_MS for day, _ in days]
        series = charts.Line(times, [value for _, value in days], gap_ms=_GAP_STEPS * _DAY_MS)
    else:
        hours = sorted(one.means)
        values = [one.means[hour] for hour in hours]
        times = [hour * _HOUR_MS for hour in hours]
        series = charts.Line(times, values, gap_ms=_GAP_STEPS * _HOUR_MS)
    high = None if limit is None else (limit.high if limit.high is not None else limit.low)
    axis = charts.Axis(
        since=period.first * _HOUR_MS,
        until=period.end * _HOUR_MS,
        zone=station.zone,
        number=words.plain if one.stream.decimals else lambda value: vietnamese(value, 0),
        unit=one.stream.unit,
        title=one.stream.name,
        missing=say("chart.missing"),
        limit=high,
        limit_words=words.limit(limit) if limit else "",
    )
    said = say("station.chart_daily" if daily else "station.chart_hourly", name=one.stream.name)
    href = station.chart(one.stream.code, period.first, max(min(period.end, period.now) - 1, 0))
    return (
        f'<div class="keep"><h3><a href="{escape(href, quote=True)}">{escape(said)}</a></h3>'
        f"{charts.line(series, axis, charts.Size(640, 170))}</div>"
    )


def _shown(one: Parameter) -> Verdict | None:
    """Return the limit that a chart shows: the one of the longest window that is in force last."""

    def rank(verdict: Verdict) -> tuple[int, bool]:
        averaging = verdict.limit.averaging
        return (averaging.length_s if averaging else 0, verdict.limit.valid_to is None)

    return max(one.verdicts, key=rank, default=None)


def _interruptions(month: Month, station: Station) -> str:
    if not month.interruptions:
        return _section("interruptions", f"<p>{escape(say('station.no_interruptions'))}</p>")
    code = month.parameters[0].stream.code
    rows: list[tuple[Cell, ...]] = []
    for gap in month.interruptions:
        end = gap.until or int(station.made.timestamp())
        href = station.chart(code, gap.since // 3600, end // 3600)
        until = words.second(gap.until, station.zone) if gap.until else say("station.lasts")
        rows.append(
            (
                Link(words.second(gap.since, station.zone), href),
                until,
                words.hours((end - gap.since) / 3600),
                say("station.notice", hours=_NOTICED) if gap.notice else "–",
            )
        )
    table = page.table(_head("since", "until", "length", "duty"), rows, frozenset({2}))
    return _section("interruptions", table, say("station.note_interruptions"))


def _indices(month: Month, station: Station) -> str:
    parts = []
    for of in (Derived.AQI_DAY, Derived.WQI):
        own = [one for one in month.indices if one.of is of]
        if not own:
            continue
        counts = month.categories(of)
        rows: list[tuple[Cell, ...]] = [
            (words.category(of, name), vietnamese(count, 0)) for name, count in counts.items()
        ]
        parts.append(f"<h3>{escape(say(f'station.categories_{of}'))}</h3>")
        parts.append(page.table(_head("category", "count"), rows, frozenset({1})))
        if of is Derived.AQI_DAY:
            parts.append(_days(own, station))
    if not parts:
        return ""
    return _section("indices", "".join(parts))


def _days(own: list[station_month.IndexAt], station: Station) -> str:
    rows: list[tuple[Cell, ...]] = []
    for one in own:
        day = one.hour
        when = Link(words.at(day - 23, station.zone)[6:], station.chart(str(one.of), day - 23, day))
        value = "–" if one.index is None else vietnamese(one.index, 0)
        rows.append((when, value, words.category(one.of, one.category)))
    return page.table(_head("day", "index", "category"), rows, frozenset({1}))
