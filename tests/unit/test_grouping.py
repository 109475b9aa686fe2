"""The pipeline of pure stages: nothing is lost, storms stay small, critical calls stay single."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain.alert import Kind, Severity
from ioc.domain.grouping import (
    ALL,
    DIGESTS,
    FLOOD,
    GATHER,
    QUIET_SINGLES,
    URGENT,
    URGENT_EVERY,
    URGENT_SINGLES,
    Decision,
    Group,
    Item,
    Recent,
    Why,
    decide,
)
from ioc.domain.instant import MINUTE, SECOND, Micros
from ioc.domain.policy import CALLS
from ioc.domain.storm import MESSAGES, PATIENCE, STORM, WINDOW, share

T0: Final = Micros(1_790_000_000 * SECOND)
LATER: Final = Micros(T0 + GATHER)


def item(
    id_: int, kind: Kind = Kind.RAISE, severity: Severity = Severity.HIGH, **more: Any
) -> Item:
    made = Item(id_, f"alert-{id_}", 1, kind, severity, "26068", "rule", T0)
    return made._replace(**more)


def raises(items: list[Item]) -> Recent:
    return Recent(raises=Counter(i.area for i in items if i.kind is Kind.RAISE))


items = st.lists(
    st.builds(
        Item,
        id=st.just(0),
        alert=st.sampled_from("abcdef"),
        occurrence=st.integers(1, 2),
        kind=st.sampled_from([*CALLS, Kind.RTN, Kind.SEV_DOWN, Kind.ACK]),
        severity=st.sampled_from(Severity),
        area=st.sampled_from(["", "1", "2"]),
        rule=st.sampled_from(["r", "s"]),
        noticed_at=st.integers(T0 - MINUTE, T0).map(Micros),
        answered=st.booleans(),
        blocked=st.booleans(),
    ),
    max_size=60,
).map(lambda found: [one._replace(id=n) for n, one in enumerate(found)])


class Sim:
    """One target over time: what is decided is sent at once and becomes the recent past."""

    def __init__(self, waiting: list[Item], targets: int = 1) -> None:
        self.waiting = waiting
        self.targets = targets
        self.raised = [i for i in waiting if i.kind is Kind.RAISE]
        self.sent: list[tuple[Micros, Group | None, tuple[Item, ...]]] = []
        self.withheld: list[tuple[Item, Why]] = []

    def recent(self, now: Micros) -> Recent:
        held = [one for one in self.sent if one[0] > now - WINDOW]
        singles = [s[2][0].urgent for s in held if s[1] is None]
        digests = [(group, at) for at, group, _ in held if group is not None]
        new = [i for i in self.raised if i.noticed_at > now - WINDOW]
        return Recent(
            urgent_singles=singles.count(True),
            quiet_singles=singles.count(False),
            digests=dict(digests),
            n_digests=sum(group != URGENT for group, _ in digests),
            raises=Counter(i.area for i in new if i.noticed_at <= now),
            n_lists=sum(group == ALL for group, _ in digests),
            targets=self.targets,
        )

    def turn(self, now: Micros) -> Decision:
        seen = [i for i in self.waiting if i.noticed_at <= now]
        found = decide(seen, self.recent(now), now)
        self.sent += [(now, None, (one,)) for one in found.singles]
        self.sent += [(now, one.group, one.items) for one in found.digests]
        self.withheld += [(one.item, one.why) for one in found.withheld]
        done = {i.id for _, _, held in self.sent for i in held} | {i.id for i, _ in self.withheld}
        self.waiting = [i._replace(blocked=False) for i in self.waiting if i.id not in done]
        return found


@given(items)
def test_nothing_is_lost_or_told_twice(waiting: list[Item]) -> None:
    """However long it takes, each item ends in one message, one digest's line, or one reason."""
    sim = Sim(list(waiting))
    for n in range(1, 400):
        if not sim.waiting:
            break
        sim.turn(Micros(T0 + n * MINUTE))
    told = [i.id for _, _, held in sim.sent for i in held] + [i.id for i, _ in sim.withheld]
    assert sorted(told) == [i.id for i in waiting]


@given(items)
def test_only_reminders_are_withheld(waiting: list[Item]) -> None:
    """A raise, a return, an acknowledgement always reach whoever is to be told."""
    found = decide(waiting, Recent(), LATER)
    kinds = {one.item.kind for one in found.withheld}
    assert kinds <= {Kind.ESCALATE, Kind.REALARM, Kind.REPEAT, Kind.SEV_UP, Kind.SEV_DOWN}


@given(items)
def test_of_one_alert_one_message_at_a_time(waiting: list[Item]) -> None:
    """A return never overtakes its raise: until that was answered for, it waits."""
    sim = Sim(list(waiting))
    order: dict[str, int] = {}
    for n in range(1, 400):
        found = sim.turn(Micros(T0 + n * MINUTE))
        told = [*found.singles, *(i for d in found.digests for i in d.items)]
        assert len({i.alert for i in told}) == len(told)
        for one in told:
            assert order.get(one.alert, -1) < one.id
            order[one.alert] = one.id


@given(
    st.lists(
        st.tuples(st.sampled_from(Severity), st.integers(0, 12), st.integers(0, 3)),
        min_size=1,
        max_size=400,
    )
)
@settings(max_examples=50)
def test_no_window_holds_more_than_its_limits(storm: list[tuple[Severity, int, int]]) -> None:
    """Whatever comes at once, ten minutes bring a target a bounded number of messages."""
    sim = Sim(
        [
            item(n, severity=severity, area=str(area), rule=str(rule))
            for n, (severity, area, rule) in enumerate(storm)
        ]
    )
    for second in range(0, 600, 5):
        sim.turn(Micros(T0 + second * SECOND))
    single = [held[0].urgent for _, group, held in sim.sent if group is None]
    groups = [group for _, group, _ in sim.sent if group not in {None, URGENT}]
    assert single.count(True) <= URGENT_SINGLES
    assert single.count(False) <= QUIET_SINGLES
    assert len(groups) <= DIGESTS


def province(spread_s: float = 0.0, number: int = 10_000) -> list[Item]:
    """Return the raises of a province-wide outage, recorded one after the other."""
    return [
        item(
            n,
            severity=Severity.CRITICAL if n % 10 == 0 else Severity.HIGH,
            area=str(n % 95),
            rule=str(n % 5),
            noticed_at=Micros(T0 + int(spread_s * SECOND * n / number)),
        )
        for n in range(number)
    ]


def test_ten_thousand_at_once_are_a_handful() -> None:
    """A province-wide outage: twenty critical calls, and one digest that holds every other one."""
    storm = province()
    found = decide(storm, raises(storm), LATER)
    assert len(found.singles) == URGENT_SINGLES
    assert [(d.group, len(d.items)) for d in found.digests] == [(ALL, 10_000 - URGENT_SINGLES)]


@pytest.mark.parametrize("targets", [1, 2, 3, 7, 25, 50])
@pytest.mark.parametrize("spread_s", [0.0, 3.0, 60.0])
def test_a_storm_is_fifty_messages_over_all_targets(targets: int, spread_s: float) -> None:
    """However many are told, and whether it comes at once or drags on: 50 in its ten minutes."""
    sim = Sim(province(spread_s, 1000), targets)  # all of them are told the same
    for second in range(0, 600, 2):
        sim.turn(Micros(T0 + second * SECOND))
    assert len(sim.sent) * targets <= MESSAGES
    for minute in range(10, 25):
        sim.turn(Micros(T0 + minute * MINUTE))
    assert sorted(i.id for _, _, held in sim.sent for i in held) == list(range(1000))


@pytest.mark.parametrize("targets", [1, 2, 7])
def test_a_list_waits_for_what_is_not_evaluated_yet(targets: int) -> None:
    """While the evaluator is behind, only the sure calls go; after fifteen seconds all that is."""
    storm = province(number=1000)
    behind = Recent(raises={"1": 1000}, targets=targets, behind=True)
    early = decide(storm, behind, Micros(T0 + PATIENCE - 1))
    assert (len(early.singles), early.digests) == (min(20, share(targets).singles), ())
    assert len(decide(storm, behind, Micros(T0 + PATIENCE)).digests) == 1


def test_a_storm_that_is_not_seen_yet_spends_no_more_than_its_share() -> None:
    """The first look sees 40 of 10,000: of seven targets none gets twenty before that is known."""
    first = [item(n, severity=Severity.CRITICAL) for n in range(40)]
    seen = raises(first)
    told = decide(first, replace(seen, targets=7), T0)
    assert (len(told.singles), told.digests) == (share(7).singles, ())
    calm = decide(first, replace(seen, targets=7), LATER)
    assert len(calm.singles) == URGENT_SINGLES, "five seconds later it is no storm"


def test_in_a_storm_nothing_quiet_is_single() -> None:
    """Above fifty raises a quiet area is told in the digest, too; at fifty it is not."""
    calm = [item(1, area="far")]
    (digest,) = decide(calm, Recent(raises={"near": STORM + 1}), LATER).digests
    assert (digest.group, digest.items) == (ALL, tuple(calm))
    assert decide(calm, Recent(raises={"near": STORM}), LATER).singles == tuple(calm)


def test_critical_calls_stay_single_up_to_twenty() -> None:
    """Of 30, twenty are messages of their own and the digest lists the ten others."""
    calls = [item(n, severity=Severity.CRITICAL) for n in range(30)]
    assert len(decide(calls, raises(calls), T0).singles) == URGENT_SINGLES
    found = decide(calls, raises(calls), LATER)
    assert [i.id for i in found.singles] == list(range(URGENT_SINGLES))
    (digest,) = found.digests
    assert (digest.group, [i.id for i in digest.items]) == (URGENT, list(range(20, 30)))
    later = [item(99, severity=Severity.CRITICAL, noticed_at=Micros(T0 - GATHER))]
    told = Recent(urgent_singles=20, digests={URGENT: T0})
    assert decide(later, told, Micros(T0 + URGENT_EVERY - 1)).empty
    assert len(decide(later, told, Micros(T0 + URGENT_EVERY)).digests) == 1


def test_critical_calls_do_not_wait_for_company() -> None:
    """A critical raise goes at once; the others gather for five seconds."""
    both = [item(1, severity=Severity.CRITICAL), item(2)]
    assert [i.id for i in decide(both, Recent(), T0).singles] == [1]
    assert [i.id for i in decide(both, Recent(), LATER).singles] == [1, 2]


def test_above_ten_raises_an_area_is_told_in_digests() -> None:
    """Eleven raises of one area: one message a rule with all of them; another area is untouched."""
    flood = [item(n, rule="r" if n < 8 else "s") for n in range(FLOOD + 1)]
    calm = item(50, area="26071")
    found = decide([*flood, calm], raises([*flood, calm]), LATER)
    assert found.singles == (calm,)
    assert [(d.group.rule, len(d.items)) for d in found.digests] == [("r", 8), ("s", 3)]
    exactly = flood[:FLOOD]
    assert len(decide(exactly, raises(exactly), LATER).singles) == FLOOD


def test_a_group_is_told_once_a_window() -> None:
    """What comes after a digest waits for the next window and is told then."""
    flood = [item(n) for n in range(20)]
    told = Recent(digests={Group("26068", "rule"): T0}, n_digests=1, raises={"26068": 40})
    assert decide(flood, told, LATER).empty
    assert len(decide(flood, Recent(raises={"26068": 40}), LATER).digests) == 1


def test_more_groups_than_room_become_one() -> None:
    """Six areas are one digest of everything, and then none until the window ends."""
    areas = [item(n, area=str(n % 6)) for n in range(48)]
    found = decide(areas, raises(areas), LATER)
    assert [(d.group, len(d.items)) for d in found.digests] == [(ALL, 48 - QUIET_SINGLES)]
    full = replace(raises(areas), quiet_singles=QUIET_SINGLES, digests={ALL: T0}, n_digests=1)
    assert decide(areas, full, LATER).empty
    few = [one for one in areas if one.area in {"1", "2"}]
    assert len(decide(few, full, LATER).digests) == 2


def test_silence_behind_something_waits_for_the_word_on_that() -> None:
    """However bad: what hangs on a gateway is told five seconds on; a value of it at once."""
    silent = item(1, severity=Severity.CRITICAL, led=True)
    again = item(2, Kind.REALARM, severity=Severity.CRITICAL, alert="alert-1", led=True)
    assert decide([silent, again], Recent(), Micros(LATER - 1)).empty
    assert decide([silent, again], Recent(), LATER).singles == (silent,)
    value = item(3, severity=Severity.CRITICAL)
    assert decide([value], Recent(), T0).singles == (value,)


def test_reminders_of_what_was_answered_are_withheld() -> None:
    """After an outage of the mail server nobody reads twelve reminders of an old alert."""
    nags = [
        item(n, Kind.REPEAT, alert="a", answered=False, severity=Severity.CRITICAL)
        for n in range(12)
    ]
    found = decide(nags, Recent(), T0)
    assert [i.id for i in found.singles] == [11]
    assert {one.why for one in found.withheld} == {Why.SUPERSEDED}
    gone = [one._replace(answered=True) for one in nags]
    assert {one.why for one in decide(gone, Recent(), T0).withheld} == {Why.ANSWERED}
    escalated = [item(1, Kind.ESCALATE), item(2, Kind.ESCALATE, alert="alert-1", occurrence=2)]
    assert decide(escalated, Recent(), LATER).withheld == ()


def test_a_larger_storm_keeps_its_first_twenty_critical_calls() -> None:
    """However many come at once, twenty stay single; the digest lists every other one."""
    calls = [item(n, severity=Severity.CRITICAL) for n in range(5000)]
    found = decide(calls, raises(calls), LATER)
    assert [i.id for i in found.singles] == list(range(URGENT_SINGLES))
    (digest,) = found.digests
    assert [i.id for i in digest.items] == list(range(URGENT_SINGLES, 5000))
    told = Recent(urgent_singles=URGENT_SINGLES - 1)
    assert len(decide(calls, told, T0).singles) == 1, "of the window, not of the moment"


def test_singles_are_counted_over_the_window() -> None:
    """Ten were told one by one within ten minutes: the next one comes in a digest."""
    one = item(99, area="26071")
    full = Recent(quiet_singles=QUIET_SINGLES)
    assert decide([one], full, LATER).singles == ()
    assert [d.items for d in decide([one], full, LATER).digests] == [(one,)]
    assert decide([one], Recent(quiet_singles=QUIET_SINGLES - 1), LATER).singles == (one,)
