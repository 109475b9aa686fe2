"""Who is told what, and when: policies and the on-call rota, resolved by a pure function.

Hours are of the centre's wall clock (Asia/Ho_Chi_Minh). A window that ends at or before its
beginning crosses midnight; its night belongs to the day on which it began, so "Friday 19:00-07:00"
holds on Saturday at 03:00. The first minute of a window is inside, the last one is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from ioc.domain.alert import Kind, Severity
from ioc.domain.instant import Micros, to_datetime

DAY_MINUTES: Final = 24 * 60
EVERY_DAY: Final = frozenset(range(7))  # Monday is 0
ROTA: Final = "rota:"  # before the name of a rota, where a target could stand

# What is news to whoever a policy names. Everything else concerns those who were told before.
CALLS: Final = frozenset({Kind.RAISE, Kind.SEV_UP, Kind.ESCALATE, Kind.REALARM, Kind.REPEAT})


class Hours(NamedTuple):
    """A daily window in minutes after midnight; `begin == end` is a whole day from then on."""

    begin: int = 0
    end: int = 0
    days: frozenset[int] = EVERY_DAY

    def day_of(self, local: datetime) -> date | None:
        """Return the day on which the window that holds `local` began; None outside."""
        minute = local.hour * 60 + local.minute
        crosses = self.end <= self.begin
        if minute >= self.begin and (crosses or minute < self.end):
            began = local.date()
        elif crosses and minute < self.end:
            began = local.date() - timedelta(days=1)
        else:
            return None
        return began if began.weekday() in self.days else None


ALWAYS: Final = Hours()


@dataclass(frozen=True, slots=True)
class Shift:
    """A part of a rota. With `turn_days` its people take turns, else all of them are on call."""

    tell: tuple[str, ...]
    hours: Hours = ALWAYS
    since: date | None = None  # the first turn of the first of them
    turn_days: int = 0

    def on_call(self, local: datetime) -> tuple[str, ...]:
        """Return who is on call in this part at a local time."""
        began = self.hours.day_of(local)
        if began is None:
            return ()
        if self.since is None or not self.turn_days:
            return self.tell
        turn = (began - self.since).days // self.turn_days
        return (self.tell[turn % len(self.tell)],)


@dataclass(frozen=True, slots=True)
class Policy:
    """Which alerts reach which targets in which hours; an empty set asks for nothing."""

    name: str
    tell: tuple[str, ...]
    severities: frozenset[Severity] = frozenset()
    kinds: frozenset[str] = frozenset()  # of the thing: environment, camera, …
    communes: frozenset[str] = frozenset()  # codes
    rules: frozenset[str] = frozenset()
    hours: Hours = ALWAYS
    escalation: int = 0  # told only once an alert was escalated so often

    def covers(self, facts: Facts) -> bool:
        """Tell whether this alert is of the policy's kind, at any hour."""
        return (
            (not self.severities or facts.severity in self.severities)
            and (not self.kinds or facts.kind in self.kinds)
            and (not self.communes or facts.commune in self.communes)
            and (not self.rules or facts.rule in self.rules)
            and facts.escalation >= self.escalation
        )


class Facts(NamedTuple):
    """What a policy may ask about an alert."""

    severity: Severity
    kind: str
    commune: str | None = None
    rule: str = ""
    escalation: int = 0


class Told(NamedTuple):
    """One target that is to be told, and the policy that says so."""

    target: str
    policy: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All policies and rotas of a centre."""

    zone: tzinfo
    policies: tuple[Policy, ...] = ()
    rotas: Mapping[str, tuple[Shift, ...]] = field(default_factory=dict)

    def resolve(self, facts: Facts, instant: Micros) -> tuple[Told, ...]:
        """Return the targets of an alert at an instant, each once, in the order of the policies."""
        local = to_datetime(instant).astimezone(self.zone)
        found: dict[str, Told] = {}
        for policy in self.policies:
            if policy.covers(facts) and policy.hours.day_of(local) is not None:
                for target in self._names(policy.tell, local):
                    found.setdefault(target, Told(target, policy.name))
        return tuple(found.values())

    def _names(self, tell: tuple[str, ...], local: datetime) -> Iterator[str]:
        for name in tell:
            if not name.startswith(ROTA):
                yield name
                continue
            for shift in self.rotas[name.removeprefix(ROTA)]:
                yield from shift.on_call(local)
