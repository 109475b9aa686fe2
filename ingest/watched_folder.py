"""A folder that others write into: which files are whole, and where they go afterwards.

The writers are strangers with an account of an SFTP server: no link of theirs is ever followed
(each step into a folder is taken with O_NOFOLLOW, relative to the one before), nothing but plain
files is opened, and what one turn looks at is bounded.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import Final, NamedTuple

DONE: Final = "done"
REFUSED: Final = "refused"
SUFFIX: Final = ".txt"  # whatever its case; servers write .part or .filepart while they receive
# <account>/<station>/<year>/<month>/<day> is the deepest that loggers were seen to make.
MAX_DEPTH: Final = 6
# Files of one look: a day of 70 stations that nobody fetched. The rest comes when these are moved.
MAX_LOOKED: Final = 20_000
# An upload begins with an empty file; after so long nothing follows any more.
EMPTY_S: Final = 600.0

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not hold us


class Stamp(NamedTuple):
    """What changes when a file is written to or replaced."""

    inode: int
    size: int
    mtime_ns: int


class Found(NamedTuple):
    """A file that did not change between two looks; `place` is its path below the folder."""

    place: tuple[str, ...]
    stamp: Stamp

    @property
    def name(self) -> str:
        return self.place[-1]


@dataclass(slots=True)
class WatchedFolder:
    """Looks are remembered between calls; after a restart every file is looked at twice again."""

    root: Path
    settle_s: float
    _looks: dict[tuple[str, ...], tuple[Stamp, float]] = field(default_factory=dict)

    def settled(self, now: float) -> list[Found]:
        """Look once; return the whole files, in the order of their names. `now` is monotonic.

        Raises OSError when the folder itself cannot be read.
        """
        looks: dict[tuple[str, ...], tuple[Stamp, float]] = {}
        found = []
        with self._open(()) as folder:
            for place, stamp in _walk(folder, ()):
                before = self._looks.get(place)
                since = before[1] if before is not None and before[0] == stamp else now
                looks[place] = (stamp, since)
                wait = self.settle_s if stamp.size else max(self.settle_s, EMPTY_S)
                if before is not None and now - since >= wait:
                    found.append(Found(place, stamp))
                if len(looks) >= MAX_LOOKED:
                    break
        self._looks = looks
        return sorted(found, key=lambda one: (one.name, one.place))

    def look(self) -> list[Stamp]:
        """Return the stamps of the files that lie there, whole or not; remembers nothing."""
        with self._open(()) as folder:
            return [stamp for _, stamp in islice(_walk(folder, ()), MAX_LOOKED)]

    def read(self, found: Found, limit: int) -> bytes | None:
        """Return at most `limit` + 1 bytes; None when it is not the file that was seen any more."""
        with contextlib.suppress(OSError), self._open(found.place[:-1]) as folder:
            file = os.open(found.name, _FILE, dir_fd=folder)
            with open(file, "rb") as content:  # noqa: PTH123  a descriptor, not a path
                if _stamp(os.fstat(file)) == found.stamp:
                    return content.read(limit + 1)
        return None

    def move(self, found: Found, kind: str, day: date, reason: str = "") -> bool:
        """Put a file into `done/<day>/…` or `refused/<day>/…`, there with its reason beside it.

        False when it is not the file that was seen (it was written again: it will be seen anew).
        Raises OSError when it cannot be moved.
        """
        target = (kind, day.isoformat(), *found.place[:-1])
        with self._open(found.place[:-1]) as here:
            try:
                now = os.stat(found.name, dir_fd=here, follow_symlinks=False)
            except FileNotFoundError:
                return False
            if _stamp(now) != found.stamp:
                return False
            with self._open(target, create=True) as there:
                name = _free_name(found, there)
                if reason:
                    _write(there, f"{name}.reason.txt", reason)
                os.rename(found.name, name, src_dir_fd=here, dst_dir_fd=there)
        return True

    def prune(self, before: date) -> int:
        """Delete the days of `done` and `refused` before `before`; return how many folders."""
        deleted = 0
        for kind in (DONE, REFUSED):
            folder = self.root / kind
            if folder.is_symlink() or not folder.is_dir():
                continue
            for entry in sorted(folder.iterdir()):
                with contextlib.suppress(ValueError):
                    if date.fromisoformat(entry.name) < before and not entry.is_symlink():
                        rmtree(entry, ignore_errors=True)
                        deleted += 1
        return deleted

    @contextmanager
    def _open(self, place: Sequence[str], *, create: bool = False) -> Iterator[int]:
        """Open a folder below the root, one step at a time and through no link."""
        # The root itself is the administrator's choice, and may be a link.
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in place:
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, 0o750, dir_fd=folder)
                step = os.open(name, _FOLDER, dir_fd=folder)
                os.close(folder)
                folder = step
            yield folder
        finally:
            os.close(folder)


def oldest_kept(today: date, days: int) -> date:
    """Return the first day that is kept."""
    return today - timedelta(days=days)


def _walk(folder: int, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Stamp]]:
    """Yield the files of a folder and of those in it; a folder that cannot be opened is passed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not place and entry.name in (DONE, REFUSED):
                continue
            if entry.is_file(follow_symlinks=False) and _is_wanted(entry.name):
                stamp = _seen(entry)
                if stamp is not None:
                    yield (*place, entry.name), stamp
            elif entry.is_dir(follow_symlinks=False) and len(place) < MAX_DEPTH:
                yield from _below(folder, (*place, entry.name))


def _below(folder: int, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Stamp]]:
    try:
        inner = os.open(place[-1], _FOLDER, dir_fd=folder)
    except OSError:
        return
    try:
        yield from _walk(inner, place)
    finally:
        os.close(inner)


def _seen(entry: os.DirEntry[str]) -> Stamp | None:
    try:
        return _stamp(entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return None


def _is_wanted(name: str) -> bool:
    return name.lower().endswith(SUFFIX) and not name.startswith(".")


def _stamp(info: os.stat_result) -> Stamp | None:
    """Return the stamp of a plain file, None for anything else."""
    if not stat.S_ISREG(info.st_mode):
        return None
    return Stamp(info.st_ino, info.st_size, info.st_mtime_ns)


def _free_name(found: Found, there: int) -> str:
    """Return the file's name, with its time when another of that name lies there already."""
    try:
        os.stat(found.name, dir_fd=there, follow_symlinks=False)
    except FileNotFoundError:
        return found.name
    stem = found.name[: -len(SUFFIX)]
    return f"{stem}.{found.stamp.mtime_ns}{SUFFIX}"


def _write(folder: int, name: str, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        file = os.open(name, flags, 0o640, dir_fd=folder)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return  # the file itself still goes away; the log has the reason
    with open(file, "w", encoding="utf-8") as out:  # noqa: PTH123  a descriptor, not a path
        out.write(text)
