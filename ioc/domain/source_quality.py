"""How good a source is: right, complete, clean, live; and why a bad one probably is so.

"Đúng, đủ, sạch, sống": of the values that came, how many were good; of those promised, how many
came; of all messages, how many needed no refusal and no correction; of the hours, in how many
anything came at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

# From here on a share says "as it should be": a lost message of a hundred is no reason to call.
GOOD: Final = 0.95
WORST: Final = 10

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a source sent in some time; see the table source_day."""

    expected: float
    got: float
    n: int
    n_good: int
    corrected: int
    hours: int
    possible: float
    refused: int = 0  # of a feed: a refused message often does not say whose it is

    def __add__(self, other: Sent) -> Sent:
        return Sent(
            self.expected + other.expected,
            self.got + other.got,
            self.n + other.n,
            self.n_good + other.n_good,
            self.corrected + other.corrected,
            self.hours + other.hours,
            self.possible + other.possible,
            self.refused + other.refused,
        )


NOTHING: Final = Sent(0, 0, 0, 0, 0, 0, 0)


class Scores(NamedTuple):
    """Shares from 0 to 1; None where there is nothing to have a share of."""

    right: float | None
    complete: float | None
    clean: float | None
    live: float | None

    @property
    def known(self) -> list[float]:
        return [one for one in self if one is not None]

    @property
    def bad(self) -> bool:
        return any(one < GOOD for one in self.known)


class Reason(StrEnum):
    """The likely reason of a bad source; words and what to do under `quality.reason.`."""

    NEVER = "never"  # nothing came in all the time: not connected, or another name
    SILENT = "silent"  # it worked, and nothing came on the last day
    WRONG_VALUES = "wrong_values"  # out of range, stuck, spikes: the instrument
    INTERMITTENT = "intermittent"  # whole hours are missing: line or power
    SPARSE = "sparse"  # every hour has something, and too little: its period is another
    REFUSED = "refused"  # messages that cannot be read: the format
    CORRECTED = "corrected"  # the same instant said twice with different values


def scores(sent: Sent) -> Scores:
    """Return the four shares of what was sent."""
    messages = sent.n + sent.refused
    return Scores(
        _share(sent.n_good, sent.n),
        _share(sent.got, sent.expected),
        None if not messages else max(0.0, 1 - (sent.refused + sent.corrected) / messages),
        _share(sent.hours, sent.possible),
    )


def reason(days: Sequence[Sent]) -> Reason | None:
    """Return why a source is bad by its days, the oldest first; None: it is good."""
    whole = sum(days, NOTHING)
    found = scores(whole)
    if not found.bad:
        return None
    if not whole.n:
        return Reason.REFUSED if whole.refused else Reason.NEVER
    if not days[-1].n and days[-1].possible >= 1:
        return Reason.SILENT
    named = {name: one for name, one in zip(Scores._fields, found, strict=True) if one is not None}
    match min(named, key=lambda name: named[name]):
        case "right":
            return Reason.WRONG_VALUES
        case "clean":
            return Reason.REFUSED if whole.refused >= whole.corrected else Reason.CORRECTED
        case _:
            live = found.live
            return Reason.INTERMITTENT if live is not None and live < GOOD else Reason.SPARSE


def worst(
    sources: Iterable[tuple[Key, Sequence[Sent]]], most: int = WORST
) -> list[tuple[Key, Scores, Reason]]:
    """Return the worst sources with the likely reason, the worst first: by the lowest share."""
    judged = [
        (key, scores(sum(days, NOTHING)), why)
        for key, days in sources
        if (why := reason(days)) is not None
    ]
    judged.sort(key=lambda one: (min(one[1].known), sum(one[1].known) / len(one[1].known)))
    return judged[:most]


def _share(part: float, whole: float) -> float | None:
    return None if whole <= 0 else min(1.0, part / whole)
