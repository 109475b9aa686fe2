"""The past of one datastream: mean line, min–max band, its limit, and where nothing is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.web.figures.style import BAND, FOREGROUND, HATCH, MUTED, layout

_MS: Final = 1000
MARGIN_OF_RANGE: Final = 0.08  # of the data's span, above and below
NAMED_GAP: Final = 0.2  # of the window: a wider gap says in words what its hatching means


@dataclass(frozen=True, slots=True)
class Series:
    """Steps of one datastream, oldest first; None where a step has no good value.

    `times` are ms since the epoch; `gap_s` is the distance of two steps at which the line breaks;
    `states` maps the values of a category to words, None for a quantity.
    """

    times: Sequence[int]
    mean: Sequence[float | None]
    low: Sequence[float | None]
    high: Sequence[float | None]
    unit: str
    gap_s: float
    states: dict[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit to draw: dashed where a law sets it, solid where it is our own."""

    value: float
    words: str
    legal: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds the data: the window shown (ms), the zone of its clock, words, numbers."""

    since: int
    until: int
    zone: str
    number: Callable[[float], str]
    words: dict[str, str]  # mean, band, missing


def history(series: Series, frame: Frame, limit: Limit | None = None) -> dict[str, Any]:
    """Return the figure of a window; an empty series gives one hatched, labelled field."""
    runs = list(_runs(series))
    clock = _clock(frame.zone)
    traces = [_missing(_gaps(series, frame, runs), clock, frame.words["missing"])]
    if series.states is None:
        traces += [_band(series, runs, clock)]
    traces += [_line(series, runs, frame, clock), _lonely(series, runs, clock)]
    made = _layout(series, frame, clock, limit)
    made["annotations"] = [*made.get("annotations", ()), *_named(_gaps(series, frame, runs), frame)]
    return {"data": traces, "layout": made}


Run = tuple[int, int]  # first and last index of steps that follow each other without a gap


def _runs(series: Series) -> Iterator[Run]:
    first: int | None = None
    for index, (time, value) in enumerate(zip(series.times, series.mean, strict=True)):
        torn = index > 0 and time - series.times[index - 1] > series.gap_s * _MS
        if first is not None and (value is None or torn):
            yield first, index - 1
            first = None
        if first is None and value is not None:
            first = index
    if first is not None:
        yield first, len(series.times) - 1


def _gaps(series: Series, frame: Frame, runs: list[Run]) -> list[tuple[int, int]]:
    """Return the (begin, end) in ms of every stretch longer than the gap without a value."""
    edges = [frame.since]
    for first, last in runs:
        edges += [series.times[first], series.times[last]]
    edges.append(frame.until)
    stretches = zip(edges[::2], edges[1::2], strict=True)
    return [(a, b) for a, b in stretches if b - a > series.gap_s * _MS]


def _named(gaps: list[tuple[int, int]], frame: Frame) -> Iterator[dict[str, Any]]:
    clock, window = _clock(frame.zone), frame.until - frame.since
    for begin, end in gaps:
        if end - begin >= NAMED_GAP * window:
            yield {
                "x": clock((begin + end) // 2),
                "yref": "paper",
                "y": 0.5,
                "text": frame.words["missing"],
                "showarrow": False,
                "font": {"color": FOREGROUND},
                "bgcolor": MUTED,
                "borderpad": 6,
            }


def _clock(zone: str) -> Callable[[int], str]:
    """Return how an instant is written: Plotly draws it as it stands, so in the zone's own time."""
    local = ZoneInfo(zone)

    def write(ms: int) -> str:
        moment = datetime.fromtimestamp(ms / _MS, UTC).astimezone(local)
        return moment.replace(tzinfo=None).isoformat(timespec="seconds")

    return write


def _missing(gaps: list[tuple[int, int]], clock: Callable[[int], str], word: str) -> dict[str, Any]:
    x: list[str | None] = []
    y: list[float | None] = []
    for begin, end in gaps:
        a, b = clock(begin), clock(end)
        x += [a, b, b, a, a, None]
        y += [0, 0, 1, 1, 0, None]
    return {
        "type": "scatter",
        "name": word,
        "x": x,
        "y": y,
        "yaxis": "y2",
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": "rgba(0,0,0,0)",
        "fillpattern": {"shape": "/", "fgcolor": HATCH, "size": 12, "solidity": 0.2},
        "hoverinfo": "skip",
    }


def _band(series: Series, runs: list[Run], clock: Callable[[int], str]) -> dict[str, Any]:
    x: list[str | None] = []
    y: list[float | None] = []
    for first, last in runs:
        steps = range(first, last + 1)
        x += [clock(series.times[i]) for i in steps]
        y += [series.high[i] for i in steps]
        x += [clock(series.times[i]) for i in reversed(steps)] + [None]
        y += [series.low[i] for i in reversed(steps)] + [None]
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines",
        "line": {"width": 0},
        "fill": "toself",
        "fillcolor": BAND,
        "hoverinfo": "skip",
    }


def _line(
    series: Series, runs: list[Run], frame: Frame, clock: Callable[[int], str]
) -> dict[str, Any]:
    x: list[str | None] = []
    y: list[float | None] = []
    text: list[str] = []
    for first, last in runs:
        for index in range(first, last + 1):
            x.append(clock(series.times[index]))
            y.append(series.mean[index])
            text.append(_hover(series, index, frame))
        x.append(clock(series.times[last]))
        y.append(None)
        text.append("")
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "text": text,
        "mode": "lines",
        "line": {"color": FOREGROUND, "width": 2, "shape": "hv" if series.states else "linear"},
        "connectgaps": False,
        "hovertemplate": "%{text}<extra></extra>",
    }


def _hover(series: Series, index: int, frame: Frame) -> str:
    mean = series.mean[index]
    if mean is None:
        return frame.words["missing"]
    if series.states is not None:
        return series.states.get(round(mean), frame.number(mean))
    unit = f"\u00a0{series.unit}" if series.unit else ""
    said = f"{frame.number(mean)}{unit}"
    low, high = series.low[index], series.high[index]
    if low is None or high is None or low == high:
        return said
    band = f"{frame.number(low)} – {frame.number(high)}{unit}"
    return f"{frame.words['mean']} {said}<br>{frame.words['band']} {band}"


def _lonely(series: Series, runs: list[Run], clock: Callable[[int], str]) -> dict[str, Any]:
    """Return single steps between two gaps, which a line alone would not show."""
    alone = [first for first, last in runs if first == last]
    return {
        "type": "scatter",
        "x": [clock(series.times[i]) for i in alone],
        "y": [series.mean[i] for i in alone],
        "mode": "markers",
        "marker": {"color": FOREGROUND, "size": 5},
        "hoverinfo": "skip",
    }


def _layout(
    series: Series, frame: Frame, clock: Callable[[int], str], limit: Limit | None
) -> dict[str, Any]:
    made = layout()
    made["xaxis"] |= {"type": "date", "range": [clock(frame.since), clock(frame.until)]}
    made["yaxis2"] = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    if series.states is not None:
        made["yaxis"] |= {
            "tickvals": list(series.states),
            "ticktext": list(series.states.values()),
            "range": [min(series.states, default=0) - 0.5, max(series.states, default=0) + 0.5],
        }
    else:
        made["yaxis"]["range"] = _range(series, limit)
        made["yaxis"]["ticksuffix"] = f"\u00a0{series.unit}" if series.unit else ""
    if limit is not None:
        made["shapes"] = [_limit_line(limit)]
        made["annotations"] = [_limit_words(limit)]
    return made


def _range(series: Series, limit: Limit | None) -> list[float]:
    values = [
        v for column in (series.low, series.high, series.mean) for v in column if v is not None
    ]
    if limit is not None:
        values.append(limit.value)
    if not values:
        return [0.0, 1.0]
    low, high = min(values), max(values)
    margin = (high - low) * MARGIN_OF_RANGE or max(abs(high) * MARGIN_OF_RANGE, 0.5)
    return [low - margin, high + margin]


def _limit_line(limit: Limit) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": limit.value,
        "y1": limit.value,
        "line": {"color": FOREGROUND, "width": 2, "dash": "dash" if limit.legal else "solid"},
    }


def _limit_words(limit: Limit) -> dict[str, Any]:
    return {
        "xref": "paper",
        "x": 1,
        "xanchor": "right",
        "y": limit.value,
        "yanchor": "bottom",
        "text": limit.words,
        "showarrow": False,
        "font": {"color": FOREGROUND},
        "bgcolor": MUTED,
    }
