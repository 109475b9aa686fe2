"""Faults that the tests must find: what a hurried hand might write, and which promise it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of a file written wrongly, and the tests of which at least one must fail."""

    name: str
    file: str
    old: str  # stands exactly once in the file
    new: str
    tests: tuple[str, ...]


_FOLD: Final = ("tests/unit/test_alert_properties.py",)
_CLIMB: Final = ("tests/unit/test_alert_climbing.py",)
_LIFE: Final = ("tests/unit/test_alert_life.py", "tests/unit/test_alert_operator.py")
_GROUP: Final = ("tests/unit/test_grouping.py",)
_KPI: Final = ("tests/unit/test_kpi.py",)
_POST: Final = ("tests/integration/test_delivery.py",)
_PARENT: Final = ("tests/integration/test_suppression.py",)
_ALERT: Final = "ioc/domain/alert.py"
_LEVELS: Final = "ioc/domain/levels.py"
_EPISODE: Final = "ioc/domain/episode.py"
_TOLD: Final = "ioc/domain/announcement.py"
_STAGES: Final = "ioc/domain/grouping.py"
_COUNTS: Final = "ioc/domain/kpi.py"
_STORE: Final = "ioc/storage/notifications.py"

FAULTS: Final = (
    # ------------------------------------------------------------ the fold
    Fault(
        "i1-a-tick-fires-too-far",
        _ALERT,
        "return _fire(state, rule, Micros(instant - 1))",
        "return _fire(state, rule, Micros(instant + 1))",
        _FOLD,
    ),
    Fault(
        "i2-the-stored-state-forgets-contact",
        "ioc/storage/alert_states.py",
        '{**state._asdict(), "condition": state.condition.value}',
        '{**state._asdict(), "condition": state.condition.value, "last_time": None}',
        _FOLD,
    ),
    Fault(
        "i3-a-redelivery-counts-again",
        _ALERT,
        "if done is not None and sample.time <= done:\n        return state, _NOTHING",
        "if done is not None and sample.time < done:\n        return state, _NOTHING",
        _FOLD,
    ),
    Fault(
        "i4-a-return-keeps-the-alarm",
        _ALERT,
        "return _calm(state, time), (Event(Kind.RTN,",
        "return _calm(state, time)._replace(raised_at=state.raised_at), (Event(Kind.RTN,",
        _FOLD,
    ),
    Fault(
        "i5-the-live-track-does-not-see-silence",
        _LEVELS,
        "and last < sample.time <= last + rule.stale_after",
        "and last < sample.time",
        ("tests/unit/test_levels.py", "tests/unit/test_rule_cases.py", *_FOLD),
    ),
    Fault(
        "i6-a-deadband-on-the-wrong-side",
        _ALERT,
        "if rule.cleared(sample.result):",
        "if not rule.breached(sample.result):",
        (*_FOLD, "tests/unit/test_alert.py", "tests/unit/test_alert_rules.py"),
    ),
    Fault(
        "i7-the-off-delay-is-not-waited-for",
        _ALERT,
        "return Micros(began + rule.off_delay)",
        "return Micros(began)",
        (*_FOLD, "tests/unit/test_alert.py"),
    ),
    Fault(
        "i8-the-on-delay-is-not-waited-for",
        _ALERT,
        "return Micros(max(began + rule.on_delay, state.min_sample_time))",
        "return Micros(max(began, state.min_sample_time))",
        (*_FOLD, "tests/unit/test_alert.py"),
    ),
    Fault(
        "i9-late-data-is-put-at-the-end",
        _EPISODE,
        "place = bisect_left(self.window, sample.time, key=_time)",
        "place = len(self.window)",
        _FOLD,
    ),
    Fault(
        "i9-a-ticked-instant-is-forgotten",
        _EPISODE,
        "return levels.fold(self.checkpoint, self.rules, self.window, self.ticked)",
        "return levels.fold(self.checkpoint, self.rules, self.window)",
        _FOLD,
    ),
    Fault(
        "i10-what-is-due-at-the-sample-is-left",
        _ALERT,
        "state, after = _fire(state, rule, sample.time)",
        "state, after = _fire(state, rule, Micros(sample.time - 1))",
        _FOLD,
    ),
    Fault(
        "silence-resolves",
        _ALERT,
        "elif state.condition is Condition.CLEARING and rule.silence is Silence.HOLDS:",
        "elif state.condition is Condition.CLEARING and rule.silence is Silence.CLEARS:",
        ("tests/unit/test_alert.py", *_FOLD),
    ),
    Fault(
        "a-rise-is-called-a-fall",
        _LEVELS,
        "Kind.SEV_UP if rules[new].severity < rules[old].severity else Kind.SEV_DOWN",
        "Kind.SEV_DOWN if rules[new].severity < rules[old].severity else Kind.SEV_UP",
        _CLIMB,
    ),
    Fault(
        "a-late-rise-is-called-a-fall",
        _EPISODE,
        "kind = Kind.SEV_UP if new.severity < old.severity else Kind.SEV_DOWN",
        "kind = Kind.SEV_DOWN if new.severity < old.severity else Kind.SEV_UP",
        _CLIMB,
    ),
    # ------------------------------------------------------------ what people are told
    Fault(
        "i11-a-rise-is-told-as-a-fall",
        _TOLD,
        "draft.tell_again(Kind.SEV_UP)",
        "draft.tell_again(Kind.SEV_DOWN)",
        _LIFE,
    ),
    Fault(
        "i11-the-same-key-twice",
        _TOLD,
        "self.change(told=self.alert.told + 1)",
        "self.change(told=self.alert.told)",
        _LIFE,
    ),
    Fault(
        "i11-a-return-nobody-hears",
        _TOLD,
        "    if told:\n        draft.tell(Kind.RTN)",
        "    if told and not draft.alert.acked:\n        draft.tell(Kind.RTN)",
        _LIFE,
    ),
    Fault(
        "i12-a-mask-does-not-hold-back",
        _TOLD,
        "if not alert.active or masked is not None:",
        "if not alert.active:",
        _LIFE,
    ),
    Fault(
        "i13-the-end-of-a-mask-is-forgotten",
        _TOLD,
        "    if not alert.is_announced:\n        draft.change(announced",
        "    if not alert.is_announced and alert.occurrence == 1:\n        draft.change(announced",
        _LIFE,
    ),
    Fault(
        "i14-what-is-on-can-be-closed",
        "ioc/domain/operator.py",
        '_refuse(alert.active, "still_active")',
        '_refuse(alert.active and not alert.acked, "still_active")',
        _LIFE,
    ),
    Fault(
        "i15-a-fall-takes-the-answer-back",
        _TOLD,
        "if severity < before.severity:\n            draft.change(acked_at=None",
        "if severity != before.severity:\n            draft.change(acked_at=None",
        _LIFE,
    ),
    # ------------------------------------------------------------ from the outbox to people
    Fault(
        "a-return-overtakes-its-raise",
        _STAGES,
        "if item.alert not in seen and not item.blocked and not early:",
        "if item.alert not in seen and not early:",
        (*_GROUP, *_POST),
    ),
    Fault(
        "critical-calls-are-hidden-in-a-storm",
        _STAGES,
        "room = max(0, URGENT_SINGLES - recent.urgent_singles - len(at_once))",
        "room = max(0, 5 - recent.urgent_singles - len(at_once))",
        _GROUP,
    ),
    Fault(
        "storm-each-target-has-its-own-bound",
        "ioc/domain/storm.py",
        "whole = max(1, MESSAGES // max(1, targets))",
        "whole = MESSAGES",
        _GROUP,
    ),
    Fault(
        "storm-lists-follow-each-other",
        "ioc/domain/storm.py",
        "if told < digests else Micros(WINDOW)",
        "if told < digests else Micros(0)",
        _GROUP,
    ),
    Fault(
        "storm-all-is-told-before-it-is-seen",
        _STAGES,
        "ripe = [item for item in later if now - item.noticed_at >= recent.hold]",
        "ripe = list(later)",
        _GROUP,
    ),
    Fault(
        "storm-a-list-does-not-wait-for-the-evaluator",
        _STAGES,
        "storm.PATIENCE if recent.behind else storm.GATHER",
        "storm.GATHER",
        _GROUP,
    ),
    Fault(
        "storm-critical-calls-are-only-counted",
        "ioc/alerting/wording.py",
        "        if due.group == ALL:\n            yield from self._calls(due)\n",
        "",
        ("tests/unit/test_wording.py",),
    ),
    Fault(
        "parent-silence-is-told-at-once",
        _STAGES,
        "early = item.led and item.kind is Kind.RAISE",
        "early = False and item.kind is Kind.RAISE",
        (*_GROUP, *_PARENT),
    ),
    Fault(
        "parent-a-raise-taken-back-keeps-its-key",
        "ioc/storage/suppression.py",
        'conn.execute("delete from notice where key = any(%s)"',
        'conn.execute("select from notice where key = any(%s)"',
        _PARENT,
    ),
    Fault(
        "parent-what-somebody-was-told-is-taken-back",
        "ioc/storage/suppression.py",
        "if alert.id not in told]",
        "]",
        _PARENT,
    ),
    Fault(
        "a-storm-is-a-storm-of-messages",
        _STAGES,
        "room = QUIET_SINGLES - recent.quiet_singles",
        "room = QUIET_SINGLES",
        _GROUP,
    ),
    Fault(
        "the-oldest-of-several-is-told",
        _STAGES,
        "        if last == item.id:\n            kept",
        "        if last != item.id:\n            kept",
        _GROUP,
    ),
    Fault(
        "storm-peaks-that-stand-are-written-again",
        "ioc/storage/verdict.py",
        " and a.active and (a.peak, a.peak_at) is distinct from (p.peak, p.peak_at)",
        " and a.active",
        ("tests/integration/test_alerts_storage.py",),
    ),
    Fault(
        "outbox-what-failed-is-given-up",
        "ioc/domain/notification.py",
        "if attempts >= MAX_ATTEMPTS:",
        "if attempts >= 1:",
        ("tests/unit/test_notification.py", *_POST),
    ),
    Fault(
        "outbox-two-senders-take-one-row",
        _STORE,
        "limit 1 for update of o skip locked",
        "limit 1",
        _POST,
    ),
    Fault(
        "outbox-a-digest-leaves-its-lines",
        _STORE,
        "where id = %(id)s or digest = %(id)s",
        "where id = %(id)s",
        _POST,
    ),
    Fault(
        "outbox-an-exercise-calls-people",
        "ioc/storage/outbox.py",
        "    if simulated:\n        return Why.SIMULATED",
        "    if simulated and arranged is None:\n        return Why.SIMULATED",
        _POST,
    ),
    Fault(
        "outbox-a-return-goes-to-who-is-on-duty-now",
        "ioc/storage/outbox.py",
        "        if notice.kind in CALLS:\n            for told in",
        "        if True:\n            for told in",
        _POST,
    ),
    Fault(
        "partition-offsets-are-not-kept",
        "ioc/storage/verdict.py",
        "        evaluation.save_offsets(",
        "        (lambda *_: None)(",
        ("tests/integration/test_evaluator.py", "tests/integration/test_alerts_storage.py"),
    ),
    Fault(
        "partition-a-hole-is-jumped-over",
        "ioc/storage/evaluation.py",
        "batch_no > %s",
        "batch_no > %s + 1",
        ("tests/integration/test_evaluator.py",),
    ),
    # ------------------------------------------------------------ counting, clocks, midnight
    Fault(
        "kpi-an-answer-by-the-machine-counts",
        _COUNTS,
        "return line.actor is not None and line.actor not in (EVALUATOR, DESK)",
        "return line.actor is not None",
        _KPI,
    ),
    Fault(
        "kpi-the-window-takes-its-end",
        _COUNTS,
        "while at - times[first] >= WINDOW:",
        "while at - times[first] > WINDOW:",
        _KPI,
    ),
    Fault(
        "kpi-a-shelf-that-ended-still-counts",
        _COUNTS,
        "elif line.kind in (Kind.UNSHELVE, Kind.CLOSE):",
        "elif line.kind is Kind.CLOSE:",
        _KPI,
    ),
    Fault(
        "clock-a-step-back-makes-a-negative-time",
        _COUNTS,
        "max(0, line.recorded - begun[key])",
        "line.recorded - begun[key]",
        _KPI,
    ),
    Fault(
        "midnight-the-rule-sleeps-after-twelve",
        "ioc/domain/schedule.py",
        "since_yesterday = (weekday - 1) % 7 in self.days and minute < self.end",
        "since_yesterday = weekday in self.days and minute < self.end",
        ("tests/unit/test_rule_inputs.py", "tests/unit/test_window.py"),
    ),
    Fault(
        "midnight-the-night-shift-is-not-called",
        "ioc/domain/policy.py",
        "began = local.date() - timedelta(days=1)",
        "began = local.date()",
        ("tests/unit/test_policy.py",),
    ),
)
