"""What to do about suspected cuts, given who is silent: open, join, doubt, end. Pure.

A suspicion stands on its points: those it explains. As soon as one of them answers it is in doubt;
where others are still silent a little later, the guess was wrong and falls, and they speak for
themselves again. A silence that a fallen guess had explained is not used for another one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ioc.domain.instant import SECOND, Micros
from ioc.domain.network.cut import Analysis
from ioc.domain.network.suspicion import Silence, Suspect, guesses

# A guess waits until nothing new fell silent for this long ...
SETTLED: Final = 20 * SECOND
# ... but no longer than this after the first: the alerts of single points sound after two minutes.
LATEST: Final = 75 * SECOND
# Points of a mended cable come back within this of each other; their alerts need not sound for it.
DOUBT: Final = 120 * SECOND


class Why(StrEnum):
    """How a suspicion ended."""

    OVER = "over"  # every point answers, or is no longer watched
    ANSWERED = "answered"  # some answer while others stay silent: it was no cut, or not this one
    WIDER = "wider"  # another cut explains more
    NETWORK = "network"  # the segment is no longer part of the network


@dataclass(frozen=True, slots=True)
class Standing:
    """A suspicion that stands; points are sites with the silence that it explains."""

    id: int
    segments: tuple[str, ...]
    points: Mapping[int, Micros]
    doubted: Micros | None = None


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who is silent since when, and when the others were heard last; others say nothing."""

    silent: Mapping[int, Micros]
    answers: Mapping[int, Micros]


@dataclass(slots=True)
class Moves:
    """What to do, in this order: ends, then openings."""

    doubt: list[tuple[int, Micros | None]] = field(default_factory=list)
    join: list[tuple[int, dict[int, Micros]]] = field(default_factory=list)
    end: list[tuple[int, Why]] = field(default_factory=list)
    open: list[tuple[Suspect, dict[int, Micros]]] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.doubt or self.join or self.end or self.open)


def decide(
    analysis: Analysis,
    hearing: Hearing,
    standing: Sequence[Standing],
    spent: Collection[tuple[int, Micros]],
    now: Micros,
) -> Moves:
    """Return what to do. `spent`: silences that a fallen guess had explained."""
    moves = Moves()
    known = frozenset(segment.code for segment in analysis.network.segments)
    firm = [one for one in standing if _review(one, hearing, known, moves, now)]
    owner = {site: one for one in firm for site in one.points}
    doubtful = {site for one in standing if one not in firm for site in one.points}
    silences = [
        Silence(site, since)
        for site, since in hearing.silent.items()
        if site not in doubtful and (site, since) not in spent
    ]
    for guess in guesses(analysis, silences, hearing.answers):
        _consider(analysis, guess, owner, hearing, moves, now)
    return moves


def _review(
    one: Standing, hearing: Hearing, known: frozenset[str], moves: Moves, now: Micros
) -> bool:
    """Note what one suspicion has come to; return whether it stands without doubt."""
    still = sum(hearing.silent.get(site) == since for site, since in one.points.items())
    back = any(
        hearing.answers.get(site, since) > since or hearing.silent.get(site, since) > since
        for site, since in one.points.items()
    )
    if not known.issuperset(one.segments):
        moves.end.append((one.id, Why.NETWORK))
    elif not still:
        moves.end.append((one.id, Why.OVER))
    elif not back:
        if one.doubted is not None:
            moves.doubt.append((one.id, None))
        return True
    elif one.doubted is None:
        moves.doubt.append((one.id, now))
    elif now - one.doubted >= DOUBT:
        moves.end.append((one.id, Why.ANSWERED))
    return False


def _consider(
    analysis: Analysis,
    guess: Suspect,
    owner: Mapping[int, Standing],
    hearing: Hearing,
    moves: Moves,
    now: Micros,
) -> None:
    """Take a guess up: as a new suspicion, as more of one that stands, or in place of smaller."""
    owners = {one.id: one for site in guess.explained if (one := owner.get(site)) is not None}
    codes = tuple(analysis.network.segments[n].code for n in guess.segments)
    if any(not set(one.points) <= set(guess.explained) for one in owners.values()):
        return
    fresh = {site: hearing.silent[site] for site in guess.explained if site not in owner}
    same = next((one for one in owners.values() if one.segments == codes), None)
    if same is not None and len(owners) == 1:
        if fresh:
            moves.join.append((same.id, fresh))
    elif fresh and ready(fresh.values(), now):
        moves.end += [(number, Why.WIDER) for number in owners]
        points = {site: hearing.silent[site] for site in guess.explained}
        moves.open.append((guess, points))


def ready(since: Iterable[Micros], now: Micros) -> bool:
    """Tell whether enough time has passed to believe that a silence is complete."""
    times = list(since)
    return now - max(times) >= SETTLED or now - min(times) >= LATEST
