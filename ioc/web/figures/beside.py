"""What a station's page adds to the chart of a past: bad steps, another datastream, notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from ioc.web.figures.style import CONTROL, FOREGROUND, MUTED

OTHER: Final = "#9DB4C8"  # the second of the colourway; dashed besides, for who sees no colours
_BOTTOM: Final = 0.015  # of the height: marks stand on the axis, clear of the line

Figure = dict[str, Any]
Past = tuple[Sequence[int], Sequence[float | None], float]  # ms, values, seconds that tear the line
Mark = tuple[int, int, str]  # ms from, ms until, what stands at it


def clock_of(zone: str) -> Callable[[int], str]:
    """Return how Plotly is told an instant: as the province's clocks show it."""
    local = ZoneInfo(zone)

    def write(ms: int) -> str:
        moment = datetime.fromtimestamp(ms / 1000, UTC).astimezone(local)
        return moment.replace(tzinfo=None).isoformat(timespec="seconds")

    return write


def with_bad(figure: Figure, marks: Sequence[tuple[int, str]], zone: str) -> Figure:
    """Add a cross at the foot of each step in which a value was not good, saying how many."""
    clock = clock_of(zone)
    figure["data"].append(
        {
            "type": "scatter",
            "x": [clock(at) for at, _ in marks],
            "y": [_BOTTOM for _ in marks],
            "yaxis": "y2",
            "text": [words for _, words in marks],
            "mode": "markers",
            "marker": {"symbol": "x-thin", "size": 8, "line": {"color": FOREGROUND, "width": 1.5}},
            "hovertemplate": "%{text}<extra></extra>",
        }
    )
    return figure


def with_other(figure: Figure, past: Past, words: Sequence[str], title: str, zone: str) -> Figure:
    """Add another datastream with an axis of its own at the right; `words` stand at its points."""
    clock = clock_of(zone)
    x: list[str] = []
    y: list[float | None] = []
    text: list[str] = []
    before: int | None = None
    times, values, gap_s = past
    for at, value, said in zip(times, values, words, strict=True):
        if before is not None and at - before > gap_s * 1000:
            x.append(clock(before))
            y.append(None)
            text.append("")
        x.append(clock(at))
        y.append(value)
        text.append(said)
        before = at
    figure["data"].append(
        {
            "type": "scatter",
            "x": x,
            "y": y,
            "yaxis": "y3",
            "text": text,
            "mode": "lines",
            "line": {"color": OTHER, "width": 2, "dash": "dash"},
            "connectgaps": False,
            "hovertemplate": "%{text}<extra></extra>",
        }
    )
    axis = {"overlaying": "y", "side": "right", "showgrid": False, "zeroline": False}
    axis |= {"fixedrange": True, "nticks": 6, "automargin": True, "tickfont": {"color": OTHER}}
    figure["layout"]["yaxis3"] = axis | {"title": {"text": title, "font": {"color": OTHER}}}
    return figure


def with_notes(figure: Figure, notes: Sequence[Mark], zone: str) -> Figure:
    """Add a numbered mark for each note, over the stretch that it is about."""
    clock = clock_of(zone)
    shapes = [*figure["layout"].get("shapes", ())]
    words = [*figure["layout"].get("annotations", ())]
    for since, until, number in notes:
        place = {"xref": "x", "yref": "paper", "x0": clock(since), "x1": clock(until)}
        line = {"color": CONTROL, "width": 1, "dash": "dot"}
        shape = {"type": "rect", "y0": 0, "y1": 1, "line": line, "fillcolor": MUTED}
        shapes.append(place | shape | {"layer": "below"})
        words.append(
            {
                "x": clock(since), "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "top",
                "text": number, "showarrow": False, "font": {"color": FOREGROUND},
                "bgcolor": MUTED, "bordercolor": CONTROL, "borderpad": 3,
            }
        )  # fmt: skip
    figure["layout"] |= {"shapes": shapes, "annotations": words}
    return figure
