"""How evaluators share the datastreams: evenly, whatever the ids and the members."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ioc import settings, supervisor
from ioc.domain.observation import DatastreamId
from ioc.domain.partition import PARTITIONS, fair, partition


@pytest.mark.parametrize("step", [1, 2, 7, 8, 16])
def test_ids_in_steps_spread_evenly(step: int) -> None:
    """A property that is each eighth datastream of a station does not fill one partition."""
    counts = Counter(partition(DatastreamId(n * step + 3)) for n in range(8000))
    assert len(counts) == PARTITIONS
    assert min(counts.values()) > 800


@given(st.sets(st.text(min_size=1), min_size=1, max_size=20))
def test_fair_parts_are_all_of_it(members: set[str]) -> None:
    """However many evaluators live, their parts differ by one at most and make the whole."""
    parts = [fair(members, one) for one in members]
    assert sum(parts) == PARTITIONS
    assert max(parts) - min(parts) <= 1


def test_as_many_evaluators_are_started_as_the_settings_say() -> None:
    """One by default; of more, each is a process of its own name and log."""
    one = settings.load({})
    two = replace(one, alerting=replace(one.alerting, evaluators=2))
    names = [{child.name for child in supervisor._children(s, demo=False)} for s in (one, two)]
    assert names[1] - names[0] == {"alerting-2"}
