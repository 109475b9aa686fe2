"""The operator and mask axes as the ISA-18.2 table has them, one command at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ioc import text
from ioc.domain import operator
from ioc.domain.alert import Kind, Op, Rule, Severity
from ioc.domain.announcement import Alert, Desk, Draft, Outcome, Subject, settle
from ioc.domain.episode import Change, Reason
from ioc.domain.errors import OrderError
from ioc.domain.handling import STEPS, Handling, Standing, standing
from ioc.domain.instant import HOUR, MINUTE, SECOND, Micros
from ioc.domain.mask import Display, Mask, Masked, MaskKind, Masks, Matcher, Target, display
from ioc.domain.observation import DatastreamId, ThingId
from ioc.domain.operator import Step
from ioc.domain.permission import Action
from ioc.domain.timers import TIMERS, fire, next_due

RULE = Rule("over", 1, Op.GT, 50.0, Severity.HIGH, 60 * SECOND, 900 * SECOND)
NOW = Micros(1_790_000_000 * SECOND)
TARGET = Target("over", 7, 3, "env", "26000")
SHELF = Masked(MaskKind.SHELVE, Micros(NOW + HOUR), "lan", 1)


def later(duration: int) -> Micros:
    return Micros(NOW + duration)


def desk(masked: Masked | None = None, now: Micros = NOW, rule: Rule = RULE) -> Desk:
    subject = Subject(DatastreamId(7), ThingId(3))
    return Desk(rule, subject, now, lambda _: True, lambda _severity, _one_shot: masked)


def change(kind: Kind, severity: Severity = Severity.HIGH, reason: Reason | None = None) -> Change:
    return Change(kind, NOW, 60.0, reason=reason, severity=severity, limit=50.0)


def raised(masked: Masked | None = None, rule: Rule = RULE) -> Outcome:
    return desk(masked, rule=rule).decide(None, change(Kind.RAISE))


def on(masked: Masked | None = None) -> Alert:
    return raised(masked).alerts[0]


def acked() -> Alert:
    return operator.acknowledge(on(), "lan", NOW).alerts[0]


def returned() -> Alert:
    return desk().decide(on(), change(Kind.RTN)).alerts[0]


def kinds(outcome: Outcome) -> list[str]:
    return [notice.kind.value for notice in outcome.notices]


@pytest.mark.parametrize(
    ("active", "answered", "mask", "shown"),
    [
        (True, False, None, Display.UNACK),
        (True, True, None, Display.ACK),
        (False, False, None, Display.RTN_UNACK),
        (False, True, None, Display.NORMAL),
        (True, False, MaskKind.SHELVE, Display.SHELVED),
        (False, False, MaskKind.SHELVE, Display.SHELVED),
        (True, True, MaskKind.MAINTENANCE, Display.SUPPRESSED),
        (True, False, MaskKind.PARENT, Display.SUPPRESSED),
        (True, False, MaskKind.CALIBRATION, Display.SUPPRESSED),
        (True, False, MaskKind.OUT_OF_SERVICE, Display.OUT_OF_SERVICE),
    ],
)
def test_the_display_state_is_derived(
    *, active: bool, answered: bool, mask: MaskKind | None, shown: Display
) -> None:
    """Every line of the table, and a closed alert is normal whatever else is left on it."""
    assert display(active=active, acked=answered, closed=False, mask=mask) is shown
    assert display(active=active, acked=answered, closed=True, mask=mask) is Display.NORMAL


def test_out_of_service_comes_before_the_shelf_and_that_before_the_rest() -> None:
    """One alert under all kinds of masks shows the strongest; take it away and the next shows."""
    put = [
        Mask(kind, Matcher(thing=3), NOW, later(HOUR), "x", "lan")
        for kind in (MaskKind.MAINTENANCE, MaskKind.SHELVE, MaskKind.OUT_OF_SERVICE)
    ]
    target = replace(TARGET, parent_down=True, calibrating=True)
    found = []
    while masked := Masks(put).over(target, 2, NOW):
        found.append(masked.kind)
        if put:
            put.pop()
        elif target.parent_down:
            target = replace(target, parent_down=False)
        else:
            target = replace(target, calibrating=False)
    assert found == list(MaskKind)


@pytest.mark.parametrize(
    ("matcher", "covers"),
    [
        (Matcher(), False),
        (Matcher(rule="over"), True),
        (Matcher(feed="env", commune="26000"), True),
        (Matcher(datastream=7, rule="other"), False),
        (Matcher(thing=4), False),
        (Matcher(commune="26001"), False),
    ],
)
def test_everything_a_matcher_names_must_fit(*, matcher: Matcher, covers: bool) -> None:
    """And one that names nothing covers nothing: no slip silences a province."""
    mask = Mask(MaskKind.MAINTENANCE, matcher, NOW, later(HOUR), "x", "lan")
    assert matcher.covers(TARGET) is covers
    assert (Masks([mask]).over(TARGET, 2, NOW) is not None) is covers


def test_a_mask_holds_from_its_start_until_its_end() -> None:
    """[starts, ends): not before, and no longer."""
    mask = Mask(MaskKind.MAINTENANCE, Matcher(thing=3), later(1), later(3), "x", "lan")
    held = [Masks([mask]).over(TARGET, 2, later(t)) is not None for t in range(5)]
    assert held == [False, True, True, False, False]


def test_critical_out_of_service_takes_two_people() -> None:
    """One person alone silences the lesser alerts, never a critical one; nor approves himself."""
    mask = Mask(MaskKind.OUT_OF_SERVICE, Matcher(thing=3), NOW, later(HOUR), "hỏng", "lan")
    assert Masks([mask]).over(TARGET, 2, NOW) is not None
    assert Masks([mask]).over(TARGET, 1, NOW) is None
    with pytest.raises(OrderError, match="same_person"):
        operator.approve(mask, "lan")
    agreed = operator.approve(mask, "minh")
    assert Masks([agreed]).over(TARGET, 1, NOW) is not None
    assert operator.approve(agreed, "hoa") == agreed


@pytest.mark.parametrize(
    ("masked", "told"),
    [(None, ["RAISE"]), (SHELF, []), (Masked(MaskKind.PARENT), [])],
)
def test_a_raise_is_told_only_unmasked(masked: Masked | None, told: list[str]) -> None:
    """RAISE once per occurrence, only if unmasked; a redelivery tells nothing."""
    first = raised(masked)
    assert kinds(first) == told
    assert desk(masked).decide(first.alerts[0], change(Kind.RAISE)) == Outcome()


def test_a_return_is_told_if_its_raise_was() -> None:
    """Masked or not; one never announced closes without a word."""
    shelved = Draft(on(), NOW)
    settle(shelved, SHELF)
    assert kinds(desk(SHELF).decide(shelved.alert, change(Kind.RTN))) == ["RTN"]
    quiet = desk(SHELF).decide(on(SHELF), change(Kind.RTN))
    assert kinds(quiet) == []
    assert quiet.alerts[0].closed_at == NOW


def test_the_end_of_a_mask_tells_what_it_held_back() -> None:
    """Active and unannounced: RAISE now; announced before: nothing; graver meanwhile: SEV_UP."""
    unheard = Draft(on(SHELF), later(HOUR))
    settle(unheard, None)
    assert kinds(unheard.outcome) == ["RAISE"]
    assert unheard.alert.clock_from == later(HOUR)
    heard = Draft(on(), NOW)
    settle(heard, SHELF)
    graver = desk(SHELF).decide(heard.alert, change(Kind.SEV_UP, Severity.CRITICAL))
    assert kinds(graver) == []
    back = Draft(graver.alerts[0], later(HOUR))
    settle(back, None)
    assert kinds(back.outcome) == ["SEV_UP"]
    settle(again := Draft(back.alert, later(HOUR)), None)
    assert kinds(again.outcome) == []


def test_a_graver_level_asks_for_a_new_answer() -> None:
    """SEV_UP clears the acknowledgement and is told; SEV_DOWN is silent and keeps it."""
    up = desk().decide(acked(), change(Kind.SEV_UP, Severity.CRITICAL))
    assert (kinds(up), up.alerts[0].acked_at, up.alerts[0].severity) == (["SEV_UP"], None, 1)
    down = desk().decide(acked(), change(Kind.SEV_DOWN, Severity.LOW))
    assert (kinds(down), down.alerts[0].acked_by, down.alerts[0].severity) == ([], "lan", 4)


def test_a_raise_in_rtn_unack_reuses_the_alert() -> None:
    """Occurrence 2 of the same row, announced anew, with whoever has it in hand."""
    given = replace(returned(), assignee="minh")
    again = desk().decide(given, change(Kind.RAISE))
    assert (again.alerts[0].id, again.alerts[0].occurrence) == (given.id, 2)
    assert (again.alerts[0].assignee, kinds(again)) == ("minh", ["RAISE"])


def test_acknowledging() -> None:
    """Stops the clock; repeated it changes nothing; of what returned it is the close."""
    assert operator.acknowledge(acked(), "minh", NOW) == Outcome()
    assert operator.acknowledge(returned(), "lan", NOW).alerts[0].closed_at == NOW
    assert next_due(acked()) == later(HOUR)
    assert next_due(on()) == later(5 * MINUTE)
    with pytest.raises(OrderError, match="masked"):
        operator.acknowledge(on(SHELF), "lan", NOW)


@pytest.mark.parametrize("asked", [1, HOUR, 8 * HOUR, 9 * HOUR, 10**18])
def test_a_shelf_is_bounded_and_has_a_reason(asked: int) -> None:
    """Whatever was asked for, it ends within a shift."""
    assert operator.shelf(on(), "lan", asked, "sửa", NOW).ends == NOW + min(asked, 8 * HOUR)
    with pytest.raises(OrderError, match="text_missing"):
        operator.shelf(on(), "lan", asked, "  ", NOW)


def test_a_one_shot_shelf_takes_what_is_on() -> None:
    """It waits for the return, so there must be one to come."""
    assert operator.shelf(on(), "lan", HOUR, "sửa", NOW, one_shot=True).one_shot
    with pytest.raises(OrderError, match="not_active"):
        operator.shelf(returned(), "lan", HOUR, "sửa", NOW, one_shot=True)


def test_a_latched_alert_waits_for_its_reset() -> None:
    """Values that return are held; a disabled rule is not, and a second raise is the same."""
    rule = replace(RULE, latch=True)
    first = raised(rule=rule).alerts[0]
    held = desk(rule=rule).decide(first, change(Kind.RTN))
    assert (held.alerts[0].latched, held.alerts[0].active, kinds(held)) == (True, True, [])
    again = desk(rule=rule).decide(held.alerts[0], change(Kind.RAISE))
    assert (again.alerts[0].latched, again.alerts[0].occurrence, kinds(again)) == (False, 1, [])
    let_go = operator.reset(held.alerts[0], "lan", NOW)
    assert (let_go.alerts[0].display, kinds(let_go)) == (Display.RTN_UNACK, ["RTN"])
    gone = desk(rule=rule).decide(first, change(Kind.RTN, reason=Reason.DISABLED))
    assert not gone.alerts[0].active
    with pytest.raises(OrderError, match="not_latched"):
        operator.reset(first, "lan", NOW)


def fired(alert: Alert, at: int) -> Draft:
    draft = Draft(alert, later(at))
    fire(draft)
    return draft


@pytest.mark.parametrize(
    ("alert", "at", "told"),
    [
        (on, 5 * MINUTE - 1, []),
        (on, 5 * MINUTE, ["ESCALATE:1"]),
        (on, 15 * MINUTE, ["ESCALATE:1", "ESCALATE:2"]),
        (on, 30 * MINUTE, ["ESCALATE:1", "ESCALATE:2", "REPEAT:1"]),
        (acked, HOUR - 1, []),
        (acked, HOUR, ["REALARM:1"]),
        (returned, 9 * HOUR, []),
        (lambda: on(SHELF), 9 * HOUR, []),
    ],
)
def test_the_wall_clock(alert: Callable[[], Alert], at: int, told: list[str]) -> None:
    """Unanswered it escalates and repeats, answered it asks again; masked or over it waits."""
    draft = fired(alert(), at)
    assert [f"{n.kind.value}:{n.n}" for n in draft.notices] == told
    due = next_due(alert())
    assert (due is not None and due <= later(at)) is bool(told)
    assert fired(draft.alert, at).notices == []  # the same instant again


def test_a_realarm_asks_for_an_answer() -> None:
    """The acknowledgement is gone, and the next word comes a repeat later, not at once."""
    draft = fired(acked(), HOUR)
    assert draft.alert.display is Display.UNACK
    assert next_due(draft.alert) == later(HOUR + 5 * MINUTE)


def test_the_time_on_the_shelf_does_not_count() -> None:
    """An alert from the shelf is not escalated at once."""
    draft = Draft(on(), NOW)
    settle(draft, SHELF)
    back = Draft(draft.alert, later(HOUR))
    settle(back, None)
    fire(back)
    assert back.notices == []
    assert next_due(back.alert) == later(HOUR + TIMERS.escalate[0])


def test_closing_takes_an_answer() -> None:
    """Neither what is on nor what nobody answered; closed before is no news."""
    for alert, code in ((on(), "still_active"), (returned(), "not_acknowledged")):
        with pytest.raises(OrderError, match=code):
            operator.close(alert, "lan", NOW)
    done = operator.acknowledge(returned(), "lan", NOW).alerts[0]
    assert operator.close(done, "lan", NOW) == Outcome()


def test_words_to_whoever_has_it() -> None:
    """An assignment and a note are told to the assignee; to oneself there is nothing to tell."""
    given = operator.assign(on(), "lan", "minh", NOW)
    assert kinds(given) == ["ASSIGN"]
    alert = given.alerts[0]
    assert operator.assign(alert, "lan", "minh", NOW) == Outcome()
    assert kinds(operator.comment(alert, "lan", "xem lại", NOW)) == ["COMMENT"]
    assert kinds(operator.comment(alert, "minh", "đã xem", NOW)) == []
    assert kinds(operator.assign(alert, "lan", None, NOW)) == []
    closed = replace(alert, closed_at=NOW)
    with pytest.raises(OrderError, match="closed"):
        operator.comment(closed, "lan", "muộn", NOW)
    operator.comment(replace(closed, handling=Handling.IN_PROGRESS), "lan", "xong", NOW)


def take(alert: Alert, to: Handling, who: str, **more: str) -> Alert:
    return operator.take_step(alert, Step(to, **more), who, NOW).alerts[0]


def test_the_handling_goes_its_way_beside_the_sensor() -> None:
    """All steps to the end; the return of the sensor closes the alert, not the work."""
    alert = take(acked(), Handling.RECEIVED, "lan")
    alert = take(alert, Handling.VERIFIED, "lan")
    with pytest.raises(OrderError, match="assignee_missing"):
        take(alert, Handling.ASSIGNED, "lan")
    alert = take(alert, Handling.ASSIGNED, "lan", assignee="minh")
    alert = desk().decide(alert, change(Kind.RTN)).alerts[0]
    assert (alert.closed_at, alert.handling) == (NOW, Handling.ASSIGNED)
    alert = take(alert, Handling.IN_PROGRESS, "minh")
    alert = take(alert, Handling.REVIEW, "minh")
    with pytest.raises(OrderError, match="same_person"):
        take(alert, Handling.CLOSED, "minh")
    with pytest.raises(OrderError, match="note_missing"):
        take(alert, Handling.IN_PROGRESS, "hoa")
    alert = take(alert, Handling.CLOSED, "hoa")
    assert (alert.handled_at, alert.handling_by, alert.assignee) == (NOW, "hoa", "minh")
    assert take(alert, Handling.RECEIVED, "hoa", note="tái diễn").handled_at is None


def test_steps_that_are_not_there_are_refused() -> None:
    """Every pair that the table does not name."""
    for was in Handling:
        for to in Handling:
            if (was, to) not in STEPS:
                with pytest.raises(OrderError, match="no_such_step"):
                    operator.take_step(replace(on(), handling=was), Step(to, "x"), "lan", NOW)


def test_only_somebody_answerable_approves() -> None:
    """What leaves "chờ duyệt", and what is opened again, takes the right to approve."""
    approved = {step for step, action in STEPS.items() if action is Action.APPROVE_HANDLING}
    assert {was for was, _ in approved} == {Handling.REVIEW, Handling.CLOSED, Handling.REJECTED}


@pytest.mark.parametrize(
    ("severity", "hours"),
    [(Severity.CRITICAL, 2), (Severity.HIGH, 24), (Severity.MEDIUM, 120), (Severity.LOW, 120)],
)
def test_deadlines_by_class(severity: Severity, hours: int) -> None:
    """Khẩn 2 h, cao 24 h, thường 5 ngày, from the server's time of the raise."""
    (alert,) = desk().decide(None, change(Kind.RAISE, severity)).alerts
    assert alert.handling_due == later(hours * HOUR)


def test_a_graver_alert_must_be_handled_sooner() -> None:
    """A rise shortens the deadline, a fall does not lengthen it."""
    graver = desk().decide(on(), change(Kind.SEV_UP, Severity.CRITICAL)).alerts[0]
    assert graver.handling_due == later(2 * HOUR)
    lesser = desk().decide(graver, change(Kind.SEV_DOWN, Severity.LOW)).alerts[0]
    assert lesser.handling_due == later(2 * HOUR)


@pytest.mark.parametrize(
    ("state", "done", "now", "expected"),
    [
        (Handling.NEW, None, 1, Standing.NOT_DUE),
        (Handling.NEW, None, 3, Standing.OVERDUE),
        (Handling.CLOSED, 2, 9, Standing.ON_TIME),
        (Handling.CLOSED, 3, 9, Standing.LATE),
        (Handling.REJECTED, 3, 9, Standing.REJECTED),
    ],
)
def test_how_a_handling_stands(
    state: Handling, done: int | None, now: int, expected: Standing
) -> None:
    """Chưa đến hạn, quá hạn, đúng hạn, trễ, từ chối; without a deadline there is none of it."""
    done_at = None if done is None else Micros(done)
    assert standing(state, Micros(2), done_at, Micros(now)) is expected
    assert standing(Handling.NEW, None, None, Micros(now)) is Standing.NO_DEADLINE


@pytest.mark.parametrize(
    ("kind", "starts", "lasting", "code"),
    [
        (MaskKind.SHELVE, 0, HOUR, "shelve_an_alert"),
        (MaskKind.MAINTENANCE, 0, -1, "ends_too_early"),
        (MaskKind.MAINTENANCE, -9 * HOUR, 8 * HOUR, "ends_too_early"),
        (MaskKind.MAINTENANCE, 0, 31 * 24 * HOUR, "ends_too_late"),
        (MaskKind.OUT_OF_SERVICE, 0, 400 * 24 * HOUR, "ends_too_late"),
    ],
)
def test_a_planned_mask_is_bounded(kind: MaskKind, starts: int, lasting: int, code: str) -> None:
    """It has an end that comes, soon enough for its kind."""
    begin = later(starts)
    mask = Mask(kind, Matcher(thing=3), begin, Micros(begin + lasting), "x", "lan")
    with pytest.raises(OrderError, match=code):
        operator.plan(mask, NOW)


def test_a_planned_mask_covers_something_from_now_on() -> None:
    """No mask of nothing, none in the past, none approved by whoever plans it."""
    mask = Mask(MaskKind.MAINTENANCE, Matcher(), NOW, later(HOUR), "x", "lan")
    with pytest.raises(OrderError, match="covers_nothing"):
        operator.plan(mask, NOW)
    begun = replace(mask, matcher=Matcher(feed="env"), starts=later(-HOUR), approved_by="lan")
    stored = operator.plan(begun, NOW)
    assert (stored.starts, stored.approved_by) == (NOW, None)


def test_every_state_and_kind_has_words() -> None:
    """What a screen may show is in the texts."""
    words = text.words("vi")
    for section, names in {
        "kind": Kind,
        "display": Display,
        "mask": MaskKind,
        "handling": Handling,
        "standing": Standing,
    }.items():
        assert [n for n in names if f"alert.{section}.{n.value}" not in words] == []
