"""The hold of states: flapping is shown as what it is, a word that lasts counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from ioc.domain import hold
from ioc.domain.hold import FLAPPING, HOLD, WINDOW, Held
from ioc.domain.instant import MINUTE, SECOND, Micros
from ioc.domain.observation import STATE_CODES

START: Final = Micros(1_800_000_000 * SECOND)
ON, DEGRADED, OFF, DISABLED, MAINTENANCE, UNKNOWN = STATE_CODES.values()
words = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3 * HOLD)), min_size=1, max_size=40)


def said(sequence: Iterable[tuple[int, int]]) -> Held:
    """Fold (state, seconds after the word before)."""
    held, time = None, START
    for state, after in sequence:
        time = Micros(time + after * SECOND)
        held = hold.heard(held, state, time)
    assert held is not None
    return held


def test_the_first_word_counts_at_once() -> None:
    """A screen that has just started shows what is said, not nothing."""
    assert said([(OFF, 0)]) == Held(OFF, START, OFF, START)


def test_a_word_counts_when_it_has_lasted() -> None:
    """Offline is shown a minute after it was said, not before, and dated by its beginning."""
    held = said([(ON, 0), (OFF, 100)])
    begun = Micros(START + 100 * SECOND)
    assert hold.settled(held, Micros(begun + HOLD - 1)).state == ON
    assert hold.settled(held, Micros(begun + HOLD)) == Held(OFF, begun, OFF, begun, (begun,))
    assert held.due == begun + HOLD
    assert hold.settled(held, Micros(begun + HOLD)).due is None


def test_one_drop_is_not_shown() -> None:
    """A device that is back before the hold is over was never away; the changes are counted."""
    held = said([(ON, 0), (OFF, 100), (ON, 20)])
    assert (held.state, held.since, held.due) == (ON, START, None)
    assert hold.changes(held, held.said_since) == 2


def test_what_flaps_is_not_online() -> None:
    """An unreachable camera whose grabber restarts for ever counts as degraded, until one lasts."""
    held = said([(ON, 0), *[(OFF, 20), (ON, 20)] * 3])
    assert hold.changes(held, held.said_since) == FLAPPING
    assert held.state == DEGRADED
    assert hold.settled(held, Micros(held.said_since + HOLD)).state == ON
    later = Micros(held.said_since + WINDOW)
    assert hold.changes(held, later) == 0


def test_unknown_is_no_flapping() -> None:
    """A dead recorder makes a camera unknown at once, and its return tells at once."""
    assert said([(ON, 0), (UNKNOWN, 1)]).state == UNKNOWN
    assert said([(ON, 0), (UNKNOWN, 1), (OFF, 1)]).state == OFF
    assert said([(ON, 0), (OFF, 1), (UNKNOWN, 1)]).due is None
    assert said([(ON, 0), (DISABLED, 1)]).state == DISABLED
    assert said([(MAINTENANCE, 0), (ON, 1)]).state == ON


def test_a_late_word_changes_nothing() -> None:
    """What was said before the newest word is history."""
    held = said([(ON, 0), (OFF, 100)])
    assert hold.heard(held, UNKNOWN, Micros(START + MINUTE)) == held


@given(words)
def test_the_last_word_counts_in_the_end(sequence: list[tuple[int, int]]) -> None:
    """Whatever was said, what was said last counts one hold later; changes stay bounded."""
    held, time = None, START
    for state, after in sequence:
        time = Micros(time + after)
        held = hold.heard(held, state, time)
        before = hold.settled(held, Micros(held.said_since + HOLD - 1))
        assert before.state in {held.state, held.said}
        assert len(held.changes) <= hold.MAX_CHANGES
    assert held is not None
    last = sequence[-1][0]
    assert hold.settled(held, Micros(time + HOLD)).state == last


@given(words, st.integers(1, 40))
def test_repeating_a_word_changes_nothing(sequence: list[tuple[int, int]], times: int) -> None:
    """A device that says each second what it said before counts as one that said it once."""
    held, time = None, START
    for state, after in sequence:
        time = Micros(time + after)
        held = hold.heard(held, state, time)
    assert held is not None
    again = held
    for n in range(times):
        again = hold.heard(again, held.said, Micros(time + n * SECOND))
    until = Micros(time + times * SECOND)
    assert hold.settled(again, until) == hold.settled(held, until)
