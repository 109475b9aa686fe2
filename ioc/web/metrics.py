"""What this worker tells Prometheus, in its text format 0.0.4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number; a counter's name ends in `_total`, a unit is part of the name."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    value: float


def text(metrics: list[Metric]) -> str:
    """Return the exposition of metrics, one HELP and TYPE line each."""
    return "".join(_lines(metrics))


def _number(value: float) -> str:
    """Return every digit: a counter that is rounded stands still, then jumps."""
    return str(int(value)) if float(value).is_integer() else repr(value)


def _lines(metrics: list[Metric]) -> Iterator[str]:
    for metric in metrics:
        yield f"# HELP {metric.name} {metric.help}\n"
        yield f"# TYPE {metric.name} {metric.kind}\n"
        yield f"{metric.name} {_number(metric.value)}\n"
