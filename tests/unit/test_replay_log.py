"""Replay: the same observations, in whatever order and with whatever restarts, end in one log."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.domain import levels
from ioc.domain.alert import Sample
from ioc.domain.episode import Track, episodes
from ioc.domain.instant import HOUR, MINUTE, Micros
from ioc.domain.levels import Rules
from ioc.domain.record import Record
from ioc.rules import document
from ioc.rules.definition import Core
from tests.unit.full_counts import examples
from tests.unit.test_alert_properties import ladders, series
from tests.unit.test_rebuild import BEGIN, RULES, Life


def sorted_log(ladder: Rules, samples: list[Sample], ticked: Micros | None) -> dict[Micros, object]:
    """Return the spans of the plain fold over the history in order."""
    begin = levels.start(ladder)
    _, turns = levels.fold(begin, ladder, samples, ticked)
    return {one.raised_at: one.returned_at for one in episodes(begin, ladder, turns)}


@examples(150, 3000)
@given(ladders(), series(), st.integers(0, 2**32))
def test_any_order_of_arrival_ends_in_the_same_log(
    ladder: Rules, samples: list[Sample], seed: int
) -> None:
    """After each sample, in any order inside the horizon, the log says what the sorted one does."""
    choose = random.Random(seed)
    reach = choose.randint(1, 60)
    ladder = tuple(replace(rule, late_horizon=reach * 2) for rule in ladder)
    track, record, seen = Track(ladder), Record(), list[Sample]()
    for sample in sorted(samples, key=lambda s: s.time + choose.randint(0, reach)):
        seen.append(sample)
        changes = track.take(sample)
        if choose.random() < 0.3:
            changes += track.tick(Micros(sample.time + choose.randint(0, 30)))
        for change in changes:
            record.apply(change)
        assert record.spans == sorted_log(ladder, sorted(seen), track.ticked)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", range(25))
def test_restarts_anywhere_end_in_the_same_log(name: str, seed: int) -> None:
    """Late data after a restart adds to the log what it would have added without one."""
    choose = random.Random(seed)
    rule = document.convert(RULES[name], Core)
    lives = Life(rule), Life(rule)
    records = Record(), Record()
    time, samples, ticked = BEGIN - HOUR, list[Sample](), Micros(0)
    for _ in range(choose.randint(20, 60)):
        time += choose.randint(1, 9) * 2 * MINUTE + (choose.random() < 0.05) * HOUR
        samples.append(Sample(Micros(time), choose.randint(0, 80), choose.random() > 0.1))
    for sample in sorted(samples, key=lambda s: s.time + choose.randint(0, 35) * MINUTE):
        if choose.random() < 0.3:
            lives[1].restart()
        if choose.random() < 0.3:
            ticked = Micros(max(ticked, sample.time + choose.randint(0, 60) * MINUTE))
        for life, record in zip(lives, records, strict=True):
            for change in [*life.take(sample), *life.tick(ticked)]:
                record.apply(change)
        assert records[1].spans == records[0].spans
