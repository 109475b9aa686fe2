"""Late data, rule edits and the clock of silence, case by case."""

from __future__ import annotations

from dataclasses import replace

from ioc.domain import evaluation
from ioc.domain.alert import START, Kind, Op, Rule, Sample, Severity, State
from ioc.domain.episode import (
    MAX_WINDOW,
    Change,
    Reason,
    Track,
    ended,
    under_new_rule,
)
from ioc.domain.evaluation import GRACE, Writer, judgement
from ioc.domain.instant import SECOND, Micros
from ioc.domain.levels import Ladder

RULE = Rule("r", 1, Op.GT, 50.0, Severity.HIGH, 600 * SECOND, 900 * SECOND)


def at(second: float) -> Micros:
    return Micros(round(second * SECOND))


def taken(track: Track, *samples: tuple[float, float]) -> list[Change]:
    return [c for second, value in samples for c in track.take(Sample(at(second), value))]


def told(changes: list[Change]) -> list[tuple[Kind, float, bool]]:
    return [(c.kind, c.time / SECOND, c.late) for c in changes]


def test_new_and_still_open_is_raised_late() -> None:
    """The sample that proves an alert came after a calm one: raised with "late"."""
    track = Track((replace(RULE, deadband=20.0),))
    assert taken(track, (0, 10), (120, 45)) == []
    assert told(taken(track, (60, 90))) == [(Kind.RAISE, 60, True)]


def test_new_and_already_over_is_only_recorded() -> None:
    """Nobody is woken for what has ended: it comes with its end."""
    track = Track((RULE,))
    taken(track, (0, 10), (120, 10))
    (change,) = taken(track, (60, 90))
    assert change.over is not None
    assert (change.over.raised_at, change.over.returned_at) == (at(60), at(120))
    assert not track.state.in_alarm


def test_disproved_is_corrected() -> None:
    """A late calm sample inside the on-delay takes the alert back, with the reason."""
    track = Track((replace(RULE, on_delay=100 * SECOND),))
    assert told(taken(track, (0, 90), (120, 90))) == [(Kind.RAISE, 100, False)]
    (change,) = taken(track, (60, 10))
    assert (change.kind, change.reason) == (Kind.RTN, Reason.CORRECTED)


def test_a_moved_start_is_the_same_alert() -> None:
    """An earlier breach moves the start; nothing is raised again."""
    track = Track((RULE,))
    taken(track, (0, 10), (120, 90))
    (change,) = taken(track, (60, 90))
    assert (change.kind, change.time, change.was) == (Kind.MOVED, at(60), at(120))


def test_two_alerts_that_late_data_joins_are_not_disproved() -> None:
    """A late breach between two episodes makes them one: the open one goes on."""
    track = Track((replace(RULE, off_delay=100 * SECOND),))
    taken(track, (0, 90), (60, 10), (200, 90))
    assert told(taken(track, (100, 90))) == [(Kind.MOVED, 0, True)]


def test_an_alert_that_is_over_and_disproved_is_marked() -> None:
    """A correction of the only breaching value marks the closed alert."""
    track = Track((RULE,))
    taken(track, (0, 10), (60, 90), (120, 10))
    (change,) = taken(track, (60, 20))
    assert (change.kind, change.was) == (Kind.CORRECTED, at(60))


def test_beyond_the_horizon_nothing_changes() -> None:
    """It is counted as dropped and leaves the state alone."""
    track = Track((RULE,))
    taken(track, (0, 10), (1000, 10))
    before = track.state
    assert taken(track, (100, 90)) == []
    assert (track.dropped, track.state) == (1, before)


def test_a_late_sample_takes_staleness_back() -> None:
    """STALE was announced, then it turns out the series had spoken: FRESH."""
    track = Track((RULE,))
    taken(track, (0, 90))
    assert told(track.tick(at(700))) == [(Kind.STALE, 600, False)]
    assert told(taken(track, (300, 90))) == [(Kind.FRESH, 300, True)]
    assert told(track.tick(at(1000))) == [(Kind.STALE, 900, False)]


def test_what_a_tick_has_passed_stays_passed() -> None:
    """After a refold behind the clock, a timer that lies behind it too fires at once."""
    track = Track((replace(RULE, off_delay=100 * SECOND),))
    taken(track, (0, 10))
    track.tick(at(700))
    assert told(taken(track, (300, 90))) == [(Kind.RAISE, 300, True)]
    assert told(taken(track, (400, 10))) == [(Kind.RTN, 500, True)]


def test_the_window_is_bounded() -> None:
    """A flood inside the horizon shrinks the horizon, not the machine."""
    track = Track((replace(RULE, late_horizon=10**15),))
    for second in range(MAX_WINDOW + 50):
        track.take(Sample(at(second), 10.0))
    assert len(track.window) == MAX_WINDOW
    assert taken(track, (10, 90)) == []
    assert track.dropped == 1


def test_a_rule_edit_is_never_a_silent_reset() -> None:
    """In alarm before and after: the same alert; only before: it returns with the reason."""
    on = Ladder((State(raised_at=at(0), last_time=at(10), since=at(0)),), at(0))
    off, rules = Ladder((START,)), (RULE,)
    (changed,) = under_new_rule(on, on, rules)
    assert (changed.kind, changed.severity) == (Kind.RULE_CHANGED, Severity.HIGH)
    (gone,) = under_new_rule(on, off, rules)
    assert (gone.kind, gone.reason) == (Kind.RTN, Reason.RULE_CHANGED)
    assert [c.kind for c in under_new_rule(off, on, rules)] == [Kind.RAISE]
    assert under_new_rule(off, off, rules) == []
    assert ended(off, off, Reason.DISABLED) == []
    assert ended(on, on, Reason.DISABLED)[0].reason is Reason.DISABLED


WRITER = Writer(1, head=7, connected_since=at(100), watermark=at(1000), heartbeat=at(1001))


def test_silence_is_judged_up_to_the_slowest_watermark() -> None:
    """The clock is the oldest promise of all connected writers, less a grace."""
    other = replace(WRITER, id=2, head=9, watermark=at(990), connected_since=at(500))
    found = judgement([WRITER, other], at(1002))
    assert found == (at(990) - GRACE, at(500), {1: 7, 2: 9})


def test_silence_is_not_judged_while_a_line_is_down() -> None:
    """Not connected, no watermark yet, or no sign of life: no judgement at all."""
    late = Micros(WRITER.heartbeat + evaluation.HEARTBEAT_LIMIT + 1)
    assert judgement([WRITER, replace(WRITER, id=2, connected_since=None)], at(1002)) is None
    assert judgement([replace(WRITER, watermark=None)], at(1002)) is None
    assert judgement([WRITER], late) is None
    assert judgement([], at(1002)) is None


def test_a_writer_gone_for_good_is_forgotten() -> None:
    """After an hour the others' things are judged again."""
    gone = replace(WRITER, id=2, connected_since=None, heartbeat=Micros(0))
    now = Micros(evaluation.FORGOTTEN_AFTER + 1)
    alive = replace(WRITER, heartbeat=now)
    assert judgement([alive, gone], now) is not None
