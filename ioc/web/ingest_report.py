"""What ingest says of itself, feed by feed: the same numbers as on /metrics, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ioc.domain.instant import SECOND
from ioc.exposition import Report, Sample
from ioc.web.metrics import OLD_S


@dataclass(slots=True)
class FeedNumbers:
    """Messages of a feed since ingest started.

    `lag_s`: nineteen of twenty values were committed at most so long after their own instant;
    None: later than the last edge, or nothing measured (`measured` is 0).
    """

    received: int = 0
    committed: int = 0
    refused: int = 0
    lag_s: float | None = None
    measured: int = 0


@dataclass(slots=True)
class Ingest:
    """Ingest as its reports show it; `reporting` False: nobody reported lately."""

    reporting: bool = False
    connected: bool = False
    kept: bool = False  # the broker had kept our session
    waiting: int = 0  # messages received and not yet taken up
    feeds: dict[str, FeedNumbers] = field(default_factory=dict)


def read(reports: Mapping[str, Report], now: int) -> Ingest:
    """Add up the reports that are new at `now`, µs; one that stands by has no feeds to tell of."""
    found = Ingest()
    buckets: dict[str, dict[float, float]] = {}
    for report in reports.values():
        if now - report.at > OLD_S * SECOND:
            continue
        for name, sample in _samples(report):
            found.reporting = True
            _add(found, buckets, name, sample)
    for feed, counts in buckets.items():
        one = found.feeds.setdefault(feed, FeedNumbers())
        one.measured = int(counts.get(float("inf"), 0))
        one.lag_s = _quantile(counts, 0.95)
    return found


def _samples(report: Report) -> Iterator[tuple[str, Sample]]:
    for family in report.families:
        if family.name.startswith("ioc_ingest_"):
            for sample in family.samples:
                yield family.name.removeprefix("ioc_ingest_"), sample


def _add(found: Ingest, buckets: dict[str, dict[float, float]], name: str, sample: Sample) -> None:
    feed = sample.labels.get("feed", "")
    match name:
        case "received_total" | "committed_total" | "refused_total":
            numbers = found.feeds.setdefault(feed, FeedNumbers())
            kind = name.removesuffix("_total")
            setattr(numbers, kind, getattr(numbers, kind) + int(sample.value))
        case "lag_seconds" if sample.suffix == "_bucket":
            counts = buckets.setdefault(feed, {})
            edge = float(sample.labels["le"])
            counts[edge] = counts.get(edge, 0) + sample.value
        case "connected":
            found.connected |= sample.value > 0
        case "session_present":
            found.kept |= sample.value > 0
        case "waiting_messages":
            found.waiting += int(sample.value)


def _quantile(counts: Mapping[float, float], share: float) -> float | None:
    """Return the edge below which `share` lie; None above the last finite one."""
    total = counts.get(float("inf"), 0)
    fitting = (edge for edge in sorted(counts) if total and counts[edge] >= share * total)
    edge = next(fitting, float("inf"))
    return None if edge == float("inf") else edge
