"""Build tracks again from stored states and from history up to the offset.

A state is stored at its last transition, with the checkpoint before its window of late data. If
that transition lies before the window of today, the series has been steady since: the window is
enough. Else history is folded from the stored checkpoint. Samples are taken in their order of
arrival, so what came too late then comes too late again. The result is the memory that was lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ioc.alerting.ports import History, Past
from ioc.domain import levels
from ioc.domain.alert import Condition, Sample, State
from ioc.domain.episode import Track
from ioc.domain.evaluation import Key, Saved
from ioc.domain.instant import Micros
from ioc.domain.levels import Ladder, Rules
from ioc.domain.observation import DatastreamId


class Plan(NamedTuple):
    """Where folding begins: strictly after `start` (None: at the first value) in state `base`."""

    start: Micros | None
    base: Ladder
    needs_contact: bool  # `base` does not know the sample that held at `start`


def rebuild(
    tracks: Sequence[tuple[Track, DatastreamId]], stored: Mapping[Key, Saved], history: History
) -> None:
    """Fill empty tracks; a stored state of another rule version tells nothing about the fold."""
    newest = history.newest(sorted({datastream for _, datastream in tracks}))
    plans = [
        plan(track.rules, stored.get((track.rules[0].id, datastream)), newest.get(datastream))
        for track, datastream in tracks
    ]
    starts: dict[DatastreamId, Micros | None] = {}
    for (_, datastream), one in zip(tracks, plans, strict=True):
        known = starts.get(datastream, one.start)
        starts[datastream] = None if known is None or one.start is None else min(known, one.start)
    past = history.since({d: s for d, s in starts.items() if d in newest})
    for (track, datastream), one in zip(tracks, plans, strict=True):
        _fill(track, one, past.get(datastream, Past(None, ())))
        _catch_up(track, stored.get((track.rules[0].id, datastream)))


def plan(rules: Rules, saved: Saved | None, newest: Micros | None) -> Plan:
    """Decide from where a track is folded."""
    rule = rules[0]  # delays and horizon are the same in all levels
    if saved is None or saved.version != rule.version:
        empty = levels.start(rules)
        if newest is None:
            return Plan(None, empty, needs_contact=False)
        reach = rule.late_horizon + max(rule.on_delay, rule.off_delay, rule.stale_after)
        return Plan(Micros(newest - reach), empty, needs_contact=True)
    if newest is None:  # retention took all of it
        return Plan(None, saved.state, needs_contact=False)
    window = Micros(newest - rule.late_horizon)
    if _steady_before(saved.state, window):
        return Plan(window, saved.state, needs_contact=True)
    return Plan(saved.checkpoint.last_time, saved.checkpoint, needs_contact=False)


def _steady_before(ladder: Ladder, window: Micros) -> bool:
    """Tell whether no level has done or begun anything since `window`."""
    known = [state.since for state in ladder.states if state.since is not None]
    steady = (Condition.NORMAL, Condition.ACTIVE)
    resting = all(s.condition in steady and not s.stale for s in ladder.states)
    return resting and bool(known) and max(known) < window


def _fill(track: Track, one: Plan, past: Past) -> None:
    start = one.start
    before = [past.before] if past.before is not None else []
    if start is not None:
        before += [sample for sample in past.rows if sample.time <= start]
    base = one.base
    if one.needs_contact and before:
        base = _holding(base, max(before, key=lambda sample: sample.time))
    track.checkpoint = track.state = base
    for sample in past.rows:
        if start is None or sample.time > start:
            track.take(sample)


def _holding(base: Ladder, sample: Sample) -> Ladder:
    def hold(state: State) -> State:
        result = sample.result if sample.judged else state.last_result
        return state._replace(last_time=sample.time, last_result=result)

    return base._replace(states=tuple(hold(state) for state in base.states))


def _catch_up(track: Track, saved: Saved | None) -> None:
    """Fire again what a tick had fired before the state was stored."""
    if saved is None or saved.version != track.rules[0].version:
        return
    known = [state.since for state in saved.state.states if state.since is not None]
    if known:
        track.tick(Micros(max(known) + 1))
