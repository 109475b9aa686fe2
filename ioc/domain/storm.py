"""How few messages a storm may be: one bound over all targets, and each target's share of it.

A storm is more raises in a window than it may be messages. Ten thousand of a province-wide outage
are then at most MESSAGES in ten minutes, whoever is told: a target gets its first critical calls
one by one and everything else in digests, which come at growing distances so that its share lasts
for the whole window. With one or two targets those are the twenty single critical calls of any
other day; the more targets there are, the sooner a digest lists them. Each target has at least one
digest, so the bound holds up to MESSAGES targets.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ioc.domain.instant import MINUTE, SECOND, Micros

WINDOW: Final = 10 * MINUTE
MESSAGES: Final = 50  # of a storm's first window, over all targets
STORM: Final = MESSAGES  # raises of a window that can no longer be told one by one
SINGLES: Final = 20  # critical calls that may be single in a window, of one target
FEW: Final = 4  # digests of a window: a storm is rarely over with its first look
MANY: Final = 10  # one a minute is as soon as anybody reads the next list
# The evaluator may be seconds behind what has come in; a list that waits for it is one list. Not
# for ever: an evaluator that hangs must not keep anybody from what is known already.
PATIENCE: Final = 15 * SECOND
GATHER: Final = 2 * SECOND  # how long a list waits for company when nobody is behind


class Share(NamedTuple):
    """What one target may be sent in a storm's window; of the singles SINGLES may be critical."""

    singles: int
    digests: int


def share(targets: int) -> Share:
    """Return what each of so many targets may be sent, so that all together keep the bound."""
    whole = max(1, MESSAGES // max(1, targets))
    digests = min(whole, MANY, max(FEW, whole - SINGLES))
    return Share(whole - digests, digests)


def distance(told: int, digests: int) -> Micros:
    """Return how long after its last digest a target gets the next, `told` in this window.

    They come at WINDOW * (k / digests)², k = 0, 1, …: soon at first, when most is news.
    """
    if not told:
        return Micros(0)
    return Micros(WINDOW * (2 * told - 1) // digests**2) if told < digests else Micros(WINDOW)
