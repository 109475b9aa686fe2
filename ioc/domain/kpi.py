"""How good the alerts of a period were, counted from the event log alone.

Targets: EEMUA 191 and ISA-18.2 for load, floods, priorities, chattering and standing alarms; the
times to an acknowledgement are the escalation steps of this centre.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Final, NamedTuple

from ioc.domain.alert import Kind, Severity
from ioc.domain.announcement import DESK, EVALUATOR
from ioc.domain.flood import WINDOW, floods
from ioc.domain.instant import HOUR, MINUTE, Micros

CHATTERS_AT: Final = 3  # raises of one source within a minute
STANDING_AFTER: Final = 24 * HOUR
TOP: Final = 10

TARGET_LOAD: Final = 1.0  # alerts in 10 minutes for each operator
TARGET_FLOOD: Final = 0.01  # of the time
TARGET_TOP: Final = 0.05  # share of the ten most frequent
TARGET_STANDING: Final = 5
TARGET_ACK_MEDIAN: Final = 5 * MINUTE
TARGET_ACK_P95: Final = 15 * MINUTE
TARGET_SHELF: Final = 8 * HOUR  # a shift
TARGET_SPLIT: Final = (0.80, 0.15, 0.05)  # low, medium, high with critical
_SPLIT_SLACK: Final = 1.5  # half as many again is still a design that tells them apart


class Line(NamedTuple):
    """One line of the log with what it is about; `severity` is that of the line."""

    alert: str
    rule: str
    datastream: int
    severity: int
    occurrence: int
    kind: Kind
    time: Micros  # event time
    recorded: Micros
    actor: str | None = None
    reason: str | None = None


Source = tuple[str, int]  # rule, datastream


@dataclass(frozen=True, slots=True)
class Report:
    """What a period comes to; instants and durations in µs, shares from 0 to 1."""

    raises: int
    load: float  # raises in 10 minutes for each operator
    busiest: int  # raises within any 10 minutes
    floods: int
    flood_share: float
    chattering: tuple[Source, ...]
    standing: int  # on for more than 24 h at the end
    top: tuple[tuple[Source, int], ...]
    top_share: float
    acked: int
    unacked: int  # of the period's raises, nobody answered them until its end
    ack_median: int | None
    ack_p95: int | None
    by_severity: Mapping[int, int]
    shelved: int  # at the end
    shelf_age: int | None  # of the oldest one

    def share(self, *severities: Severity) -> float:
        """Return how much of the raises had one of these severities."""
        found = sum(self.by_severity[severity] for severity in severities)
        return found / self.raises if self.raises else 0.0

    @property
    def splits_well(self) -> bool:
        """Tell whether the urgent ones are as few as the targets say."""
        _, medium, high = TARGET_SPLIT
        return (
            self.share(Severity.CRITICAL, Severity.HIGH) <= high * _SPLIT_SLACK
            and self.share(Severity.MEDIUM) <= medium * _SPLIT_SLACK
        )


def report(lines: Iterable[Line], since: Micros, until: Micros) -> Report:
    """Count what was recorded in [since, until).

    `lines` are the whole logs of all alerts that were open at any time in it, in any order.
    """
    known = sorted((line for line in lines if line.recorded < until), key=_order)
    over = {line.alert for line in known if line.kind is Kind.CLOSE and line.reason == "late"}
    # What was found when already over called nobody.
    raised = [
        line
        for line in known
        if line.kind is Kind.RAISE and line.recorded >= since and line.alert not in over
    ]
    times = [line.recorded for line in raised]
    flooded = list(floods(times, until))
    top = Counter((line.rule, line.datastream) for line in raised).most_common()
    top.sort(key=lambda pair: (-pair[1], pair[0]))
    answers = _answers(known, raised)
    shelves = _shelves(known, until)
    return Report(
        raises=len(raised),
        load=len(raised) / _desk_windows(known, since, until),
        busiest=_busiest(times),
        floods=len(flooded),
        flood_share=sum(end - begin for begin, end in flooded) / max(1, until - since),
        chattering=_chattering(raised),
        standing=_standing(known, until),
        top=tuple(top[:TOP]),
        top_share=sum(n for _, n in top[:TOP]) / max(1, len(raised)),
        acked=len(answers),
        unacked=_unanswered(known, raised),
        ack_median=round(median(answers)) if answers else None,
        ack_p95=answers[ceil(0.95 * len(answers)) - 1] if answers else None,
        by_severity=_by_severity(raised),
        shelved=len(shelves),
        shelf_age=max(shelves, default=None),
    )


def _order(line: Line) -> tuple[int, int]:
    return line.recorded, line.time


def _by_severity(raised: Sequence[Line]) -> dict[int, int]:
    return {int(s): sum(line.severity == s for line in raised) for s in Severity}


def _desk_windows(lines: Sequence[Line], since: Micros, until: Micros) -> float:
    """Return the 10-minute windows of the period, each as often as operators were at work.

    Who acted in an hour was there for that hour; an hour in which nobody acted had one operator.
    """
    people: dict[int, set[str]] = defaultdict(set)
    for line in lines:
        if line.recorded >= since and _is_person(line):
            people[(line.recorded - since) // HOUR].add(line.actor or "")
    windows = 0.0
    for number in range(ceil((until - since) / HOUR)):
        length = min(HOUR, until - since - number * HOUR)
        windows += length / WINDOW * max(1, len(people[number]))
    return windows or 1.0


def _is_person(line: Line) -> bool:
    return line.actor is not None and line.actor not in (EVALUATOR, DESK)


def _busiest(times: Sequence[Micros]) -> int:
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= WINDOW:
            first += 1
        most = max(most, last - first + 1)
    return most


def _chattering(raised: Sequence[Line]) -> tuple[Source, ...]:
    """Return the sources that were raised CHATTERS_AT times within a minute of event time."""
    times: dict[Source, list[Micros]] = defaultdict(list)
    for line in raised:
        times[line.rule, line.datastream].append(line.time)
    found = []
    for source, moments in times.items():
        moments.sort()
        pairs = zip(moments, moments[CHATTERS_AT - 1 :], strict=False)
        if any(last - first < MINUTE for first, last in pairs):
            found.append(source)
    return tuple(sorted(found))


def _answers(lines: Sequence[Line], raised: Sequence[Line]) -> list[int]:
    """Return the times from a raise to its first acknowledgement by a person, sorted."""
    begun = {(line.alert, line.occurrence): line.recorded for line in raised}
    answered: dict[tuple[str, int], int] = {}
    for line in lines:
        key = line.alert, line.occurrence
        if line.kind is Kind.ACK and _is_person(line) and key in begun:
            answered.setdefault(key, max(0, line.recorded - begun[key]))  # a clock may step back
    return sorted(answered.values())


def _unanswered(lines: Sequence[Line], raised: Sequence[Line]) -> int:
    """Count raises without any acknowledgement whose alert nothing closed either."""
    done = {(line.alert, line.occurrence) for line in lines if line.kind in (Kind.ACK, Kind.CLOSE)}
    return sum((line.alert, line.occurrence) not in done for line in raised)


def _standing(lines: Sequence[Line], until: Micros) -> int:
    on: dict[str, Micros] = {}
    for line in lines:
        if line.kind is Kind.RAISE or (line.kind is Kind.MOVED and line.alert in on):
            on[line.alert] = line.time
        elif line.kind in (Kind.RTN, Kind.CLOSE):
            on.pop(line.alert, None)
    return sum(until - begun > STANDING_AFTER for begun in on.values())


def _shelves(lines: Sequence[Line], until: Micros) -> list[int]:
    """Return the ages at the end of what was still shelved."""
    since: dict[str, Micros] = {}
    for line in lines:
        if line.kind is Kind.SHELVE:
            since.setdefault(line.alert, line.recorded)
        elif line.kind in (Kind.UNSHELVE, Kind.CLOSE):
            since.pop(line.alert, None)
    return [until - begun for begun in since.values()]


def per_bucket(lines: Iterable[Line], since: Micros, until: Micros, width: int) -> list[int]:
    """Count the raises of each `width` of the period, for a chart."""
    counts = [0] * ceil((until - since) / width)
    for line in lines:
        if line.kind is Kind.RAISE and since <= line.recorded < until:
            counts[(line.recorded - since) // width] += 1
    return counts
