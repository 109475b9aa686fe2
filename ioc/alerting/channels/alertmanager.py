"""An Alertmanager, or whatever speaks its API: POST /api/v2/alerts.

An alert there is its labels, so a change of severity is another alert: the others are ended in the
same call. It ends an alert by itself after five silent minutes unless told when: ours stay until
their return is told, so the end is set far away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from ioc.alerting.channels import Address, read_options
from ioc.alerting.channels.content import local
from ioc.alerting.channels.http import post
from ioc.clock import Clock, SystemClock
from ioc.domain.alert import Kind, Severity
from ioc.domain.instant import DAY, Micros
from ioc.domain.notification import Delivered, Facts, Form, Message, Receipt

_FAR: Final = 365 * DAY
_ENDS: Final = frozenset({Kind.RTN, Kind.CLOSE, Kind.CORRECTED})
# What changes nothing there: it has its own reminders and silences.
_NOTHING: Final = "nothing to change there"


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Alertmanager:
    """Keeps the alerts of another system's screen in step with ours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def deliver(self, message: Message, to: Address) -> Receipt:
        if message.form is Form.TEST:
            alerts = [_exercise(message)]
        else:
            alerts = [one for facts in message.facts for one in _alerts(facts, message)]
        if not alerts:
            return Delivered(_NOTHING)
        headers = {"Idempotency-Key": message.key}
        if to.secret:
            headers["Authorization"] = f"Bearer {to.secret}"
        url = to.address.rstrip("/") + "/api/v2/alerts"
        return post(url, orjson.dumps(alerts), headers, self._clock.now())


def _alerts(facts: Facts, message: Message) -> Iterator[dict[str, Any]]:
    over = facts.kind in _ENDS
    if not over:
        yield _alert(facts, message, facts.severity, Micros(facts.noticed_at + _FAR))
    ended = facts.returned_at or facts.noticed_at
    for severity in Severity:
        if over or (severity is not facts.severity and facts.kind is not Kind.RAISE):
            yield _alert(facts, message, severity, max(ended, Micros(facts.raised_at + 1)))


def _alert(facts: Facts, message: Message, severity: Severity, until: Micros) -> dict[str, Any]:
    labels = {
        "alertname": facts.rule,
        "severity": severity.name.lower(),
        "alert_id": facts.alert,
        "occurrence": str(facts.occurrence),
        "thing": facts.thing,
        "observed_property": facts.observed_property,
        "commune": facts.commune or "",
    }
    return {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {
            "summary": message.subject,
            "description": message.text if message.form is Form.ALERT else message.short,
            "key": facts.key,
        },
        "startsAt": local(facts.raised_at).isoformat(),
        "endsAt": local(until).isoformat(),
        **({"generatorURL": message.url} if message.url else {}),
    }


def _exercise(message: Message) -> dict[str, Any]:
    """Return an alert that is over at once."""
    return {
        "labels": {"alertname": "ioc-exercise", "severity": "low"},
        "annotations": {"summary": message.subject, "description": message.text},
        "startsAt": local(message.made_at).isoformat(),
        "endsAt": local(Micros(message.made_at + 1)).isoformat(),
    }


def build(options: Mapping[str, Any], folder: Path) -> Alertmanager:
    """Return the channel."""
    del folder
    read_options("alertmanager", options, _Options)
    return Alertmanager(SystemClock())
