"""Charts as SVG, drawn by pure functions: the same picture on a tablet and in a printed report.

Colours are those of paper, as attributes, which a page's style sheet may overrule by class (`ink`,
`soft`, `grid`, `band`). No hue: a line is ink, a limit is dashed, what is missing is hatched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from html import escape
from math import ceil, floor, isfinite, log10
from typing import Final

_MS: Final = 1000
_FONT: Final = "IOC Digits, IOC Latin, IOC Latin Extended, IOC Vietnamese, IOC Sans, sans-serif"
_INK: Final = "#15181B"
_SOFT: Final = "#515B65"
_GRID: Final = "#D0D5D9"
_BAND: Final = "#DDE0E3"
_HEADROOM: Final = 0.08  # of the data's span, above and below
_TICKS: Final = 4
# Steps of a time axis in minutes: what people read off a clock or a calendar.
_STEPS: Final = (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 20160, 43200)


@dataclass(frozen=True, slots=True)
class Size:
    """Of a drawing, in its own units; it is scaled to the box it stands in."""

    width: int = 640
    height: int = 220
    letters: float = 13.0


@dataclass(frozen=True, slots=True)
class Line:
    """Steps of one series, oldest first; times are ms, None where a step has no good value."""

    times: Sequence[int]
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    gap_ms: float = float("inf")


@dataclass(frozen=True, slots=True)
class Axis:
    """What surrounds a line: the window (ms), its clock, its numbers, and its words."""

    since: int
    until: int
    zone: tzinfo
    number: Callable[[float], str]
    unit: str = ""
    title: str = ""
    missing: str = ""
    limit: float | None = None
    limit_words: str = ""
    states: dict[int, str] | None = None  # of a category: its values in words


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where data stand in the drawing."""

    left: float
    top: float
    right: float
    bottom: float
    since: int
    until: int
    low: float
    high: float

    def x(self, time: float) -> float:
        span = max(self.until - self.since, 1)
        return self.left + (time - self.since) / span * (self.right - self.left)

    def y(self, value: float) -> float:
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)


def spark(values: Sequence[float | None], width: float = 250, height: float = 30) -> str:
    """Return the `d` of a path through `values`, broken where there is none; "" for fewer than two.

    The caller draws it and, from `last_point`, the dot at its end.
    """
    points = list(_spark_points(values, width, height))
    found: list[str] = []
    pen_up = True
    for point in points:
        if point is None:
            pen_up = True
            continue
        found.append(f"{'M' if pen_up else 'L'}{point[0]:.1f} {point[1]:.1f}")
        pen_up = False
    return "".join(found) if len(found) > 1 else ""


def last_point(
    values: Sequence[float | None], width: float = 250, height: float = 30
) -> tuple[float, float] | None:
    """Return where `spark` ends; None when the newest value is missing."""
    points = list(_spark_points(values, width, height))
    return points[-1] if points else None


def _spark_points(
    values: Sequence[float | None], width: float, height: float
) -> Iterator[tuple[float, float] | None]:
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    inset = 5.0  # the dot at the end is whole
    step = (width - 2 * inset) / max(len(values) - 1, 1)
    for index, value in enumerate(values):
        if value is None:
            yield None
            continue
        share = (value - low) / (high - low) if high > low else 0.5
        yield inset + index * step, height - inset - share * (height - 2 * inset)


def line(series: Line, axis: Axis, size: Size = Size()) -> str:
    """Return a line over time with its band, limit and gaps as one <svg>."""
    plot = _plot(series, axis, size)
    parts = [*_grid(plot, axis, size), *_gaps(plot, series, axis, size)]
    parts += [*_band(plot, series), *_limit(plot, axis, size), *_ink(plot, series, axis)]
    return _svg(size, axis.title, parts)


def bars(
    rows: Sequence[tuple[str, float]],
    axis_words: str,
    size: Size = Size(),
) -> str:
    """Return one column for each (words, number ≥ 0); the number stands above its column."""
    top, bottom = size.letters * 1.6, size.height - size.letters * 1.8
    most = max((value for _, value in rows), default=0) or 1
    width = size.width / max(len(rows), 1)
    parts = [f'<path class="soft" d="M0 {bottom:g}H{size.width:g}" stroke="{_SOFT}"/>']
    for index, (words, value) in enumerate(rows):
        height = (bottom - top) * value / most
        x, y = index * width, bottom - height
        parts.append(
            f'<rect class="bar" x="{x + width * 0.18:.1f}" y="{y:.1f}" width="{width * 0.64:.1f}"'
            f' height="{height:.1f}" fill="{_SOFT}"/>'
        )
        middle = x + width / 2
        parts.append(_text(middle, y - 4, f"{value:g}", size, anchor="middle", strong=True))
        parts.append(_text(middle, size.height - 4, words, size, anchor="middle"))
    return _svg(size, axis_words, parts)


# ---------------------------------------------------------------- parts of a line


def _plot(series: Line, axis: Axis, size: Size) -> _Plot:
    low, high = _range(series, axis)
    return _Plot(
        left=size.letters * (7.5 if axis.states else 4.6),
        top=size.letters * 1.2,
        right=size.width - size.letters * 0.8,
        bottom=size.height - size.letters * 2.0,
        since=axis.since,
        until=axis.until,
        low=low,
        high=high,
    )


def _range(series: Line, axis: Axis) -> tuple[float, float]:
    if axis.states:
        return min(axis.states) - 0.5, max(axis.states) + 0.5
    columns = (series.values, series.low, series.high)
    known = [v for column in columns for v in column if v is not None and isfinite(v)]
    if axis.limit is not None:
        known.append(axis.limit)
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    margin = (high - low) * _HEADROOM or max(abs(high) * _HEADROOM, 0.5)
    return low - margin, high + margin


def _grid(plot: _Plot, axis: Axis, size: Size) -> Iterator[str]:
    for value in list(axis.states) if axis.states else _round_steps(plot.low, plot.high):
        y = plot.y(value)
        yield f'<path class="grid" d="M{plot.left:g} {y:.1f}H{plot.right:g}" stroke="{_GRID}"/>'
        words = axis.states[value] if axis.states else axis.number(value)  # type: ignore[index]
        yield _text(plot.left - 6, y + size.letters * 0.36, words, size, anchor="end")
    if axis.unit:
        yield _text(plot.left, size.letters * 0.85, axis.unit, size)
    yield f'<path class="soft" d="M{plot.left:g} {plot.bottom:g}H{plot.right:g}" stroke="{_SOFT}"/>'
    for at, words in _times(axis, int((plot.right - plot.left) / (size.letters * 7))):
        x = plot.x(at)
        yield f'<path class="soft" d="M{x:.1f} {plot.bottom:g}v5" stroke="{_SOFT}"/>'
        anchor = "end" if x > plot.right - size.letters * 2 else "middle"
        yield _text(x, plot.bottom + size.letters * 1.4, words, size, anchor=anchor)


def _round_steps(low: float, high: float) -> Iterator[float]:
    rough = (high - low) / _TICKS
    scale = 10.0 ** floor(log10(rough))
    step = next(scale * n for n in (1, 2, 5, 10) if scale * n >= rough)
    for index in range(ceil(low / step), floor(high / step) + 1):
        yield index * step


def _times(axis: Axis, most: int) -> Iterator[tuple[int, str]]:
    """Yield (ms, words) of round local times: hours of a day, else days."""
    minutes = (axis.until - axis.since) / 60_000 / max(most, 1)
    step = next((s for s in _STEPS if s >= minutes), _STEPS[-1])
    local = datetime.fromtimestamp(axis.since / _MS, UTC).astimezone(axis.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    first = round(midnight.timestamp() * _MS)
    day = 1440
    for at in range(first, axis.until + 1, step * 60_000):
        if at < axis.since:
            continue
        moment = datetime.fromtimestamp(at / _MS, UTC).astimezone(axis.zone)
        dated = step >= day or moment.hour == moment.minute == 0
        yield at, f"{moment:%d/%m}" if dated else f"{moment:%H:%M}"


def _runs(series: Line) -> Iterator[list[int]]:
    """Yield indices of steps that follow each other without a gap."""
    run: list[int] = []
    for index, (time, value) in enumerate(zip(series.times, series.values, strict=True)):
        torn = index > 0 and time - series.times[index - 1] > series.gap_ms
        if run and (value is None or torn):
            yield run
            run = []
        if value is not None:
            run.append(index)
    if run:
        yield run


def _gaps(plot: _Plot, series: Line, axis: Axis, size: Size) -> Iterator[str]:
    """Hatch what nobody knows; the widest says so in words."""
    edges: list[int] = [axis.since]
    for run in _runs(series):
        edges += [series.times[run[0]], series.times[run[-1]]]
    edges.append(axis.until)
    stretches = zip(edges[::2], edges[1::2], strict=True)
    gaps = [(a, b) for a, b in stretches if b - a > series.gap_ms]
    for begin, end in gaps:
        x, width = plot.x(begin), plot.x(end) - plot.x(begin)
        yield (
            f'<rect x="{x:.1f}" y="{plot.top:g}" width="{width:.1f}"'
            f' height="{plot.bottom - plot.top:.1f}" fill="url(#missing)"/>'
        )
    wide = [(a, b) for a, b in gaps if plot.x(b) - plot.x(a) > size.letters * len(axis.missing)]
    if wide and axis.missing:
        begin, end = max(wide, key=lambda gap: gap[1] - gap[0])
        middle, y = (plot.x(begin) + plot.x(end)) / 2, (plot.top + plot.bottom) / 2
        yield _text(middle, y, axis.missing, size, anchor="middle", strong=True)


def _band(plot: _Plot, series: Line) -> Iterator[str]:
    if not series.low or not series.high:
        return
    for run in _runs(series):
        known = [i for i in run if series.low[i] is not None and series.high[i] is not None]
        if len(known) > 1:
            above = [(series.times[i], series.high[i] or 0.0) for i in known]
            below = [(series.times[i], series.low[i] or 0.0) for i in reversed(known)]
            points = " ".join(f"{plot.x(t):.1f},{plot.y(v):.1f}" for t, v in [*above, *below])
            yield f'<polygon class="band" points="{points}" fill="{_BAND}"/>'


def _ink(plot: _Plot, series: Line, axis: Axis) -> Iterator[str]:
    for run in _runs(series):
        points = [(plot.x(series.times[i]), plot.y(series.values[i] or 0.0)) for i in run]
        if len(points) == 1:
            x, y = points[0]
            yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{_INK}"/>'
            continue
        if axis.states:  # a state holds until the next word
            drawn = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
            drawn += "".join(f"H{x:.1f}V{y:.1f}" for x, y in points[1:])
        else:
            drawn = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        yield f'<path class="ink" d="{drawn}" fill="none" stroke="{_INK}" stroke-width="2"/>'


def _limit(plot: _Plot, axis: Axis, size: Size) -> Iterator[str]:
    if axis.limit is None:
        return
    y = plot.y(axis.limit)
    yield (
        f'<path class="ink" d="M{plot.left:g} {y:.1f}H{plot.right:g}" stroke="{_INK}"'
        ' stroke-width="2" stroke-dasharray="7 5" fill="none"/>'
    )
    yield _text(plot.right, y - 5, axis.limit_words, size, anchor="end", strong=True)


def _text(
    x: float, y: float, words: str, size: Size, *, anchor: str = "start", strong: bool = False
) -> str:
    weight, colour, name = ("600", _INK, "said") if strong else ("400", _SOFT, "mark")
    return (
        f'<text class="{name}" x="{x:.1f}" y="{y:.1f}" font-size="{size.letters:g}"'
        f' font-weight="{weight}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'
    )


_HATCH: Final = (
    '<defs><pattern id="missing" width="8" height="8" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><path d="M0 0V8" stroke="#BFC5CA"'
    ' stroke-width="3"/></pattern></defs>'
)


def _svg(size: Size, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size.width} {size.height}"'
        f' role="img" aria-label="{escape(title, quote=True)}" class="drawn" font-family="{_FONT}">'
        f"{_HATCH}{''.join(parts)}</svg>"
    )
