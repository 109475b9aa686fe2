"""Suspected cuts over time: opened, joined, doubted, ended."""

from __future__ import annotations

from ioc.domain.instant import SECOND, Micros
from ioc.domain.network.watch import (
    DOUBT,
    LATEST,
    SETTLED,
    Hearing,
    Moves,
    Standing,
    Why,
    decide,
    ready,
)
from tests.unit.test_network_suspicion import T0, numbers, tree

TREE = tree()
D, C = numbers(TREE, "d"), numbers(TREE, "c")
OTHERS = numbers(TREE, "a", "b")
LATER = Micros(T0 + SETTLED)


def hearing(silent: set[int], answers: set[int], since: int = T0, heard: int = LATER) -> Hearing:
    return Hearing({n: Micros(since) for n in silent}, {n: Micros(heard) for n in answers})


def standing(code: str, points: set[int], doubted: Micros | None = None) -> Standing:
    return Standing(7, (code,), dict.fromkeys(points, T0), doubted)


def codes(moves: Moves) -> list[list[str]]:
    return [[TREE.network.segments[n].code for n in s.segments] for s, _ in moves.open]


def test_a_guess_waits_for_the_silence_to_settle() -> None:
    """Right after the first silence nothing is opened; once it has settled one cut is."""
    heard = hearing(D, OTHERS | C)
    assert decide(TREE, heard, (), (), Micros(T0 + SETTLED - 1)).empty
    assert codes(decide(TREE, heard, (), (), LATER)) == [["k3"]]


def test_a_silence_that_goes_on_growing_is_not_waited_for_without_end() -> None:
    """Well before the alerts of single points sound a guess is made, however fresh the last."""
    trickle = [T0, Micros(T0 + LATEST - SECOND)]
    assert not ready(trickle, Micros(T0 + LATEST - 1))
    assert ready(trickle, Micros(T0 + LATEST))
    assert LATEST < 120 * SECOND


def test_a_standing_suspicion_is_left_alone_and_joined() -> None:
    """What stands is not opened again; points behind it that fall silent later join it."""
    one = standing("k3", D)
    assert decide(TREE, hearing(D, OTHERS | C), [one], (), LATER).empty
    three = set(list(D)[:3])
    moves = decide(TREE, hearing(D, OTHERS | C), [standing("k3", three)], (), LATER)
    assert moves.join == [(7, dict.fromkeys(D - three, T0))]
    assert not moves.open


def test_a_cut_that_explains_more_takes_the_place_of_a_smaller_one() -> None:
    """When the next office up the cable falls silent too, the cut is further up: one alert."""
    moves = decide(TREE, hearing(C | D, OTHERS), [standing("k3", D)], (), LATER)
    assert moves.end == [(7, Why.WIDER)]
    assert codes(moves) == [["k2"]]


def test_an_answer_is_a_doubt_and_then_the_end() -> None:
    """One point that answers puts the guess in doubt; where others stay silent it falls."""
    one, rest = set(list(D)[:1]), set(list(D)[1:])
    heard = hearing(rest, OTHERS | C | one)
    first = decide(TREE, heard, [standing("k3", D)], (), LATER)
    assert (first.doubt, first.end, first.open) == ([(7, LATER)], [], [])
    doubted = standing("k3", D, LATER)
    before = decide(TREE, heard, [doubted], (), Micros(LATER + DOUBT - 1))
    assert before.empty
    after = decide(TREE, heard, [doubted], (), Micros(LATER + DOUBT))
    assert (after.end, after.open) == ([(7, Why.ANSWERED)], [])


def test_what_a_fallen_guess_explained_is_not_guessed_from_again() -> None:
    """The same silences do not open the next guess; a new silence of the same points does."""
    rest = set(list(D)[1:])
    spent = {(site, T0) for site in D}
    assert decide(TREE, hearing(rest, OTHERS | C), (), spent, LATER).empty
    again = hearing(rest, OTHERS | C, T0 + 9 * SECOND, LATER + 9 * SECOND)
    assert codes(decide(TREE, again, (), spent, Micros(LATER + 9 * SECOND))) == [["k3"]]


def test_the_end_of_a_silence_is_the_end_of_the_suspicion() -> None:
    """When all points answer the cut is over at once, doubted or not."""
    for doubted in (None, T0):
        moves = decide(TREE, hearing(set(), D | OTHERS), [standing("k3", D, doubted)], (), LATER)
        assert moves.end == [(7, Why.OVER)]


def test_a_flap_is_an_answer() -> None:
    """A point that answered between two looks and is silent again has answered."""
    heard = Hearing(
        dict.fromkeys(D, T0) | {next(iter(D)): Micros(T0 + SECOND)},
        dict.fromkeys(OTHERS | C, LATER),
    )
    moves = decide(TREE, heard, [standing("k3", D)], (), LATER)
    assert moves.doubt == [(7, LATER)]


def test_a_segment_that_left_the_network_is_no_longer_suspected() -> None:
    """After an import without the segment its suspicion ends."""
    moves = decide(TREE, hearing(D, OTHERS), [standing("gone", D)], (), LATER)
    assert moves.end == [(7, Why.NETWORK)]
