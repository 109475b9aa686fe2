"""`ioc up`: one command that prepares the database and keeps every process of the centre running.

Nothing is left behind: children get a death signal from the kernel when this process is killed,
and are stopped in the order of the data (publishers first, the database last) when it ends itself.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import structlog

from ioc import clock, demo_accounts, integrations, provision
from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND, Micros
from ioc.embedded import Embedded, fresh
from ioc.settings import Settings, child_environment
from ioc.text import say

log = structlog.get_logger()

STOP_GRACE_S: Final = 10.0  # a batch commits and is acknowledged in far less
READY_TIMEOUT_S: Final = 60.0  # a cold machine imports Dash in about 5 s
LOG_LIMIT: Final = 20 * 1024 * 1024  # bytes of one process's log before it is set aside
BACKOFF_S: Final = (0.5, 1, 2, 5, 10, 30)  # before the n-th restart in a row
STEADY_S: Final = 60  # a process that lived this long starts its back-off anew
POLL_S: Final = 0.5

_NEVER: Final = Micros(0)

Say = Callable[[str], None]


@dataclass(slots=True)
class Child:
    """One supervised process: `python -m <module>`, its log, and its restarts."""

    name: str
    argv: list[str]
    environment: Mapping[str, str]
    log_file: Path
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started: Micros = _NEVER
    due: Micros = _NEVER
    output: IO[bytes] | None = field(default=None, repr=False)

    def start(self, now: Micros) -> None:
        """Start it; its death signal is tied to the calling thread, so call from the main one."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT:
            self.log_file.replace(self.log_file.with_suffix(".old.log"))
        self.output = self.log_file.open("ab")
        self.process = subprocess.Popen(  # noqa: S603  our own modules
            with_death_signal(self.argv),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
            start_new_session=True,  # else Ctrl-C reaches it before its last commit
            env=dict(self.environment),
        )
        self.started = now

    def watch(self, now: Micros) -> None:
        """Start it again, later each time, when it has ended."""
        if self.process is None:
            if now >= self.due:
                self.start(now)
            return
        code = self.process.poll()
        if code is None:
            return
        lived = now - self.started
        self.failures = 1 if lived > STEADY_S * SECOND else self.failures + 1
        wait = BACKOFF_S[min(self.failures, len(BACKOFF_S)) - 1]
        log.warning("process_ended", name=self.name, code=code, restart_in_s=wait)
        self._close()
        self.due = Micros(now + round(wait * SECOND))

    def stop(self) -> None:
        """End it gracefully within STOP_GRACE_S, else by force."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(STOP_GRACE_S)
            except subprocess.TimeoutExpired:
                log.warning("process_killed", name=self.name)
                self.process.kill()
                self.process.wait()
        self._close()

    def _close(self) -> None:
        self.process = None
        if self.output is not None:
            self.output.close()
            self.output = None


def with_death_signal(argv: list[str]) -> list[str]:
    """Prefix a command so that the kernel ends it with us (Linux; elsewhere plain)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *argv] if setpriv else argv


def up(settings: Settings, *, demo: bool, start_over: bool, tell: Say) -> None:
    """Run the centre until a signal asks to stop. Raises ConfigError with one line."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    outside = _outside(settings)
    if start_over:
        if outside:
            raise ConfigError(say("up.fresh_refused"))
        fresh(settings.data_dir)
    refuse_taken_port(settings.web.host, settings.web.port)
    with _services(settings, outside=outside, tell=tell) as (ready, embedded):
        tell(say("up.database"))
        provision.prepare(ready, demo=demo)
        accounts = demo_accounts.ensure(ready) if demo else None
        children = _children(ready, demo=demo)
        try:
            _start(children, stop)
            tell(say("up.starting"))
            _await_ready(ready, children, stop)
            if not stop.is_set():
                _announce(ready, accounts, tell)
            _watch(children, embedded, stop)
        finally:
            tell(say("up.stopping"))
            for child in reversed(children):
                child.stop()


def _outside(settings: Settings) -> bool:
    """Return whether the services are the user's own; ConfigError when only some are given."""
    names = ("database_url", "redis_url", "mqtt_url")
    given = [name for name in names if getattr(settings, name)]
    if given and len(given) < len(names):
        missing = ", ".join(f"IOC_{n.upper()}" for n in names if n not in given)
        raise ConfigError(say("up.urls_missing", missing=missing))
    return bool(given)


@contextmanager
def _services(
    settings: Settings, *, outside: bool, tell: Say
) -> Iterator[tuple[Settings, Embedded | None]]:
    if outside:
        yield settings, None
        return
    embedded = Embedded(settings.data_dir)
    try:
        urls = embedded.start(tell)
        tell(say("up.trial_broker"))
        yield settings.with_services(urls.database_url, urls.redis_url, urls.mqtt_url), embedded
    finally:
        embedded.stop()


def refuse_taken_port(host: str, port: int) -> None:
    """Raise ConfigError when somebody listens on the address already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                say("up.port_taken", host=host, port=port, error=error.strerror)
            ) from error


def _children(settings: Settings, *, demo: bool) -> list[Child]:
    modules = {
        "ingest": ["ingest"],
        **{
            "alerting" if n == 1 else f"alerting-{n}": ["ioc.alerting"]
            for n in range(1, settings.alerting.evaluators + 1)
        },
        "dispatcher": ["ioc.alerting.dispatcher"],
        "layers": ["layers"],
        "web": ["ioc.web"],
    }
    if settings.station_files.folder:
        modules["station-files"] = ["ingest.station_files"]
    exchanges = integrations.load(settings.config_dir / "integrations.yaml")
    if any(one.probe is not None for one in exchanges):
        modules["probes"] = ["ingest.probes"]
    if demo:
        modules["simulate"] = ["ioc.demo", "simulate"]
    environment = child_environment(settings)
    return [
        Child(
            name,
            [sys.executable, "-m", *module],
            environment,
            settings.data_dir / "log" / f"{name}.log",
        )
        for name, module in modules.items()
    ]


def _start(children: list[Child], stop: threading.Event) -> None:
    now = clock.SystemClock().now()
    for child in children:
        if not stop.is_set():
            child.start(now)


def _await_ready(settings: Settings, children: list[Child], stop: threading.Event) -> None:
    """Wait until the web process answers; ConfigError names the log when it cannot start."""
    url = f"{address(settings)}/healthz"
    system = clock.SystemClock()
    until = system.now() + round(READY_TIMEOUT_S * SECOND)
    while not stop.wait(0.1):
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310  our own loopback address
                return
        except (urllib.error.URLError, OSError):
            pass
        web = next(child for child in children if child.name == "web")
        if (web.process and web.process.poll() is not None) or system.now() > until:
            raise ConfigError(say("up.web_failed", log=web.log_file))


def _watch(children: list[Child], embedded: Embedded | None, stop: threading.Event) -> None:
    system = clock.SystemClock()
    while not stop.wait(POLL_S):
        if embedded is not None:
            embedded.poll()
        for child in children:
            child.watch(system.now())


def address(settings: Settings) -> str:
    """Return the address at which a browser on this machine reaches the web process."""
    host = settings.web.host
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104  only compared
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{settings.web.port}"


def _announce(settings: Settings, accounts: demo_accounts.DemoAccounts | None, tell: Say) -> None:
    base = settings.web.public_url or address(settings)
    tell("")
    tell(say("up.ready", address=base))
    if accounts is not None:
        for account in accounts.users:
            tell(
                say(
                    "up.account",
                    name=account.username.ljust(10),
                    password=account.password,
                    role=say(f"role.{account.role}"),
                )
            )
        tell(say("up.wall", link=f"{base}/wall?token={accounts.kiosk_token}"))
    tell(say("up.logs", folder=settings.data_dir / "log"))
    tell(say("up.how_to_stop"))
