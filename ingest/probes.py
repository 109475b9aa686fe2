"""`python -m ingest.probes`: asks other systems and publishes what it found like any source.

What is found goes to topic ioc/integration/<id>, so history, silence and rules are those of every
other thing. Of several such processes one asks (a lock of the database); the others wait for it.
"""

from __future__ import annotations

import signal
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import msgspec
import psycopg
import structlog

from ingest.outgoing import Outgoing
from ingest.probing import Seen, days_left, look
from ioc import integrations
from ioc import settings as configuration
from ioc.clock import Clock, SystemClock
from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND, to_datetime
from ioc.integrations import Integration
from ioc.log import configure
from ioc.settings import Settings
from ioc.storage import pool

AT_ONCE: Final = 16  # looks: 200 exchanges that all time out after 5 s are through in a minute
TURN_S: Final = 1.0
LEASE: Final = 7_501_023
IN_FLIGHT: Final = 50

log = structlog.get_logger()


class Probes:
    """Which exchange is due, and what was found. For one thread; looks have their own."""

    def __init__(
        self,
        wanted: Mapping[str, Integration],
        send: Callable[[str, bytes], int | None],
        clock: Clock,
        trust: ssl.SSLContext,
    ) -> None:
        self._wanted = wanted
        self._send = send
        self._clock = clock
        self._trust = trust
        self._due = dict.fromkeys(wanted, 0)
        self._running: dict[str, Future[Seen]] = {}
        self._workers = ThreadPoolExecutor(AT_ONCE, "probe")
        self._failing: set[str] = set()

    def turn(self) -> None:
        """Begin what is due and publish what has ended; an exchange is asked once at a time."""
        for code in [code for code, one in self._running.items() if one.done()]:
            self._told(code, self._running.pop(code).result())
        now = self._clock.now()
        for code, one in self._wanted.items():
            probe = one.probe
            if probe is None or now < self._due[code] or code in self._running:
                continue
            self._due[code] = now + round(probe.every_s * SECOND)
            self._running[code] = self._workers.submit(look, probe, self._trust)

    def close(self) -> None:
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _told(self, code: str, seen: Seen) -> None:
        now = self._clock.now()
        days = days_left(seen, now / SECOND)
        found: dict[str, object] = {
            "time": to_datetime(now).isoformat(),
            "status": "ok" if seen.answered else "failing",
        }
        if seen.answered:
            found["latency_ms"] = round(seen.latency_ms, 1)
        if days is not None:
            found["tls_days"] = round(days, 2)
        if not seen.answered and code not in self._failing:
            log.warning("exchange_failing", exchange=code, why=seen.why)
        (self._failing.discard if seen.answered else self._failing.add)(code)
        # Not connected to the broker: lost, like any message of a source that has no line.
        self._send(f"ioc/integration/{code}", msgspec.json.encode(found))


def run(settings: Settings, stop: threading.Event, clock: Clock) -> None:
    """Ask until `stop`. Raises ConfigError."""
    settings.require("mqtt_url", "database_url")
    listed = integrations.load(settings.config_dir / "integrations.yaml")
    wanted = {one.id: one for one in listed if one.probe is not None}
    outgoing = Outgoing(settings.mqtt_url, f"{settings.ingest.client_id}-probes", IN_FLIGHT)
    outgoing.open()
    probes = Probes(wanted, outgoing.send, clock, ssl.create_default_context())
    try:
        while not stop.is_set():
            try:
                _hold(settings.database_url, probes, outgoing, stop)
            except psycopg.OperationalError as error:
                log.warning("database_away", error=str(error))
                stop.wait(TURN_S)
    finally:
        probes.close()
        outgoing.close()


def _hold(url: str, probes: Probes, outgoing: Outgoing, stop: threading.Event) -> None:
    """Take turns while the lock is ours; it is gone with the connection."""
    with pool.connect(url, name="probes") as conn:
        mine = False
        while not stop.is_set():
            row = conn.execute("select %s or pg_try_advisory_lock(%s)", (mine, LEASE)).fetchone()
            mine = bool(row and row[0])
            if mine:
                probes.turn()
                outgoing.answers(0)
            stop.wait(TURN_S)


def main() -> int:
    """Run until SIGTERM or SIGINT; a wrong setting is one line and exit 1."""
    configure("probes")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(configuration.load(), stop, SystemClock())
    except ConfigError as error:
        sys.stderr.write(f"ioc probes: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
