"""The Debian 13 root folder that holds PostgreSQL 17 with TimescaleDB, mosquitto and Redis.

About 300 MB and 40 s, built once. Mirrors are the machine's own, read from apt when needed;
signatures are checked with the machine's own Debian keyring.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.services.places import FOLDER, ROOT, ServiceError, run, tell

BUILD_TIMEOUT_S: Final = 600  # 40 s on a good line; a slow mirror is no reason to fail
SUITE: Final = "trixie"
PACKAGES: Final = ("postgresql-17", "postgresql-17-timescaledb", "mosquitto", "redis-server")
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEBIANS: Final = {"bookworm", "trixie"}
_LEFT_OUT: Final = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/lib/*-linux-gnu/libLLVM*",  # half of the weight; jit is off
    "path-exclude=/usr/lib/llvm-19/*",
)
_NO_CLUSTER: Final = (
    "mkdir -p $1/etc/postgresql-common && "
    'echo "create_main_cluster = false" > $1/etc/postgresql-common/createcluster.conf'
)


def obstacle() -> str:
    """Return why this machine cannot have the root folder; empty when it can."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        return "not root"
    if codename() not in DEBIANS:
        return "not Debian 12 or 13"
    return "" if KEYRING.exists() else f"no {KEYRING} (apt-get install debian-archive-keyring)"


def codename() -> str:
    """Return the release's name of this machine ("bookworm"), or an empty string."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ""
    return release.get("VERSION_CODENAME", "") if release.get("ID") == "debian" else ""


def built() -> bool:
    """Return whether the root folder is there and complete."""
    return (ROOT / ".ready").exists()


def build() -> None:
    """Build the root folder unless it is there. Raises ServiceError with one line."""
    if built():
        return
    tell("• services: building a Debian 13 root folder (about a minute, once)")
    log = FOLDER / "log" / "rootfs.log"
    _need_mmdebstrap(log)
    part = FOLDER / f"rootfs.part-{os.getpid()}"
    try:
        run(_command(part), log=log, timeout=BUILD_TIMEOUT_S)
        for name in ("dev/shm", "tmp"):
            (part / name).mkdir(exist_ok=True)
            (part / name).chmod(0o1777)
        part.chmod(0o755)
        (part / ".ready").touch()
        shutil.rmtree(ROOT, ignore_errors=True)  # one that was left incomplete
        part.replace(ROOT)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def mirrors() -> list[str]:
    """Return the machine's own Debian sources, for the suite of the root folder.

    Raises ServiceError when apt knows none.
    """
    own = codename()
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    wanted = {own: SUITE, f"{own}-updates": f"{SUITE}-updates"}
    wanted[f"{own}-security"] = f"{SUITE}-security"
    pairs = sorted({(wanted[release], site) for site, release in _pairs(listed, set(wanted))})
    if not any(suite == SUITE for suite, _ in pairs):
        raise ServiceError(f"apt has no source for {own}: run apt-get update")
    return [f"deb {site} {suite} main" for suite, site in pairs]


def _pairs(listed: str, releases: set[str]) -> list[tuple[str, str]]:
    lines = [line.split() for line in listed.splitlines()]
    return [(x[0], x[1]) for x in lines if len(x) == 2 and x[1] in releases]


def _need_mmdebstrap(log: Path) -> None:
    if shutil.which("mmdebstrap"):
        return
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    run([*apt, "update"], log=log, timeout=BUILD_TIMEOUT_S)
    install = ["install", "--no-install-recommends", "mmdebstrap"]
    run([*apt, *install], log=log, timeout=BUILD_TIMEOUT_S)


def _command(target: Path) -> list[str]:
    return [
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=essential",
        "--components=main",
        f"--keyring={KEYRING}",
        *(f"--dpkgopt={line}" for line in _LEFT_OUT),
        '--aptopt=APT::Install-Recommends "false"',
        f"--essential-hook={_NO_CLUSTER}",
        f"--include={','.join(PACKAGES)}",
        SUITE,
        str(target),
        *mirrors(),
    ]
