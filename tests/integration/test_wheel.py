"""The wheel is the product: without the source tree it runs the demo."""

import re
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from tests.awaiting import wait_for
from tests.integration.test_up import COLD_S, _environment, _free_port, _processes_of

ROOT = Path(__file__).resolve().parents[2]
NEEDED = [
    "ioc/_data/assets/vendor/maplibre-gl.mjs",
    "ioc/_data/assets/vendor/maplibre-gl-worker.mjs",
    "ioc/_data/assets/modules/live.mjs",
    "ioc/_data/config/ioc.toml",
    "ioc/_data/config/catalog/air.yaml",
    "ioc/storage/migrations/0001_spine.sql",
    "ioc/text/vi.toml",
    "ingest/__main__.py",
    "layers/__main__.py",
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that `make dist` builds."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_wheel_holds_what_runs(wheel: Path) -> None:
    """Assets, front-end parts with licences, configuration and words are inside; tests are not."""
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in NEEDED if name not in names] == []
    assert [name for name in names if name.startswith("tests/")] == []
    assert any("LICENSE" in name for name in names if "/vendor/" in name)
    assert any(name.endswith(".woff2") for name in names)


def _installed(wheel: Path, folder: Path) -> Path:
    """Unpack the wheel into a new environment that sees our dependencies, not our source tree."""
    venv.create(folder, with_pip=False, symlinks=True)
    site = next((folder / "lib").glob("python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    # A path in a .pth file is added without reading the .pth files there: no editable install.
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin" / "python"


def test_wheel_runs_the_demo(wheel: Path, tmp_path: Path) -> None:
    """`ioc up --demo` from the wheel alone serves the wall and its map library."""
    python = _installed(wheel, tmp_path / "venv")
    data, output = tmp_path / "data", tmp_path / "out"
    with output.open("wb") as out:
        process = subprocess.Popen(
            [str(python), "-m", "ioc.cli", "up", "--demo"],
            stdout=out,
            stderr=out,
            cwd=tmp_path,
            start_new_session=True,
            env=_environment(data, _free_port()),
        )
    try:
        wait_for(lambda: process.poll() is not None or "/wall?token=" in output.read_text(), COLD_S)
        match = re.search(r"(http://\S+)/wall\?token=\S+", output.read_text())
        assert match is not None, output.read_text()
        with urllib.request.urlopen(f"{match[1]}/assets/vendor/maplibre-gl.css") as answer:
            assert answer.status == 200
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    wait_for(lambda: _processes_of(data) == [], 10)
