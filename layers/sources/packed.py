"""Zipped files: unpacked into a folder of our own, under limits, names and all other claims unused.

Nothing of an archive is believed: sizes are counted while unpacking, and a member's path only tells
its last part.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Final

from ioc.domain.errors import LayerFileError

MAX_MEMBERS: Final = 1_000  # a Shapefile has at most a dozen files
MAX_UNPACKED: Final = 2 << 30  # bytes, all members together
MAX_RATIO: Final = 200  # times its packed size; DBF full of blanks packs 100 times
_SMALL: Final = 1 << 20  # below this the ratio says nothing
_CHUNK: Final = 1 << 18


def unpack(path: Path, folder: Path) -> list[Path]:
    """Unpack the files of an archive flat into `folder`; LayerFileError beyond a limit."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MAX_MEMBERS:
                raise LayerFileError("zip_members", limit=MAX_MEMBERS)
            return _unpack(archive, members, folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise LayerFileError("zip_broken") from error
    except RuntimeError as error:  # zipfile's word for a member that needs a password
        raise LayerFileError("zip_password") from error


def check(path: Path) -> None:
    """Read an archive through without keeping anything: for readers that unpack by themselves."""
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MAX_MEMBERS:
                raise LayerFileError("zip_members", limit=MAX_MEMBERS)
            for member in archive.infolist():
                with archive.open(member) as packed:
                    left -= _pour(packed, None, _allowed(member, left))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise LayerFileError("zip_broken") from error
    except RuntimeError as error:
        raise LayerFileError("zip_password") from error


def _unpack(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path) -> list[Path]:
    left = MAX_UNPACKED
    found: list[Path] = []
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/")).name
        if name in ("", ".", "..") or name.startswith("."):
            continue  # a Mac's resource forks; what is no name is no file
        target = folder / name
        if target.exists():
            raise LayerFileError("zip_twice", name=name)
        with archive.open(member) as packed, target.open("wb") as out:
            left -= _pour(packed, out, _allowed(member, left))
        found.append(target)
    return found


def _allowed(member: zipfile.ZipInfo, left: int) -> int:
    return min(left, max(_SMALL, member.compress_size * MAX_RATIO))


def _pour(packed: IO[bytes], out: IO[bytes] | None, allowed: int) -> int:
    """Copy at most `allowed` bytes; return how many."""
    size = 0
    while chunk := packed.read(_CHUNK):
        size += len(chunk)
        if size > allowed:
            raise LayerFileError("zip_bomb", limit=MAX_UNPACKED >> 30)
        if out is not None:
            out.write(chunk)
    return size
