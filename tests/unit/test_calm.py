"""The quick way to fill a track gives what taking sample by sample gives."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ioc.alerting import calm
from ioc.domain import levels
from ioc.domain.alert import Op, Rule, Sample, Severity
from ioc.domain.episode import Track
from ioc.domain.instant import Micros
from ioc.domain.levels import Rules
from tests.unit.full_counts import examples
from tests.unit.test_alert_properties import ladders, series


@examples(100, 300)
@given(ladders(), series(), st.integers(1, 200), st.integers(0, 30))
def test_filled_at_once_is_filled_one_by_one(
    rules: Rules, samples: list[Sample], horizon: int, split: int
) -> None:
    """State, checkpoint and window are the same, from any state on; else it declines."""
    rules = tuple(replace(rule, late_horizon=horizon) for rule in rules)
    before, after = samples[:split], samples[split:]
    base, _ = levels.fold(levels.start(rules), rules, before)
    slow, quick = Track(rules), Track(rules)
    slow.checkpoint = slow.state = base
    found = calm.stretch(after)
    if found is None or not calm.fill(quick, base, found):
        return
    for sample in after:
        assert slow.take(sample) == []
    assert quick.state == slow.state
    assert quick.checkpoint == slow.checkpoint
    assert quick.window == slow.window


def test_what_is_as_old_as_the_horizon_is_settled() -> None:
    """The window keeps what is newer than the horizon, to the instant, as the track does."""
    rule = Rule("r", 1, Op.GT, 10.0, Severity.HIGH, stale_after=60, late_horizon=20)
    quiet = [Sample(Micros(n * 10), 5.0) for n in range(6)]
    quick, slow, found = Track((rule,)), Track((rule,)), calm.stretch(quiet)
    assert found is not None
    assert calm.fill(quick, levels.start((rule,)), found)
    for sample in quiet:
        slow.take(sample)
    assert quick == slow


def test_a_quiet_series_takes_the_quick_way_and_a_breach_does_not() -> None:
    """It is there for what most series are, and for nothing else."""
    rule = Rule("r", 1, Op.GT, 10.0, Severity.HIGH, stale_after=60, late_horizon=20)
    quiet = [Sample(Micros(n * 10), 5.0) for n in range(6)]
    base = levels.start((rule,))

    def filled(samples: list[Sample]) -> bool:
        found = calm.stretch(samples)
        return found is not None and calm.fill(Track((rule,)), base, found)

    assert filled(quiet)
    assert not filled([*quiet, Sample(Micros(60), 11.0)])
    assert not filled([*quiet, Sample(Micros(200), 5.0)]), "a silence says something"
    assert not filled([*quiet, Sample(Micros(5), 5.0)]), "a late value says something"
