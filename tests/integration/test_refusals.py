"""Every command says in one line what is wrong, without a traceback, and does not end with 0."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fix_outage import Outage

ROOT = Path(__file__).resolve().parents[2]
DEAD = {
    "IOC_DATABASE_URL": "postgresql://127.0.0.1:1/x",
    "IOC_REDIS_URL": "redis://127.0.0.1:1",
    "IOC_MQTT_URL": "mqtt://127.0.0.1:1",
}
DATABASE = (
    "migrate",
    "seed",
    "rules import",
    "token create --role kiosk --label x",
    "backup b.ioc",
    "things list",
    "things admit --feed x A",
    "things replace --feed x A B",
)
LETTERS = ("dead-letters list", "dead-letters retry --feed nha-be")
BROKER = ("simulate", "replay {recording} --feed nha-be")
ALL = ("up", "check", *DATABASE, *LETTERS, *BROKER)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "st-2018-10-08.csv"
    path.write_text("Time;SDS_P2\n2018/10/08 00:00:00;1\n2018/10/08 00:00:01;1\n")
    return path


def run(command: str, folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run `ioc <command>` with nothing of ours in the environment but `given`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("IOC_")}
    words = command.format(recording=folder / "st-2018-10-08.csv").split()
    return subprocess.run(
        [sys.executable, "-m", "ioc.cli", *words],
        env=clean | {"IOC_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)} | given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
    )


def refused(command: str, folder: Path, **given: str) -> str:
    """Return the only line on standard error of a command that refuses."""
    done = run(command, folder, **given)
    assert done.returncode > 0, (command, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr + done.stdout, (command, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, (command, done.stderr, done.stdout)
    return lines[0]


@pytest.fixture
def broken_config(tmp_path: Path) -> Path:
    """Return a configuration folder with one unknown key."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    with (folder / "ioc.toml").open("a") as file:
        file.write("nonsense = 1\n")
    return folder


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("command", ALL)
def test_wrong_setting(command: str, tmp_path: Path, broken_config: Path) -> None:
    """A key nobody knows stops the command with the file's name and the key."""
    line = refused(command, tmp_path, IOC_CONFIG_DIR=str(broken_config), **DEAD)
    assert "ioc.toml" in line
    assert "nonsense" in line


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize(
    ("name", "url", "secret"),
    [
        ("IOC_DATABASE_URL", "mysql://u:hidden@h/d", "hidden"),
        ("IOC_REDIS_URL", "http://127.0.0.1:1", None),
        ("IOC_MQTT_URL", "mqtt://u:hidden@127.0.0.1:99999", "hidden"),
        ("IOC_MQTT_URL", "127.0.0.1:1883", None),
    ],
)
def test_address_that_is_none(name: str, url: str, secret: str | None, tmp_path: Path) -> None:
    """A malformed address is named by its variable, and its password is not repeated."""
    line = refused("check", tmp_path, **DEAD | {name: url})
    assert name in line
    assert secret is None or secret not in line


@pytest.mark.parametrize("command", ["up", *DATABASE])
def test_unreachable_database(command: str, tmp_path: Path) -> None:
    """A database that does not answer, or an address it cannot read, names the variable."""
    for url in (DEAD["IOC_DATABASE_URL"], "postgresql://127.0.0.1:1/x?nonsense=1"):
        line = refused(command, tmp_path, **DEAD | {"IOC_WEB_PORT": "0", "IOC_DATABASE_URL": url})
        assert "IOC_DATABASE_URL" in line


@pytest.mark.parametrize("command", LETTERS)
def test_unreachable_database_of_dead_letters(command: str, tmp_path: Path) -> None:
    """The letters' own process refuses in one line too."""
    assert "dead-letters" in refused(command, tmp_path, **DEAD)


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("command", BROKER)
def test_unreachable_broker(command: str, tmp_path: Path) -> None:
    """A broker that does not answer names the variable and the place."""
    line = refused(command, tmp_path, **DEAD)
    assert "IOC_MQTT_URL" in line
    assert "127.0.0.1:1" in line


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("command", BROKER)
def test_broker_that_refuses_us(command: str, tmp_path: Path, outage: Outage) -> None:
    """A wrong account ends the command; it does not wait for ever."""
    server = outage.mosquitto("listener {port} 127.0.0.1\nallow_anonymous false\n")
    line = refused(command, tmp_path, **DEAD | {"IOC_MQTT_URL": server.url})
    assert "Not authorized" in line


@pytest.fixture
def mute() -> Iterator[int]:
    """Return a port that hangs up on everybody: no broker."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.usefixtures("recording")
def test_port_that_is_no_broker(tmp_path: Path, mute: int) -> None:
    """A port at which nobody speaks MQTT is named within seconds."""
    line = refused(BROKER[1], tmp_path, **DEAD | {"IOC_MQTT_URL": f"mqtt://127.0.0.1:{mute}"})
    assert str(mute) in line


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("command", ["migrate", "seed", "simulate", *LETTERS, BROKER[1]])
def test_addresses_not_set(command: str, tmp_path: Path) -> None:
    """A command that needs a service says which variable names it."""
    assert "IOC_" in refused(command, tmp_path)


def test_unset_addresses_in_the_report(tmp_path: Path) -> None:
    """`ioc check` reports on standard output and ends with 1."""
    done = run("check", tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    for name in DEAD:
        assert name in done.stdout


def test_unreachable_services_in_the_report(tmp_path: Path) -> None:
    """Dead services are findings with remedies, not an end of the report."""
    done = run("check", tmp_path, **DEAD)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("→") >= 3


def test_taken_port(tmp_path: Path) -> None:
    """`ioc up` names the port that somebody holds and the variable that moves it."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        line = refused("up", tmp_path, IOC_WEB_PORT=port)
    assert port in line
    assert "IOC_WEB_PORT" in line


def test_recordings_that_are_none(tmp_path: Path, recording: Path) -> None:
    """An unknown feed and a file that is no recording are named before anything is connected."""
    assert "nha-be" in refused(f"replay {recording} --feed nobody", tmp_path, **DEAD)
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 no archive")
    assert "a.zip" in refused(f"replay {tmp_path}/a.zip --feed nha-be", tmp_path, **DEAD)
    assert "speed" in refused(f"replay {recording} --feed nha-be --speed inf", tmp_path, **DEAD)


def test_restore_of_what_is_no_backup(tmp_path: Path, recording: Path) -> None:
    """A file that is no backup is named before the database is asked."""
    assert recording.name in refused(f"restore {recording}", tmp_path, **DEAD)
