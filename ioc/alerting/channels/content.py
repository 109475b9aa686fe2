"""A message as a machine reads it: plain JSON, times with their offset, words of both languages."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Final

from ioc.domain.instant import Micros, to_datetime
from ioc.domain.notification import Facts, Message

# Vietnam has one zone and no summer time; receivers abroad read the offset.
ZONE: Final = timezone(timedelta(hours=7))


def local(instant: Micros) -> datetime:
    """Return the time of the country, with its offset."""
    return to_datetime(instant).astimezone(ZONE)


def described(message: Message) -> dict[str, Any]:
    """Return the whole message; `alerts` are one, of a digest all its lines, of a test none."""
    return {
        "key": message.key,
        "form": message.form,
        "severity": message.severity.name.lower(),
        "subject": message.subject,
        "text": message.text,
        "url": message.url,
        "alerts": [alert(facts) for facts in message.facts],
    }


def alert(facts: Facts) -> dict[str, Any]:
    """Return one alert as it was when there was news of it."""
    return {
        "key": facts.key,
        "id": facts.alert,
        "occurrence": facts.occurrence,
        "kind": facts.kind,
        "severity": facts.severity.name.lower(),
        "rule": facts.rule,
        "name": {"vi": facts.rule_vi, "en": facts.rule_en},
        "thing": facts.thing,
        "commune": facts.commune,
        "commune_name": facts.commune_name,
        "location": None if facts.lon is None else [facts.lon, facts.lat],
        "observed_property": facts.observed_property,
        "result": facts.result,
        "unit_of_measurement": facts.unit,
        "op": facts.op,
        "limit": facts.limit,
        "peak": facts.peak,
        "legal_ref": facts.legal_ref,
        "operator_action": {"vi": facts.action_vi, "en": facts.action_en},
        "raised_at": local(facts.raised_at).isoformat(),
        "returned_at": None if facts.returned_at is None else local(facts.returned_at).isoformat(),
        "late": facts.late,
        "corrected": facts.corrected,
    }
