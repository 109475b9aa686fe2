"""A restart at any moment: the memory that is built again goes on as the one that was lost."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from ioc.alerting.binding import Bound, mark
from ioc.alerting.ports import Past
from ioc.alerting.rebuild import Job, rebuild
from ioc.domain.alert import Sample
from ioc.domain.announcement import Subject
from ioc.domain.episode import Change, Track
from ioc.domain.evaluation import Key, Saved
from ioc.domain.instant import HOUR, MINUTE, Micros
from ioc.domain.levels import Ladder
from ioc.domain.observation import DatastreamId, ThingId
from ioc.rules import document
from ioc.rules.definition import Core
from ioc.rules.inputs import inputs
from ioc.rules.trial import Pace, levels_of

STREAM = DatastreamId(1)
PACE = Pace(300, 1800)
BEGIN = 1_767_200_400_000_000  # 2026-01-01T00:00:00+07:00
BASE = {"id": "r", "op": ">", "on_delay": "5m", "off_delay": "10m", "late_horizon": "40m"}
LEVELS = [
    {"severity": "medium", "limit": 40, "deadband": 5},
    {"severity": "critical", "limit": 60, "deadband": 15},
]
RULES = {
    "one": {**BASE, "levels": LEVELS[:1]},
    "levels": {**BASE, "levels": LEVELS},
    "window": {**BASE, "levels": LEVELS, "window": {"function": "mean", "length": "1h"}},
    "rate": {**BASE, "levels": LEVELS, "input": "rate", "window": {"length": "10m"}},
    "deviation": {
        **BASE,
        "levels": [{"severity": "low", "limit": 15, "deadband": 5}],
        "input": "deviation",
        "window": {"function": "median", "length": "1h", "min_coverage": 0.5},
    },
    "night": {
        **BASE,
        "levels": LEVELS,
        "schedule": {"hours": [{"from": "23:00", "to": "01:30"}]},
    },
    "silence": {"id": "r", "input": "no_data", "levels": [{"severity": "high"}]},
}


@dataclass
class History:
    """Committed observations in order of arrival."""

    rows: list[Sample] = field(default_factory=list)

    def newest(
        self, ids: Sequence[DatastreamId], _done: Mapping[int, int]
    ) -> Mapping[DatastreamId, Micros]:
        return {ids[0]: max(row.time for row in self.rows)} if self.rows else {}

    def since(
        self, starts: Mapping[DatastreamId, Micros | None], _done: Mapping[int, int]
    ) -> Mapping[DatastreamId, Past]:
        found = {}
        for datastream, start in starts.items():
            older = [row for row in self.rows if start is not None and row.time <= start]
            before = max(older, key=lambda row: row.time, default=None)
            after = [row for row in self.rows if start is None or row.time > start]
            found[datastream] = Past(before, after)
        return found


def bound(rule: Core) -> Bound:
    subject = Subject(STREAM, ThingId(1))
    return Bound(Track(levels_of(rule, 1, PACE)), subject, 0, inputs(rule, PACE))


def stored(ladder: Ladder) -> Ladder:
    """Return what the columns of alert_state keep: no peak."""
    bare = tuple(state._replace(peak=None, peak_at=None) for state in ladder.states)
    return ladder._replace(states=bare)


class Life:
    """One evaluator's memory of one rule, which may be lost and built again."""

    def __init__(self, rule: Core) -> None:
        self.rule, self.history = rule, History()
        self.bound = bound(rule)
        self.saved: Saved | None = None
        self.seen = mark(self.bound.track.state)

    def take(self, sample: Sample) -> list[Change]:
        self.history.rows.append(sample)
        return self.save(self.bound.take(sample))

    def tick(self, instant: Micros) -> list[Change]:
        return self.save(self.bound.tick(instant))

    def save(self, changes: list[Change]) -> list[Change]:
        track = self.bound.track
        if mark(track.state) != self.seen:
            self.seen = mark(track.state)
            self.saved = Saved("r", STREAM, 1, stored(track.state), track.checkpoint)
        return changes

    def restart(self) -> None:
        self.bound = bound(self.rule)
        known: dict[Key, Saved] = {} if self.saved is None else {self.saved.key: self.saved}
        rebuild([Job(self.bound.track, self.bound.input, STREAM)], known, self.history, {})


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", range(25))
def test_a_restart_anywhere_comes_to_the_same(name: str, seed: int) -> None:
    """Whatever a rule judges, memory that is lost between two samples is built again the same."""
    choose = random.Random(seed)
    rule = document.convert(RULES[name], Core)
    whole, broken = Life(rule), Life(rule)
    time, samples, ticked = BEGIN - HOUR, [], Micros(0)
    for _ in range(choose.randint(10, 40)):
        time += choose.randint(1, 9) * 2 * MINUTE + (choose.random() < 0.05) * HOUR
        samples.append(Sample(Micros(time), choose.randint(0, 80), choose.random() > 0.1))
    for sample in sorted(samples, key=lambda s: s.time + choose.randint(0, 15) * MINUTE):
        if choose.random() < 0.2:
            broken.restart()
        if choose.random() < 0.3:
            ticked = Micros(max(ticked, sample.time + choose.randint(0, 60) * MINUTE))
        for life in (whole, broken):
            life.take(sample)
            life.tick(ticked)
        assert broken.seen == whole.seen
