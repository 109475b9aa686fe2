"""The one file that a machine without internet installs from."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
OURS: Final = f"{sys.version_info.major}.{sys.version_info.minor} {platform.machine()}"
# No index, no proxy: what is not in the file cannot be had.
OFFLINE: Final = {"PIP_NO_INDEX": "1", "PYTHON": sys.executable, "LC_ALL": "C.UTF-8"}


def bundle(folder: Path, python: str = OURS) -> Path:
    """Return a bundle without packages, whole and sealed."""
    folder.mkdir()
    script = (ROOT / ".build" / "offline" / "install.sh").read_bytes()
    (folder / "install.sh").write_bytes(script)
    (folder / "PYTHON").write_text(python + "\n")
    sums = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("PYTHON", "install.sh")
    ]
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder


def install(folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(folder / "install.sh"), str(target)],
        env={"PATH": os.environ["PATH"]} | OFFLINE,
        capture_output=True,
        text=True,
        check=False,
    )


def test_another_python_is_told_before_anything_is_installed(tmp_path: Path) -> None:
    """A bundle of another Python or processor is refused in one line, nothing is written."""
    done = install(bundle(tmp_path / "b", "3.9 riscv64"), tmp_path / "opt")
    assert done.returncode == 1
    assert "dành cho Python 3.9 riscv64; máy này là " in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "opt").exists()


def test_a_broken_copy_installs_nothing(tmp_path: Path) -> None:
    """One byte that changed on the way is found before the first package is installed."""
    folder = bundle(tmp_path / "b")
    with (folder / "install.sh").open("a") as script:
        script.write("\n")
    done = install(folder, tmp_path / "opt")
    assert done.returncode == 1
    assert "Tệp bị hỏng" in done.stderr
    assert not (tmp_path / "opt").exists()


@pytest.mark.rig
@pytest.mark.skipif(os.environ.get("IOC_RIG") != "1", reason="packs 240 MB: make rig")
def test_the_bundle_installs_without_internet(tmp_path: Path) -> None:
    """`make bundle` installs with no index at all, and the program answers."""
    subprocess.run(["make", "bundle"], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(next((ROOT / "dist").glob("*-offline.tar"))) as tar:
        tar.extractall(tmp_path, filter="data")
    done = install(next(tmp_path.glob("ioc-*-offline")), tmp_path / "opt")
    assert done.returncode == 0, done.stderr
    answer = subprocess.run(
        [tmp_path / "opt" / "bin" / "ioc", "decode", "--help"], capture_output=True, check=False
    )
    assert answer.returncode == 0
