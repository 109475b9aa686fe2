"""`ioc up`: one command starts everything and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.awaiting import wait_for

COLD_S = 90.0  # two shared cores, other tests beside it


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(folder: Path, port: int, **more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("IOC_")}
    return clean | {"IOC_DATA_DIR": str(folder), "IOC_WEB_PORT": str(port)} | more


def _processes_of(folder: Path) -> list[str]:
    """Return command lines of living processes whose environment or arguments name the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            around = (entry / "environ").read_bytes()
        except OSError:
            continue
        if words and str(folder).encode() in words + around:
            found.append(words.replace(b"\0", b" ").decode())
    return found


class Centre:
    """One `ioc up --demo` of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.output = folder.parent / f"{folder.name}.out"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ioc.cli", "up", "--demo"],
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=_environment(self.folder, self.port),
            )
        wait_for(self._ready, COLD_S)
        return self.process

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()
        return "/wall?token=" in self.output.read_text()

    def link(self) -> str:
        match = re.search(r"http://\S+/wall\?token=\S+", self.output.read_text())
        assert match is not None
        return match[0]


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    """Yield a running demo of its own folder."""
    started = Centre(tmp_path / "ioc")
    yield started
    if started.process.poll() is None:
        started.process.send_signal(signal.SIGINT)
        started.process.wait(60)


def test_up_prints_a_working_wall_and_ctrl_c_leaves_nothing(centre: Centre) -> None:
    """The link opens, commands find the centre; Ctrl-C ends all; data stay."""
    first = centre.link()
    with urllib.request.urlopen(first) as answer:
        assert answer.status == 200
    assert "truc-ban" in _said(centre.folder, "user", "list")
    centre.process.send_signal(signal.SIGINT)
    assert centre.process.wait(60) == 0
    assert "chưa đặt IOC_DATABASE_URL" in _refused(centre.folder, "user", "list")
    wait_for(lambda: _processes_of(centre.folder) == [], 10)
    centre.start()
    assert centre.link() == first


def test_killed_parent_leaves_nothing(centre: Centre) -> None:
    """Kill -9 of `ioc up` ends its children and services too."""
    centre.process.kill()
    centre.process.wait()
    wait_for(lambda: _processes_of(centre.folder) == [], 30)


def _run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ioc.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=_environment(folder, _free_port(), **more),
    )


def _said(folder: Path, *arguments: str) -> str:
    done = _run(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _refused(folder: Path, *arguments: str, **more: str) -> str:
    done = _run(folder, *arguments, **more)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


OUTSIDE = {
    "IOC_DATABASE_URL": "postgresql://127.0.0.1:1/x",
    "IOC_REDIS_URL": "redis://127.0.0.1:1",
    "IOC_MQTT_URL": "mqtt://127.0.0.1:1",
}


def test_fresh_never_touches_outside_data(tmp_path: Path) -> None:
    """--fresh with the user's own servers is refused in one line."""
    assert "--fresh" in _refused(tmp_path, "up", "--fresh", **OUTSIDE)


def test_half_given_addresses_are_refused(tmp_path: Path) -> None:
    """Two of three addresses name the third."""
    given = {k: v for k, v in OUTSIDE.items() if k != "IOC_MQTT_URL"}
    assert "IOC_MQTT_URL" in _refused(tmp_path, "up", **given)


def test_unreachable_database_is_one_line(tmp_path: Path) -> None:
    """A dead database is named with its variable."""
    assert "IOC_DATABASE_URL" in _refused(tmp_path, "migrate", **OUTSIDE)


def test_taken_port_is_one_line(tmp_path: Path) -> None:
    """A port that somebody holds is named with the variable that moves it."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        assert port in _refused(tmp_path, "up", IOC_WEB_PORT=port)
