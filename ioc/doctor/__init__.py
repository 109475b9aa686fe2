"""`ioc check`: what is wrong here, in words of the person who must mend it.

Each check is a function that returns one or more findings; none raises for a broken installation.
"""

from __future__ import annotations

from collections.abc import Iterator

from ioc.clock import Clock, SystemClock
from ioc.doctor import assets, broker, certificates, database, live, station_files
from ioc.doctor.finding import Finding, Verdict
from ioc.settings import Settings

__all__ = ["Finding", "Verdict", "check", "exit_code"]


def check(settings: Settings, clock: Clock | None = None) -> Iterator[Finding]:
    """Yield findings in the order in which they should be mended."""
    yield from assets.check(settings)
    yield from database.check(settings, clock or SystemClock())
    yield from live.check(settings)
    yield from broker.check(settings)
    yield from station_files.check(settings, clock or SystemClock())
    yield from certificates.check(settings, clock or SystemClock())


def exit_code(findings: list[Finding]) -> int:
    """Return 0 when nothing is wrong (warnings allowed), else 1."""
    return int(any(f.verdict is Verdict.WRONG for f in findings))
