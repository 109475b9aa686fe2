"""Pack what a machine without internet needs into one file: our wheel, all it depends on, a script.

`make bundle` on a machine with internet, of the same system and Python as the one that will run it.
Writes dist/ioc-<version>-offline.tar; install.sh inside checks every file before it installs one.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = Path(__file__).resolve().parent / "offline"


def main() -> int:
    dist = ROOT / "dist"
    wheels = sorted(dist.glob("ioc-*.whl"))
    if len(wheels) != 1:
        print("dist/ must hold one wheel: make dist", file=sys.stderr)
        return 1
    name = f"ioc-{wheels[0].name.split('-')[1]}-offline"
    with tempfile.TemporaryDirectory(dir=dist) as made:
        folder = Path(made) / name
        collect(wheels[0], folder)
        target = dist / f"{name}.tar"  # wheels are compressed already
        with tarfile.open(target, "w") as tar:
            tar.add(folder, arcname=name)
    size = target.stat().st_size / 1e6
    print(f"{target.relative_to(ROOT)}: {size:.0f} MB", flush=True)
    return 0


def collect(wheel: Path, folder: Path) -> None:
    """Put the packages, the script, the manual and the sums of all into `folder`."""
    packages = folder / "packages"
    packages.mkdir(parents=True)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check"]
    pinned = ["-c", str(ROOT / "constraints.txt"), "-w", str(packages), str(wheel)]
    subprocess.run([*pip, *pinned], check=True)
    for part in sorted(PARTS.iterdir()):
        (folder / part.name).write_bytes(part.read_bytes())
    (folder / "install.sh").chmod(0o755)
    built = f"{sys.version_info.major}.{sys.version_info.minor} {platform.machine()}\n"
    (folder / "PYTHON").write_text(built, encoding="utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{_digest(path)}  {path.relative_to(folder)}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
