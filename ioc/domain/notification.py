"""What is sent to one target: the facts of an alert, the message, the receipt, the next attempt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from ioc.domain.alert import Kind, Severity
from ioc.domain.grouping import Group
from ioc.domain.instant import SECOND, Micros

# 10 s, 20 s, … 30 min: a mail server that restarts costs seconds, one that is away for a night
# costs 48 attempts. After some 17 hours nobody is helped by the news: it is dead, and shown so.
FIRST_RETRY: Final = 10 * SECOND
LONGEST_RETRY: Final = 1800 * SECOND
MAX_ATTEMPTS: Final = 40
JITTER: Final = 0.2  # of the wait, so that those who failed together do not come back together


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a message may say of one alert, as it was when there was news of it.

    Instants are µs. `result` is the value that raised it, `state` its word where the property is a
    category and the number means nothing.
    """

    key: str  # of the notice: alert:occurrence:kind:n
    alert: str
    occurrence: int
    kind: Kind
    severity: Severity
    rule: str
    rule_vi: str
    rule_en: str
    place: str
    thing: str
    thing_kind: str
    observed_property: str
    property_vi: str
    property_en: str
    unit: str
    decimals: int
    result: float
    raised_at: Micros
    noticed_at: Micros
    state: str | None = None
    limit: float | None = None
    op: str = ">"
    peak: float | None = None
    commune: str | None = None
    commune_name: str | None = None
    lon: float | None = None
    lat: float | None = None
    legal_ref: str | None = None
    action_vi: str = ""
    action_en: str = ""
    returned_at: Micros | None = None
    acked_by: str | None = None
    assignee: str | None = None
    late: bool = False
    corrected: bool = False

    @property
    def area(self) -> str:
        """Return the commune's code; "" where it is not known, an area of its own."""
        return self.commune or ""


class Earlier(NamedTuple):
    """A message that was sent to the same target about the same occurrence."""

    key: str
    made_at: Micros


class Form(StrEnum):
    """What a message is."""

    ALERT = "alert"  # one notice of one alert
    DIGEST = "digest"  # many at once, each a line
    TEST = "test"  # an exercise: nothing happened


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one target; `key` is the same in every attempt to send it."""

    key: str
    form: Form
    severity: Severity
    subject: str
    text: str
    short: str  # one line for a phone
    facts: tuple[Facts, ...]
    url: str
    made_at: Micros
    earlier: tuple[Earlier, ...] = ()  # the first one first

    @property
    def kind(self) -> Kind:
        """Return what happened; of a digest or a test, that something was raised."""
        return self.facts[0].kind if self.form is Form.ALERT else Kind.RAISE


@dataclass(frozen=True, slots=True)
class Due:
    """A row whose time has come; `facts` are one notice's, or those of a digest's lines."""

    id: int
    key: str
    channel: str
    target: str
    attempts: int
    made_at: Micros
    group: Group | None  # of a digest
    facts: tuple[Facts, ...]
    earlier: tuple[Earlier, ...]
    exercise: bool = False  # somebody tries whether the target is reached; nothing happened


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel took it; `receipt` is what it answered: an id, a status line."""

    receipt: str


@dataclass(frozen=True, slots=True)
class Later:
    """It was not taken and another attempt may help; `after_s` when the other side named a time."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """It was refused for good: another attempt would be refused as well."""

    reason: str


Receipt = Delivered | Later | Never


class Settled(NamedTuple):
    """What an attempt means for the row: sent, dead, or another attempt at `retry_at`."""

    sent: bool = False
    dead: bool = False
    retry_at: Micros | None = None
    reason: str | None = None


class Attempt(NamedTuple):
    """One attempt: when it ended, how long it took (µs), what came back, and what follows."""

    at: Micros
    took: int
    receipt: Receipt
    settled: Settled


def settle(receipt: Receipt, attempts: int, now: Micros, chance: float) -> Settled:
    """Decide what follows attempt number `attempts` (the first is 1); `chance` is in [0, 1)."""
    match receipt:
        case Delivered():
            return Settled(sent=True)
        case Never(reason):
            return Settled(dead=True, reason=reason)
        case Later(reason, after_s):
            if attempts >= MAX_ATTEMPTS:
                return Settled(dead=True, reason=reason)
            wait = back_off(attempts, chance)
            if after_s is not None:
                wait = max(wait, min(round(after_s * SECOND), LONGEST_RETRY))
            return Settled(retry_at=Micros(now + wait), reason=reason)


def back_off(attempts: int, chance: float) -> int:
    """Return the wait after so many attempts, µs."""
    doubled = min(FIRST_RETRY << min(attempts - 1, 32), LONGEST_RETRY)
    return round(doubled * (1 + JITTER * (2 * chance - 1)))
