"""Replay: the same observations, in whatever order and with whatever restarts, end in one log."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain import levels
from ioc.domain.alert import Sample
from ioc.domain.episode import Track, episodes
from ioc.domain.instant import Micros
from ioc.domain.levels import Rules
from ioc.domain.record import Record
from tests.unit.full_counts import examples
from tests.unit.test_alert_properties import ladders, replace, series


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
