"""The folder of uploaded files: one folder a file, gone when its job is over."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ioc.domain.errors import LayerFileError

FOLDER: Final = "uploads"  # below the data directory; the web writes there
_YOUNG_S: Final = 3600.0  # an upload on a slow line has no job yet


@dataclass(frozen=True, slots=True)
class Uploads:
    """Files that the web process left for the worker."""

    folder: Path

    def path(self, name: str) -> Path:
        """Return a file of the folder; LayerFileError for none, and for one that leads out."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
            raise LayerFileError("upload_gone")
        return path

    def sweep(self, kept: Collection[str], now_s: float) -> None:
        """Delete the files that no open job needs and that nobody is still writing."""
        needed = {name.partition("/")[0] for name in kept}
        for one in self.folder.glob("*/"):
            if one.name not in needed and now_s - _newest(one) > _YOUNG_S:
                shutil.rmtree(one, ignore_errors=True)

    def drop(self, name: str) -> None:
        """Delete the file of a job that is over."""
        shutil.rmtree(self.folder / name.partition("/")[0], ignore_errors=True)


def _newest(folder: Path) -> float:
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:  # another worker deleted it meanwhile
        return float("inf")
