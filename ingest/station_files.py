"""`python -m ingest.station_files`: files of automatic stations become MQTT messages.

A file goes to the broker as it is, at QoS 1, and is moved only after the broker has taken it: a
kill between the two publishes it again, and the keys of its values absorb that. What no station can
have sent is put aside with the reason in words.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import structlog

from ingest.outgoing import Answer, Outgoing
from ingest.watched_folder import DONE, REFUSED, Found, WatchedFolder, oldest_kept
from ioc import settings as configuration
from ioc.clock import Clock, SystemClock
from ioc.domain.errors import ConfigError
from ioc.domain.instant import to_datetime
from ioc.log import configure
from ioc.settings import Settings
from ioc.text import say

TOPIC: Final = "ioc/station-files"
MAX_BYTES: Final = 1 << 20  # what a dead letter keeps whole; a month of one station in one file
LOOK_S: Final = 1.0  # between two looks at the folder
IN_FLIGHT: Final = 50  # files the broker has not taken yet; below the trial broker's window of 100
PER_TURN: Final = 500  # files of one look: a turn stays short enough to be asked to end
RETRY_S: Final = 30.0  # a file that the broker refused, or that could not be moved, waits so long
MAX_NAME: Final = 200  # characters: the column of a station's name
_SHOWN_BYTES: Final = 1024
_CONTROLS: Final = frozenset(range(0x20)) - frozenset(b"\t\n\r\f\v") | {0x7F}

log = structlog.get_logger()


class Post(NamedTuple):
    """Who carries files to the broker."""

    send: Callable[[str, bytes], int | None]  # topic, payload -> number; None: not connected
    answers: Callable[[float], list[Answer]]  # waits at most so many seconds


class StationFiles:
    """The turn of the watched folder. For one thread."""

    def __init__(
        self,
        folder: WatchedFolder,
        post: Post,
        clock: Clock,
        zone: ZoneInfo,
        groups: Mapping[str, str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._post = post
        self._clock = clock
        self._zone = zone
        self._groups = groups
        self._monotonic = monotonic
        self._ready: deque[Found] = deque()
        self._sent: dict[int, Found] = {}
        self._waiting: dict[Found, float] = {}  # not before that instant; forgotten when it passes
        self._taken: set[Found] = set()  # by the broker, but not moved: never published again
        self._looked = -LOOK_S
        self.published = 0
        self.refused = 0

    def turn(self) -> None:
        """Look, publish what is whole, move what the broker has taken."""
        now = self._monotonic()
        if not self._ready and now - self._looked >= LOOK_S:
            self._looked = now
            self._look(now)
        while self._ready and len(self._sent) < IN_FLIGHT:
            if not self._take(self._ready[0], now):
                break
            self._ready.popleft()
        for answer in self._post.answers(LOOK_S / 4):
            self._answered(answer, now)

    def prune(self, days: int) -> int:
        """Delete what was done or refused more than `days` ago."""
        return self._folder.prune(oldest_kept(self._today(), days))

    def _look(self, now: float) -> None:
        try:
            found = self._folder.settled(now)
        except OSError as error:
            log.warning("folder_away", error=str(error))
            return
        self._waiting = {file: until for file, until in self._waiting.items() if until > now}
        self._taken.intersection_update(found)
        busy = self._waiting.keys() | set(self._sent.values())
        self._ready.extend([file for file in found if file not in busy][:PER_TURN])

    def _take(self, file: Found, now: float) -> bool:
        """Publish or refuse one file; False when there is no broker to publish to."""
        if file in self._taken:
            self._done(file, now)
            return True
        payload = self._folder.read(file, MAX_BYTES)
        if payload is None:
            return True  # changed or gone: the next look sees what there is
        reason = fault(file.name, payload)
        if reason is not None:
            self._refuse(file, reason, now)
            return True
        number = self._post.send(self._topic(file), payload)
        if number is None:
            return False
        self._sent[number] = file
        return True

    def _topic(self, file: Found) -> str:
        group = self._groups.get(file.place[0]) if len(file.place) > 1 else None
        return "/".join((TOPIC, *([group] if group else []), file.name))

    def _refuse(self, file: Found, reason: str, now: float) -> None:
        when = to_datetime(self._clock.now()).astimezone(self._zone)
        text = say(
            "station_file.explained",
            name=file.name,
            size=file.stamp.size,
            when=f"{when:%H:%M:%S %d/%m/%Y}",
            reason=say(f"station_file.{reason}"),
        )
        plain = text.encode("utf-8", "backslashreplace").decode()
        if self._move(file, REFUSED, now, plain):
            self.refused += 1
            log.warning("file_refused", file=_shown(file), reason=reason, size=file.stamp.size)

    def _answered(self, answer: Answer, now: float) -> None:
        file = self._sent.pop(answer.number, None)
        if file is None:
            return
        if not answer.taken:
            # Also when nobody has ever subscribed: the broker would drop the only copy.
            self._waiting[file] = now + RETRY_S
            log.warning("file_not_taken", file=_shown(file), answer=answer.words)
            return
        self.published += 1
        self._done(file, now)

    def _done(self, file: Found, now: float) -> None:
        if not self._move(file, DONE, now):
            self._taken.add(file)

    def _move(self, file: Found, kind: str, now: float, reason: str = "") -> bool:
        try:
            return self._folder.move(file, kind, self._today(), reason)
        except OSError as error:
            self._waiting[file] = now + RETRY_S
            log.warning("file_not_moved", file=_shown(file), error=str(error))
            return False

    def _today(self) -> date:
        return to_datetime(self._clock.now()).astimezone(self._zone).date()


def fault(name: str, payload: bytes) -> str | None:
    """Return why this cannot be a station file: a code under `station_file.`."""
    if len(name) > MAX_NAME or not name.isprintable() or any(sign in name for sign in "+#"):
        return "bad_name"
    if not payload.strip():
        return "empty"
    if len(payload) > MAX_BYTES:
        return "too_large"
    return "binary" if not _CONTROLS.isdisjoint(payload[:_SHOWN_BYTES]) else None


def _shown(file: Found) -> str:
    return "/".join(file.place).encode("utf-8", "backslashreplace").decode()


def open_folder(settings: Settings) -> WatchedFolder:
    """Return the folder of the settings; ConfigError with the remedy."""
    wanted = settings.station_files
    if not wanted.folder:
        raise ConfigError(
            "no [station_files] folder in ioc.toml: name the folder of the FTP server"
        )
    root = Path(wanted.folder)
    if not root.is_dir():
        raise ConfigError(f"[station_files] folder {wanted.folder!r} is no folder: create it")
    return WatchedFolder(root, wanted.settle_s)


def run(settings: Settings, stop: threading.Event, clock: Clock) -> None:
    """Carry files until `stop`. Raises ConfigError."""
    settings.require("mqtt_url")
    folder = open_folder(settings)
    outgoing = Outgoing(settings.mqtt_url, f"{settings.ingest.client_id}-files", IN_FLIGHT)
    files = StationFiles(
        folder,
        Post(outgoing.send, outgoing.answers),
        clock,
        ZoneInfo(settings.province.zone),
        settings.station_files.groups,
    )
    outgoing.open()
    pruned: date | None = None
    try:
        while not stop.is_set():
            files.turn()
            today = to_datetime(clock.now()).date()
            if today != pruned:
                pruned = today
                files.prune(settings.station_files.keep_days)
    finally:
        outgoing.close()
        log.info("stopped", published=files.published, refused=files.refused)


def main() -> int:
    """Run until SIGTERM or SIGINT; a wrong setting is one line and exit 1."""
    configure("station-files")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(configuration.load(), stop, SystemClock())
    except ConfigError as error:
        sys.stderr.write(f"ioc station-files: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
