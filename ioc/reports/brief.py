"""The leaders' brief of a day or a week as a printed document: pure content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from ioc.domain.brief import Report, Trend, Worst
from ioc.domain.instant import from_datetime
from ioc.reports import charts, page, said
from ioc.text import say
from ioc.text.numbers import vietnamese

SEVERITIES: Final = (1, 2, 3, 4)
_HALF_HOUR_MS: Final = 1_800_000


def title(report: Report) -> str:
    """Return what the report is called: "Bản tin ngày 23/11/2026"."""
    first, last = report.window.dates[0], report.window.dates[-1]
    key = f"brief_report.title_{report.window.period.value}"
    return say(key, first=f"{first:%d/%m/%Y}", last=f"{last:%d/%m/%Y}")


def name(report: Report) -> str:
    """Return the file's name without its ending: ban-tin-ngay-2026-11-23."""
    return file_name(report.window.period.value, report.window.first)


def file_name(period: str, first: date) -> str:
    """Return the name of a report's file without its ending."""
    return say(f"brief_report.file_{period}", date=first.isoformat())


def document(report: Report, issuer: str, zone: ZoneInfo) -> page.Document:
    """Return the printed report."""
    critical = [row.short for row in report.open_now if row.severity == 1]
    sentence = "".join(
        f"<b>{escape(text)}</b>" if strong else escape(text)
        for text, strong in said.sentence(report.levels, critical)
    )
    made = say("brief_report.made", time=f"{report.made.astimezone(zone):%H:%M %d/%m/%Y}")
    lines = (made, say("brief_report.simulated")) if report.simulated else (made,)
    parts = [
        f'<p class="said">{sentence}</p>',
        _counts(report),
        f"<h2>{escape(say('brief_report.by_day'))}</h2>",
        _by_day(report),
        _worst(report, zone),
        f"<h2>{escape(say('brief_report.alerts'))}</h2>",
        _alerts(report, zone),
        _directions(report, zone),
    ]
    return page.Document(title(report), "".join(parts), lines, issuer, foot=title(report))


def days(report: Report) -> list[tuple[str, list[int]]]:
    """Return (dd/MM, raises by severity) of each day."""
    return [
        (f"{day:%d/%m}", [report.raises.get((day.isoformat(), s), 0) for s in SEVERITIES])
        for day in report.window.dates
    ]


def trends(report: Report) -> list[tuple[str, Trend]]:
    """Return the four counts with their names."""
    counts = report.counts
    found = (counts.critical, counts.high, counts.overdue, counts.silent)
    words = (say("severity.1"), say("severity.2"), say("brief.overdue"), say("brief.silent"))
    return list(zip(words, found, strict=True))


def row(alert: Worst, zone: ZoneInfo) -> tuple[str, ...]:
    """Return an alert as a line of a table."""
    lasted = (alert.returned or alert.closed) if not alert.active else None
    end = _moment(lasted, zone) if lasted is not None else say("brief_report.goes_on")
    who = alert.acked_by or say("brief_report.nobody")
    return (
        say(f"severity.{alert.severity}"),
        alert.place,
        said.detail(alert),
        _moment(alert.raised, zone),
        end,
        who,
    )


def head() -> tuple[str, ...]:
    """Return the columns of `row`."""
    return tuple(
        say(f"brief_report.column.{one}")
        for one in ("severity", "place", "detail", "raised", "ended", "who")
    )


def _counts(report: Report) -> str:
    def card(words: str, trend: Trend) -> str:
        change = said.difference(trend.now, trend.yesterday) or say("brief.no_past")
        week = trend.last_week
        before = "" if week is None else say("brief.last_week", n=vietnamese(week, 0))
        return (
            f'<div class="count">{escape(words)}<b>{vietnamese(trend.now, 0)}</b>'
            f"<small>{escape(change)}</small><small>{escape(before)}</small></div>"
        )

    return f'<div class="counts">{"".join(card(*one) for one in trends(report))}</div>'


def _by_day(report: Report) -> str:
    found = days(report)
    if not any(sum(counts) for _, counts in found):
        return f"<p>{escape(say('brief_report.no_raises'))}</p>"
    columns = [say("brief_report.column.day"), *(say(f"severity.{s}") for s in SEVERITIES)]
    rows = [(day, *(vietnamese(n, 0) for n in counts)) for day, counts in found]
    listed = page.table(tuple(columns), rows, frozenset({1, 2, 3, 4}))
    if len(found) == 1:
        return listed
    drawn = charts.bars(
        [(day, float(sum(counts))) for day, counts in found],
        say("brief_report.by_day"),
        charts.Size(640, 170),
    )
    return f'<div class="keep">{drawn}</div>{listed}'


def _worst(report: Report, zone: ZoneInfo) -> str:
    shown = [
        (alert, past)
        for alert, past in zip(report.open_now, report.pasts, strict=True)
        if alert.states is None and any(value is not None for value in past)
    ]
    if not shown:
        return ""
    end = from_datetime(report.made) // 1000
    parts = [f"<h2>{escape(say('brief_report.worst'))}</h2>"]
    for alert, past in shown:
        begin = end - len(past) * _HALF_HOUR_MS
        times = [begin + index * _HALF_HOUR_MS for index in range(len(past))]
        axis = charts.Axis(
            since=begin,
            until=end,
            zone=zone,
            number=_plain(alert.decimals),
            unit=alert.unit,
            title=alert.property,
            missing=say("chart.missing"),
            limit=alert.limit,
            limit_words=said.limit(alert.limit, alert.op, alert.unit, alert.decimals),
        )
        series = charts.Line(times, past, gap_ms=3 * _HALF_HOUR_MS)
        parts.append(
            f'<div class="keep"><h3>{escape(alert.place)}</h3><p>{escape(said.detail(alert))}</p>'
            f"{charts.line(series, axis, charts.Size(640, 170))}</div>"
        )
    return "".join(parts)


def _plain(decimals: int) -> Callable[[float], str]:
    """Return how an axis writes numbers: without decimals that are all zero."""
    return lambda value: vietnamese(value, 0 if value == round(value) else max(decimals, 1))


def _alerts(report: Report, zone: ZoneInfo) -> str:
    if not report.alerts:
        return f"<p>{escape(say('brief_report.no_alerts'))}</p>"
    return page.table(head(), [row(alert, zone) for alert in report.alerts], frozenset())


def _directions(report: Report, zone: ZoneInfo) -> str:
    if not report.directions:
        return ""
    columns = tuple(say(f"brief_report.column.{one}") for one in ("at", "by", "place", "note"))
    rows = [(_moment(one.at, zone), one.by, one.place, one.note) for one in report.directions]
    words = escape(say("brief_report.directions"))
    return f"<h2>{words}</h2>{page.table(columns, rows, frozenset())}"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M %d/%m}"
