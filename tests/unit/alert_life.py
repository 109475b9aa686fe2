"""One alarm under everything the process, people and the clock can do to it: a hypothesis machine.

The oracle keeps books of its own: what the process is, which masks are on, what people were told.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ioc.domain import announcement, operator, timers
from ioc.domain.alert import Kind, Op, Rule, Severity
from ioc.domain.announcement import Alert, Desk, Draft, Notice, Outcome, Subject
from ioc.domain.episode import Change
from ioc.domain.errors import OrderError
from ioc.domain.instant import HOUR, MINUTE, SECOND, Micros
from ioc.domain.mask import Mask, Masked, MaskKind, Masks, Matcher, Target
from ioc.domain.observation import DatastreamId, ThingId

RULE = Rule("over", 1, Op.GT, 50.0, Severity.HIGH, 60 * SECOND, 900 * SECOND)
SUBJECT = Subject(DatastreamId(7), ThingId(3))
TARGET = Target("over", 7, 3, "env", "26000")
START = Micros(1_790_000_000 * SECOND)
PEOPLE = st.sampled_from(["lan", "minh", "hoa"])
ABOUT_PEOPLE = {Kind.COMMENT, Kind.ASSIGN}  # words between people, no annunciation of the alarm


class Life(RuleBasedStateMachine):
    """The life of one (rule, datastream)."""

    def __init__(self) -> None:
        super().__init__()
        self.rule = RULE
        self.now = START
        self.alert: Alert | None = None
        self.past: list[Alert] = []
        self.masks: list[Mask] = []
        self.parent_down = False
        self.on = False  # the process, by the oracle
        self.severity = int(Severity.HIGH)
        self.told: list[Notice] = []
        self.heard = 5  # the severity people heard last; weaker than any at first

    @initialize(latch=st.booleans(), automatic=st.booleans())
    def begin(self, *, latch: bool, automatic: bool) -> None:
        self.rule = replace(RULE, latch=latch, auto_acknowledge=automatic)

    # ------------------------------------------------------------ books

    def over(self, severity: int, one_shot: bool = True) -> Masked | None:  # noqa: FBT001, FBT002
        target = replace(TARGET, parent_down=self.parent_down)
        return Masks(self.masks).over(target, severity, self.now, one_shot=one_shot)

    def oracle_masked(self, severity: int) -> bool:
        """Tell by the plain reading of the table whether anything masks the alarm now."""
        return self.parent_down or any(
            mask.starts <= self.now < mask.ends
            and (
                mask.kind != "out_of_service"
                or severity > 1
                or (mask.approved_by is not None and mask.approved_by != mask.by)
            )
            for mask in self.masks
        )

    def desk(self) -> Desk:
        seen = {alert.id for alert in self.past}
        return Desk(self.rule, SUBJECT, self.now, lambda key: key not in seen, self.over)

    def keep(self, outcome: Outcome) -> None:
        for entry in outcome.entries:
            if entry.kind in (Kind.SEV_UP, Kind.SEV_DOWN):
                rose = self.alert is not None and self.severity < self.alert.severity
                assert rose == (entry.kind is Kind.SEV_UP), "a rise logged as a fall, or back"
        assert not any(n.kind is Kind.SEV_DOWN for n in outcome.notices), "a fall is silent"
        for alert in outcome.alerts:
            masked = self.oracle_masked(alert.severity)
            for notice in outcome.notices:
                announced = any(
                    n.kind is Kind.RAISE and n[:2] == notice[:2]
                    for n in (*self.told, *outcome.notices)
                )
                quiet = notice.kind in ABOUT_PEOPLE or (notice.kind is Kind.RTN and announced)
                assert quiet or not masked, f"I12: {notice.kind} told while masked"
                if notice.kind in (Kind.RAISE, Kind.SEV_UP):
                    self.heard = alert.severity
            self.told += outcome.notices
            assert not (alert.closed_at and alert.active), "I14: closed and on"
            self.alert = None if alert.closed_at else alert
            if alert.closed_at:
                self.past.append(alert)

    def tick(self) -> None:
        """Do what the store's wall clock does each second."""
        if self.alert is not None:
            draft = Draft(self.alert, self.now)
            announcement.settle(draft, self.over(self.alert.severity))
            timers.fire(draft)
            self.keep(draft.outcome)

    def say(self, kind: Kind) -> None:
        severity = Severity(self.severity)
        change = Change(kind, self.now, 60.0, severity=severity, limit=50.0)
        outcome = self.desk().decide(self.alert, change)
        self.keep(outcome)
        if any(entry.kind is Kind.RTN for entry in outcome.entries):
            self.masks = [mask for mask in self.masks if not mask.one_shot]

    # ------------------------------------------------------------ the process

    @rule()
    def breach(self) -> None:
        self.on = True
        self.say(Kind.RAISE)

    @rule()
    def back(self) -> None:
        if self.on:
            self.on = False
            self.say(Kind.RTN)

    @rule(severity=st.sampled_from(list(Severity)))
    def grade(self, severity: Severity) -> None:
        if self.on and severity != self.severity:
            kind = Kind.SEV_UP if severity < self.severity else Kind.SEV_DOWN
            self.severity = int(severity)
            self.heard = max(self.heard, self.severity)  # a fall is silent
            self.say(kind)

    @rule(kind=st.sampled_from([Kind.STALE, Kind.FRESH]))
    def signal(self, kind: Kind) -> None:
        if self.on:
            self.say(kind)

    @rule(down=st.booleans())
    def parent(self, *, down: bool) -> None:
        self.parent_down = down
        self.tick()

    @rule(lasting=st.sampled_from([SECOND, 4 * MINUTE, 11 * MINUTE, HOUR, 9 * HOUR]))
    def wait(self, lasting: int) -> None:
        self.now = Micros(self.now + lasting)
        self.tick()

    # ------------------------------------------------------------ people

    @rule(who=PEOPLE)
    def acknowledge(self, who: str) -> None:
        alert = self.alert
        if alert is None:
            return
        try:
            outcome = operator.acknowledge(alert, who, self.now)
        except OrderError as error:
            assert error.code == "masked"  # noqa: PT017  other refusals are refused here
            assert alert.mask is not None
            return
        self.keep(outcome)
        for done in outcome.alerts:
            assert operator.acknowledge(done, "another", self.now) == Outcome(), "I14: ack twice"

    @rule(who=PEOPLE, lasting=st.sampled_from([MINUTE, HOUR, 30 * HOUR]), one_shot=st.booleans())
    def shelve(self, who: str, lasting: int, *, one_shot: bool) -> None:
        if self.alert is None or (one_shot and not self.alert.active):
            return
        mask = operator.shelf(self.alert, who, lasting, "sửa", self.now, one_shot=one_shot)
        assert mask.ends - self.now <= 8 * HOUR, "I14: a shelf without bound"
        self.masks = [m for m in self.masks if m.kind is not MaskKind.SHELVE] + [mask]
        self.tick()

    @rule(kind=st.sampled_from([MaskKind.MAINTENANCE, MaskKind.OUT_OF_SERVICE]), who=PEOPLE)
    def mask(self, kind: MaskKind, who: str) -> None:
        ends = Micros(self.now + 2 * HOUR)
        draft = Mask(kind, Matcher(thing=3), self.now, ends, "bảo trì", who)
        self.masks.append(operator.plan(draft, self.now))
        self.tick()

    @rule(who=PEOPLE)
    def approve(self, who: str) -> None:
        for place, mask in enumerate(self.masks):
            if mask.kind is MaskKind.OUT_OF_SERVICE and mask.by != who:
                self.masks[place] = operator.approve(mask, who)
        self.tick()

    @rule()
    def lift(self) -> None:
        self.masks = []
        self.tick()

    @rule(who=PEOPLE)
    def reset(self, who: str) -> None:
        if self.alert is not None and self.alert.latched:
            self.keep(operator.reset(self.alert, who, self.now))

    @rule(who=PEOPLE, to=PEOPLE)
    def assign(self, who: str, to: str) -> None:
        if self.alert is not None:
            self.keep(operator.assign(self.alert, who, to, self.now))

    @rule(who=PEOPLE)
    def close(self, who: str) -> None:
        if self.alert is None:
            return
        try:
            self.keep(operator.close(self.alert, who, self.now))
        except OrderError as error:
            assert self.alert.active or not self.alert.acked, error.code  # noqa: PT017  as above

    # ------------------------------------------------------------ promises

    @invariant()
    def i11_each_notice_once_and_returns_paired(self) -> None:
        keys = [notice.key for notice in self.told]
        assert len(keys) == len(set(keys)), "I11: something was told twice"
        raised = {notice[:2] for notice in self.told if notice.kind is Kind.RAISE}
        returned = {notice[:2] for notice in self.told if notice.kind is Kind.RTN}
        open_now = {(a.id, a.occurrence) for a in (self.alert,) if a is not None and a.active}
        assert returned == raised - open_now, "I11: RAISE and RTN are not paired"

    @invariant()
    def i13_on_and_unmasked_is_announced(self) -> None:
        if not self.on or self.oracle_masked(self.severity):
            return
        assert self.alert is not None, "I13: on, and no alert"
        key = (self.alert.id, self.alert.occurrence)
        said = {notice.kind for notice in self.told if notice[:2] == key}
        assert Kind.RAISE in said, "I13: on, unmasked and never announced"
        assert self.alert.severity == self.severity
        assert self.heard == self.severity, "I13: its severity was never told"

    @invariant()
    def the_process_is_seen(self) -> None:
        if self.on:
            assert self.alert is not None, "on, and no alert"
            assert self.alert.active, "on, and the alert is not"
