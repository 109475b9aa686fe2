"""`ioc check` tells what is wrong and what to do, and its exit code says it too."""

import msgspec

from ioc import doctor, settings
from ioc.doctor import Finding, Verdict
from ioc.text import say


def _check(**urls: str) -> dict[str, Finding]:
    given = msgspec.structs.replace(settings.load({}), **urls)
    return {finding.subject: finding for finding in doctor.check(given)}


def test_running_services_pass(database_url: str, redis_url: str, mqtt_url: str) -> None:
    """A migrated database, a Redis and a broker that answer are not called wrong."""
    found = _check(database_url=database_url, redis_url=redis_url, mqtt_url=mqtt_url)
    for subject in ("database", "clock", "migrations", "redis", "broker"):
        assert found[say(f"check.{subject}")].verdict is not Verdict.WRONG, subject


def test_unreachable_services_are_named() -> None:
    """Each dead address is a finding with a remedy; nothing raises; the exit code is 1."""
    found = _check(
        database_url="postgresql://127.0.0.1:1/x",
        redis_url="redis://127.0.0.1:1",
        mqtt_url="mqtt://127.0.0.1:1",
    )
    for subject in ("database", "redis", "broker"):
        finding = found[say(f"check.{subject}")]
        assert finding.verdict is Verdict.WRONG
        assert finding.remedy
    assert doctor.exit_code(list(found.values())) == 1
