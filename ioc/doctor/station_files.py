"""The folder of station files as `ioc check` sees it: there, ours to move in, and emptied.

`python -m ioc.doctor.station_files` is a container's healthcheck: exit 0 when nothing is wrong.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ingest.watched_folder import EMPTY_S, WatchedFolder
from ioc import settings as configuration
from ioc.clock import Clock, SystemClock
from ioc.doctor.finding import Finding, Verdict, ok, warning, wrong
from ioc.domain.instant import SECOND
from ioc.settings import Settings
from ioc.text import say

# An empty file is waited for longest; a file that is older was looked at many times.
LONGEST_WAIT_S: Final = 2 * EMPTY_S


def check(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Examine the folder; nothing where none is set."""
    name = settings.station_files.folder
    if not name:
        return
    root = Path(name)
    if not root.is_dir():
        yield wrong("station_files", name, "station_files_missing_remedy")
    elif not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        yield wrong("station_files", name, "station_files_closed_remedy")
    else:
        yield _waiting(root, settings, clock)


def _waiting(root: Path, settings: Settings, clock: Clock) -> Finding:
    folder = WatchedFolder(root, settings.station_files.settle_s)
    times = [stamp.mtime_ns // 1000 for stamp in folder.look()]
    age = max(0.0, (clock.now() - min(times)) / SECOND) if times else 0.0
    shown = say(
        "check.station_files_detail", folder=root, count=len(times), minutes=round(age / 60)
    )
    if age > LONGEST_WAIT_S + settings.station_files.settle_s:
        return warning("station_files", shown, "station_files_waiting_remedy")
    return ok("station_files", shown)


def main() -> int:
    """Return 1, with what is wrong, when the folder is not taken care of."""
    found = list(check(configuration.load(), SystemClock()))
    bad = [finding for finding in found if finding.verdict is not Verdict.OK]
    sys.stderr.writelines(f"{finding.detail}: {finding.remedy}\n" for finding in bad)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
