"""How every chart looks: the dark room's tokens as a Plotly layout, and Vietnamese for Plotly."""

from __future__ import annotations

from typing import Any, Final

FOREGROUND: Final = "#F2F5F7"
TEXT: Final = "#C6CED6"
CONTROL: Final = "#808B96"
GRID: Final = "#343B43"
GROUND: Final = "#14181C"
BAND: Final = "rgba(198,206,214,.16)"
HATCH: Final = "rgba(198,206,214,.28)"
MUTED: Final = "rgba(30,35,40,.8)"


def layout() -> dict[str, Any]:
    """Return a fresh layout; the caller adds ranges and marks."""
    return {
        "font": {"family": "IOC Sans, Noto Sans, sans-serif", "size": 13, "color": TEXT},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "separators": ",.",
        "margin": {"l": 52, "r": 24, "t": 16, "b": 52},
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": GROUND,
            "bordercolor": CONTROL,
            "font": {"color": FOREGROUND, "family": "IOC Sans, Noto Sans, sans-serif"},
        },
        "showlegend": False,
        "dragmode": False,
        "xaxis": {
            "showgrid": False,
            "linecolor": CONTROL,
            "ticks": "outside",
            "ticklen": 5,
            "tickcolor": CONTROL,
            "tickformat": "%H:%M\n%d/%m",
            "hoverformat": "%d/%m/%Y %H:%M",
            "nticks": 8,
            "fixedrange": True,
        },
        "yaxis": {
            "gridcolor": GRID,
            "zeroline": False,
            "nticks": 6,
            "automargin": True,
            "fixedrange": True,
        },
    }


_DAYS: Final = ["Chủ nhật", "Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy"]
_VIETNAMESE: Final[dict[str, Any]] = {
    "dictionary": {},
    "format": {
        "days": _DAYS,
        "shortDays": ["CN", "T2", "T3", "T4", "T5", "T6", "T7"],
        "months": [f"tháng {n}" for n in range(1, 13)],
        "shortMonths": [f"Thg {n}" for n in range(1, 13)],
        "periods": ["sáng", "chiều"],
        "dateTime": "%H:%M:%S %d/%m/%Y",
        "date": "%d/%m/%Y",
        "time": "%H:%M:%S",
        "decimal": ",",
        "thousands": ".",
        "grouping": [3],
    },
}


def config() -> Any:  # noqa: ANN401  Dash types it by a class of its own
    """Return the settings of a chart on a page: no tool bar, Vietnamese, sized by its box."""
    return {
        "locale": "vi",
        "locales": {"vi": _VIETNAMESE},
        "displayModeBar": False,
        "responsive": True,
        "scrollZoom": False,
    }
