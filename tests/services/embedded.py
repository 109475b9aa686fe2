"""The embedded services of `ioc up` as a stand-in, held by one background process of ours."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from tests.services.places import FOLDER, PROJECT, ServiceError, last_line, recall, remember
from tests.services.processes import alive, end, reap

START_TIMEOUT_S: Final = 60.0
_DATA: Final = FOLDER / "embedded"
_PID: Final = FOLDER / "holder.pid"
_FOUND: Final = FOLDER / "embedded-urls.json"
_LOG: Final = FOLDER / "log" / "embedded.log"


def start() -> dict[str, str]:
    """Start the holder unless it runs; return the URLs. Raises ServiceError with its last words."""
    if _holder() is None:
        _FOUND.unlink(missing_ok=True)
        _LOG.parent.mkdir(parents=True, exist_ok=True)
        with _LOG.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.services", "hold"],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        _PID.write_text(f"{process.pid}\n")
        reap(process)
    return _await_urls(int(_PID.read_text()))


def stop() -> None:
    """End the holder and with it the three services."""
    number = _holder()
    if number is not None:
        end(number, signal.SIGTERM, 30.0)
    _PID.unlink(missing_ok=True)


def hold() -> int:
    """Hold the embedded services until a signal comes: the background process itself."""
    from ioc.embedded import Embedded

    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: done.set())
    services = Embedded(_DATA)
    try:
        urls = services.start(lambda _line: None)
        found = {"database": urls.database_url, "redis": urls.redis_url, "mqtt": urls.mqtt_url}
        remember(_FOUND, dict(found))
        while not done.wait(0.5):
            services.poll()
    finally:
        services.stop()
    return 0


def _holder() -> int | None:
    try:
        number = int(_PID.read_text())
        words = Path(f"/proc/{number}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return number if alive(number) and b"tests.services" in words else None


def _await_urls(holder: int) -> dict[str, str]:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        found = recall(_FOUND)
        if found:
            return {name: str(url) for name, url in found.items()}
        if not alive(holder):
            break
        time.sleep(0.1)
    raise ServiceError(f"the embedded services did not start: {last_line(_LOG)} (log: {_LOG})")
