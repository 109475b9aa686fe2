"""Build tracks again from stored states and from history up to the offset.

A state is stored at its last transition, with the checkpoint before its window of late data. If
that transition lies before the window of today, the series has been steady since: the window is
enough. Else history is folded from the stored checkpoint. Samples are taken in their order of
arrival, so what came too late then comes too late again. The result is the memory that was lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ioc.alerting import calm
from ioc.alerting.calm import Stretch, stretch
from ioc.alerting.ports import History, Past
from ioc.domain import levels
from ioc.domain.alert import Condition, Sample, State
from ioc.domain.episode import Track
from ioc.domain.evaluation import Key, Saved
from ioc.domain.inputs import Input
from ioc.domain.instant import Micros
from ioc.domain.levels import Ladder, Rules
from ioc.domain.observation import DatastreamId


class Plan(NamedTuple):
    """Where folding begins: strictly after `start` (None: at the first value) in state `base`."""

    start: Micros | None
    base: Ladder
    needs_contact: bool  # `base` does not know the sample that held at `start`


class Job(NamedTuple):
    """An empty track to fill, with what stands between it and its datastream's samples."""

    track: Track
    input: Input | None
    datastream: DatastreamId

    @property
    def key(self) -> Key:
        return self.track.rules[0].id, self.datastream


def rebuild(
    jobs: Sequence[Job],
    stored: Mapping[Key, Saved],
    history: History,
    done: Mapping[int, int],
) -> None:
    """Fill empty tracks; a stored state of another rule version tells nothing about the fold.

    `done` are the offsets up to which history counts.
    """
    if not jobs:
        return
    newest = history.newest(sorted({job.datastream for job in jobs}), done)
    plans = [plan(job.track.rules, stored.get(job.key), newest.get(job.datastream)) for job in jobs]
    starts: dict[DatastreamId, Micros | None] = {}
    for job, one in zip(jobs, plans, strict=True):
        start = _needed_from(job, one)
        known = starts.get(job.datastream, start)
        starts[job.datastream] = None if known is None or start is None else min(known, start)
    past = history.since({d: s for d, s in starts.items() if d in newest}, done)
    known_calm: dict[tuple[DatastreamId, Micros | None], Stretch | None] = {}
    for job, one in zip(jobs, plans, strict=True):
        rows = past.get(job.datastream, Past(None, ()))
        key = job.datastream, one.start
        if job.input is None and key not in known_calm:
            known_calm[key] = stretch(_after(one.start, rows))
        _fill(job, one, rows, known_calm.get(key))
        _catch_up(job, stored.get(job.key))


def _after(start: Micros | None, past: Past) -> list[Sample]:
    return [row for row in past.rows if start is None or row.time > start]


def _needed_from(job: Job, one: Plan) -> Micros | None:
    """Return from where samples are needed to make those that are judged after the start."""
    if one.start is None or job.input is None:
        return one.start
    return Micros(one.start - job.input.memory)


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


def _fill(job: Job, one: Plan, past: Past, steady: Stretch | None) -> None:
    start, track = one.start, job.track
    if job.input is None and steady is not None and _calm(job, one, past, steady):
        return
    rows = ([past.before] if past.before is not None else []) + list(past.rows)
    judged = [[row] if job.input is None else job.input.take(row) for row in rows]
    before = [s for made in judged for s in made if start is not None and s.time <= start]
    base = one.base
    if one.needs_contact and before:
        newest = {sample.time: sample for sample in before}  # as last corrected
        base = _holding(base, newest[max(newest)])
    track.checkpoint = track.state = base
    for made in judged:
        track.revise([sample for sample in made if start is None or sample.time > start])


def _calm(job: Job, one: Plan, past: Past, steady: Stretch) -> bool:
    """Fill a track at once where nothing happened; False: it must be folded."""
    base = one.base
    before = [] if past.before is None else [past.before]
    if one.start is not None and len(steady.rows) != len(past.rows):
        before += [row for row in past.rows if row.time <= one.start]
    if one.needs_contact and before:
        base = _holding(base, max(reversed(before), key=lambda row: row.time))
    return calm.fill(job.track, base, steady)


def _holding(base: Ladder, sample: Sample) -> Ladder:
    def hold(state: State) -> State:
        result = sample.result if sample.judged else state.last_result
        return state._replace(last_time=sample.time, last_result=result)

    return base._replace(states=tuple(hold(state) for state in base.states))


def _catch_up(job: Job, saved: Saved | None) -> None:
    """Fire again what a tick had fired before the state was stored."""
    if saved is None or saved.version != job.track.rules[0].version:
        return
    known = [state.since for state in saved.state.states if state.since is not None]
    if known:
        instant = Micros(max(known) + 1)
        if job.input is not None:
            job.track.revise(job.input.tick(instant))
        job.track.tick(instant)
