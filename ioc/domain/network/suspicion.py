"""Where is the cut: which segments' failure explains what went silent together.

A guess, and treated as one: it is made only where every point that the cut would silence and that
we hear of is silent but a few, and it falls as soon as one of those it explains answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

from ioc.domain.instant import SECOND, Micros
from ioc.domain.network.cut import Analysis
from ioc.domain.network.graph import Range

# Two neighbours fail together for many reasons; three along a cable are worth a look.
FEWEST: Final = 3
# Of the points behind the cut that we hear of: an office with a second line answers all the same.
WRONG_SHARE: Final = 0.1
# Points report every five minutes, each at its own second: what one cut silenced is noticed within
# one period of all of them, and a little.
TOGETHER: Final = 7 * 60 * SECOND


class Silence(NamedTuple):
    """A site that does not answer, since when it was heard last."""

    site: int
    since: Micros


@dataclass(frozen=True, slots=True)
class Suspect:
    """Segments one behind the other of which one may be cut: a test cannot tell which."""

    segments: tuple[int, ...]
    explained: tuple[int, ...]  # silent sites behind it
    wrongly: tuple[int, ...]  # sites behind it that answer
    unheard: int  # sites behind it of which nothing is known

    @property
    def score(self) -> int:
        return len(self.explained) - len(self.wrongly)

    @property
    def believable(self) -> bool:
        """Tell whether it is worth an alert."""
        wrong = len(self.wrongly)
        return len(self.explained) >= FEWEST and wrong <= WRONG_SHARE * (
            wrong + len(self.explained)
        )


def rank(analysis: Analysis, silent: Collection[int], answering: Collection[int]) -> list[Suspect]:
    """Return the chains of segments that explain a silence, the best first.

    Order: explained silent minus wrongly silent; then the one that takes the fewest away, for what
    is cut nearer to the core would silence more.
    """
    gone = _running(site in silent for site in analysis.order)
    well = _running(site in answering for site in analysis.order)
    found: list[tuple[int, int, tuple[Range, ...], list[int]]] = []
    for ranges, segments in analysis.chains():
        explained = sum(gone[high] - gone[low] for low, high in ranges)
        wrongly = sum(well[high] - well[low] for low, high in ranges)
        if explained > wrongly:
            size = sum(high - low for low, high in ranges)
            found.append((wrongly - explained, size, ranges, segments))
    found.sort(key=lambda one: (one[0], one[1], one[3]))
    return [_suspect(analysis, *one[2:], silent, answering) for one in found]


def guesses(
    analysis: Analysis, silences: Iterable[Silence], answers: Mapping[int, Micros]
) -> list[Suspect]:
    """Return the believable suspects, each explaining what the better ones left unexplained.

    `answers`: when each site was heard last. Only what was heard after all of a group had fallen
    silent speaks against a cut: others may be silent too and not yet noticed.
    """
    found: list[Suspect] = []
    for group in together(silences):
        left = {one.site for one in group}
        begin = max(one.since for one in group)
        answering = {site for site, heard in answers.items() if heard > begin} - left
        while len(left) >= FEWEST:
            best = next((s for s in rank(analysis, left, answering) if s.believable), None)
            if best is None:
                break
            found.append(best)
            left -= set(best.explained)
    return found


def together(silences: Iterable[Silence]) -> Iterator[list[Silence]]:
    """Yield what fell silent within TOGETHER of the one before, in groups."""
    group: list[Silence] = []
    for one in sorted(silences, key=lambda one: (one.since, one.site)):
        if group and one.since - group[-1].since > TOGETHER:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _suspect(
    analysis: Analysis,
    ranges: Sequence[Range],
    segments: Sequence[int],
    silent: Collection[int],
    answering: Collection[int],
) -> Suspect:
    behind = analysis.sites(ranges)
    explained = tuple(site for site in behind if site in silent)
    wrongly = tuple(site for site in behind if site in answering)
    ordered = tuple(sorted(segments, key=analysis.distance))
    return Suspect(ordered, explained, wrongly, len(behind) - len(explained) - len(wrongly))


def _running(marks: Iterable[bool]) -> list[int]:
    return list(accumulate(marks, initial=0))
