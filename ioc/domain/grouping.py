"""From what waits for one target to what is sent to it: mask, dedup, order, limit, group, digest.

Each stage is a function over values and an instant. Nothing is dropped: an item is decided as a
message of its own, as a line of a digest, or withheld with the reason; what is none of them waits.

Critical ones stay single up to 20 in 10 minutes, then a digest lists each of them; the others are
told one by one up to 10 in 10 minutes (EEMUA 191 calls more a flood), then one digest for each area
and rule with its count, and when even these are too many, one for everything. Whatever is more than
that is a storm, in which all targets together are sent a bounded number (`ioc.domain.storm`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from ioc.domain import storm
from ioc.domain.alert import Kind, Severity
from ioc.domain.instant import MINUTE, SECOND, Micros
from ioc.domain.policy import CALLS

URGENT_SINGLES: Final = storm.SINGLES  # critical calls of one window and target
QUIET_SINGLES: Final = 10  # everything else of one window and target
FLOOD: Final = 10  # raises of one area in a window; above it the area is told in digests
DIGESTS: Final = 5  # digests of one window and target; more groups than that become one
GATHER: Final = 5 * SECOND  # how long what is not urgent waits for company
URGENT_EVERY: Final = MINUTE  # critical digests: each lists what came since the last
_NAGS: Final = frozenset({Kind.ESCALATE, Kind.REALARM, Kind.REPEAT})
_LATEST: Final = _NAGS | {Kind.SEV_UP, Kind.SEV_DOWN}  # the newest says all that the others did


class Item(NamedTuple):
    """One notice that waits for one target, with what is known of its alert by now."""

    id: int
    alert: str
    occurrence: int
    kind: Kind
    severity: Severity
    area: str
    rule: str
    noticed_at: Micros
    answered: bool = False  # acknowledged, returned or closed meanwhile
    blocked: bool = False  # an earlier message about this alert is still on its way
    led: bool = False  # silence of what hangs on something, which may be the silent one

    @property
    def urgent(self) -> bool:
        return self.severity is Severity.CRITICAL and self.kind in CALLS


class Group(NamedTuple):
    """What one digest is about."""

    area: str
    rule: str


ALL: Final = Group("*", "*")
URGENT: Final = Group("!", "!")  # the digest of critical calls, which lists each


class Digest(NamedTuple):
    """Several items in one message."""

    group: Group
    items: tuple[Item, ...]


class Why(StrEnum):
    """Why an item is not sent; words under `notify.withheld.`."""

    SIMULATED = "simulated"
    NOBODY = "nobody"  # no policy names anybody at that hour
    NO_PLAN = "no_plan"  # nothing is configured, or it cannot be read
    NO_TARGET = "no_target"  # the target is no longer configured
    ANSWERED = "answered"  # a reminder of something that was answered meanwhile
    SUPERSEDED = "superseded"  # a later one says the same and more


class Withheld(NamedTuple):
    """An item that is not sent, and why."""

    item: Item
    why: Why


@dataclass(frozen=True, slots=True)
class Recent:
    """What was decided for this target in the last window, and how many raises each area had."""

    urgent_singles: int = 0
    quiet_singles: int = 0
    digests: Mapping[Group, Micros] = field(default_factory=dict)  # the newest of each
    n_digests: int = 0  # but the urgent ones
    raises: Mapping[str, int] = field(default_factory=dict)  # of any target, waiting ones too
    n_lists: int = 0  # digests of everything, which are in n_digests as well
    targets: int = 1  # that have been or are to be told something in this window
    behind: bool = False  # whether something has come in that nobody has evaluated yet

    @property
    def share(self) -> storm.Share:
        return storm.share(self.targets)

    @property
    def sure(self) -> int:
        """Return how many critical calls may go at once, whether this is a storm or not."""
        spent = self.urgent_singles + self.quiet_singles + self.n_digests - self.n_lists
        room = min(URGENT_SINGLES - self.urgent_singles, self.share.singles - spent)
        return max(0, room)

    @property
    def hold(self) -> Micros:
        """Return how long what is not sure waits for company, until a storm would be seen."""
        return Micros(storm.PATIENCE if self.behind else GATHER)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the waiting items; the ones that are nowhere in it wait on."""

    singles: tuple[Item, ...] = ()
    digests: tuple[Digest, ...] = ()
    withheld: tuple[Withheld, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.singles or self.digests or self.withheld)


def decide(items: Sequence[Item], recent: Recent, now: Micros) -> Decision:
    """Run the stages over what waits for one target, in the order in which it was noticed."""
    left, dropped = mask(items)
    left, superseded = deduplicate(left)
    left = in_order(left, now)
    weather = in_storm if stormy(left, recent) else in_calm
    found = weather(left, recent, now)
    return replace(found, withheld=(*dropped, *superseded))


def stormy(items: Sequence[Item], recent: Recent) -> bool:
    """Tell whether more happens than may be told: raises of anybody, or what waits here."""
    return max(sum(recent.raises.values()), len(items)) > storm.STORM


def in_storm(items: Sequence[Item], recent: Recent, now: Micros) -> Decision:
    """Tell the first critical calls one by one and everything else in few digests."""
    urgent = [item for item in items if item.urgent]
    loud = urgent[: recent.sure]
    single = {item.id for item in loud}
    rest = tuple(item for item in items if item.id not in single)
    listed = (Digest(ALL, rest),) if rest and _may_list(rest, recent, now) else ()
    return Decision(tuple(loud), listed)


def _may_list(items: Sequence[Item], recent: Recent, now: Micros) -> bool:
    last = recent.digests.get(ALL)
    digests = recent.share.digests
    if last is not None and now - last < storm.distance(recent.n_lists, digests):
        return False
    waited = now - min(item.noticed_at for item in items)
    return waited >= (storm.PATIENCE if recent.behind else storm.GATHER)


def in_calm(items: Sequence[Item], recent: Recent, now: Micros) -> Decision:
    """Tell what is no storm: urgent calls at once, the others in company."""
    urgent = [item for item in items if item.urgent]
    quiet = gathered([item for item in items if not item.urgent], recent, now)
    loud, overflow = limit_urgent(urgent, recent, now)
    calm, rest = limit_quiet(quiet, recent)
    digests = [*digest_urgent(overflow, recent, now), *digest_quiet(rest, recent)]
    return Decision((*loud, *calm), tuple(digests))


def mask(items: Iterable[Item]) -> tuple[list[Item], list[Withheld]]:
    """Withhold reminders of what was answered; what was announced is never taken back here."""
    kept, dropped = [], []
    for item in items:
        if item.kind in _NAGS and item.answered:
            dropped.append(Withheld(item, Why.ANSWERED))
        else:
            kept.append(item)
    return kept, dropped


def deduplicate(items: Sequence[Item]) -> tuple[list[Item], list[Withheld]]:
    """Keep the newest of several that wait and say the same: after an outage one, not twelve."""
    newest = {(i.alert, i.occurrence, i.kind): i.id for i in items if i.kind in _LATEST}
    kept, dropped = [], []
    for item in items:
        last = newest.get((item.alert, item.occurrence, item.kind), item.id)
        if last == item.id:
            kept.append(item)
        else:
            dropped.append(Withheld(item, Why.SUPERSEDED))
    return kept, dropped


def in_order(items: Iterable[Item], now: Micros) -> list[Item]:
    """Keep the first of each alert: its return never overtakes its raise on the way.

    That something is silent behind a gateway waits, however bad, for what is said of the gateway.
    """
    seen: set[str] = set()
    kept: list[Item] = []
    for item in items:
        early = item.led and item.kind is Kind.RAISE and now - item.noticed_at < GATHER
        if item.alert not in seen and not item.blocked and not early:
            kept.append(item)
        seen.add(item.alert)
    return kept


def gathered(items: Sequence[Item], recent: Recent, now: Micros) -> list[Item]:
    """Keep all once the oldest has waited for company long enough, else none."""
    oldest = min((item.noticed_at for item in items), default=now)
    return list(items) if now - oldest >= recent.hold else []


def limit_urgent(
    items: Sequence[Item], recent: Recent, now: Micros
) -> tuple[list[Item], list[Item]]:
    """Split critical calls into those sent one by one and those that a digest lists.

    What even a storm would leave single goes at once. The others wait as long as the quiet ones,
    until it can be seen whether this is one: then no target was sent more than its share.
    """
    at_once, later = list(items[: recent.sure]), items[recent.sure :]
    ripe = [item for item in later if now - item.noticed_at >= recent.hold]
    room = max(0, URGENT_SINGLES - recent.urgent_singles - len(at_once))
    return [*at_once, *ripe[:room]], ripe[room:]


def limit_quiet(items: Sequence[Item], recent: Recent) -> tuple[list[Item], list[Item]]:
    """Split the others: one by one while there is room and their area is not flooded."""
    room = QUIET_SINGLES - recent.quiet_singles
    singles: list[Item] = []
    rest: list[Item] = []
    for item in items:
        flooded = recent.raises.get(item.area, 0) > FLOOD
        if flooded or len(singles) >= room:
            rest.append(item)
        else:
            singles.append(item)
    return singles, rest


def digest_urgent(items: Sequence[Item], recent: Recent, now: Micros) -> list[Digest]:
    """Make the digest that lists each critical call, at most one a minute."""
    last = recent.digests.get(URGENT)
    if not items or (last is not None and now - last < URGENT_EVERY):
        return []
    return [Digest(URGENT, tuple(items))]


def digest_quiet(items: Sequence[Item], recent: Recent) -> list[Digest]:
    """Make one digest for each area and rule; one for all when there is no room for so many.

    A group that was told of in this window waits for the next one.
    """
    groups: dict[Group, list[Item]] = {}
    for item in items:
        groups.setdefault(Group(item.area, item.rule), []).append(item)
    fresh = {group: held for group, held in groups.items() if group not in recent.digests}
    room = DIGESTS - recent.n_digests
    if len(fresh) <= room:
        return [Digest(group, tuple(held)) for group, held in fresh.items()]
    if room <= 0 or ALL in recent.digests:
        return []
    return [Digest(ALL, tuple(items))]
