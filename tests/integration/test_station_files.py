"""The watched folder against a real broker, in a process that is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest import station_files
from ingest.outgoing import Outgoing
from ingest.station_files import Post, StationFiles
from ingest.watched_folder import WatchedFolder
from ioc.clock import SystemClock
from tests.awaiting import wait_for
from tests.fix_proxy import ProxiedUrl

ROOT: Final = Path(__file__).resolve().parents[2]
LINE: Final = "PM10\t80\tug/Nm3\t20261122081500\t00\r\n"


class Listener:
    """Somebody who takes station files in: a subscription, and what came."""

    def __init__(self, url: str) -> None:
        self.came: Counter[tuple[str, bytes]] = Counter()
        self.first = threading.Event()
        parts = urlsplit(url)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = self._on_message
        self._client.connect(parts.hostname or "", parts.port or 1883)
        self._client.loop_start()
        ready = threading.Event()
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.subscribe("ioc/station-files/#", qos=1)
        assert ready.wait(10)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self.came[message.topic.rsplit("/", 1)[1], bytes(message.payload)] += 1
        self.first.set()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def listener(mqtt_url: str) -> Iterator[Listener]:
    made = Listener(mqtt_url)
    yield made
    made.close()


def drop(folder: Path, tag: str, count: int) -> set[tuple[str, bytes]]:
    """Write files as a server does; return their names and contents."""
    wanted = set()
    for n in range(count):
        name, text = f"{tag}{n:03d}_20261122081500.txt", LINE * (n + 1)
        (folder / name).write_bytes(text.encode())
        wanted.add((name, text.encode()))
    return wanted


def done(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "done").rglob("*.txt"))


@pytest.fixture
def start(tmp_path: Path, mqtt_url: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Return a function that starts the process on tmp_path/ftp."""
    (tmp_path / "ftp").mkdir()
    config = tmp_path / "config"
    config.mkdir()
    text = (ROOT / "config" / "ioc.toml").read_text(encoding="utf-8")
    text = text.replace('folder = ""', f'folder = "{tmp_path / "ftp"}"')
    text = text.replace("settle_s = 5.0", "settle_s = 0.2")
    text = text.replace("ioc-ingest-1", f"t-{tmp_path.name[-20:]}")
    (config / "ioc.toml").write_text(text, encoding="utf-8")
    env = {**os.environ, "IOC_CONFIG_DIR": str(config), "IOC_MQTT_URL": mqtt_url}
    running: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ingest.station_files"]
        running.append(subprocess.Popen(command, cwd=ROOT, env=env))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.wait(10)
    shutil.rmtree(tmp_path)


def test_a_kill_between_publishing_and_moving_loses_nothing(
    tmp_path: Path, start: Callable[[], subprocess.Popen[bytes]], listener: Listener
) -> None:
    """Killed with messages under way: afterwards every file was published, and moved once."""
    wanted = drop(tmp_path / "ftp", "K", 120)
    killed = start()
    assert listener.first.wait(30)
    killed.send_signal(signal.SIGKILL)
    killed.wait(10)
    before = len(done(tmp_path / "ftp"))
    assert before < len(wanted), "the kill came in the middle"
    again = start()
    wait_for(lambda: len(done(tmp_path / "ftp")) == len(wanted), 60)
    wait_for(lambda: wanted <= listener.came.keys())
    assert done(tmp_path / "ftp") == sorted(name for name, _ in wanted)
    again.terminate()
    assert again.wait(10) == 0, "SIGTERM ends it"


def test_without_a_folder_it_does_not_start(tmp_path: Path, mqtt_url: str) -> None:
    """One line that names the setting, and exit 1."""
    shutil.copy(ROOT / "config" / "ioc.toml", tmp_path / "ioc.toml")
    env = {**os.environ, "IOC_CONFIG_DIR": str(tmp_path), "IOC_MQTT_URL": mqtt_url}
    command = [sys.executable, "-m", "ingest.station_files"]
    found = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert found.returncode == 1
    assert found.stderr.startswith("ioc station-files: no [station_files] folder")


def carrier(folder: Path, url: str, client_id: str) -> tuple[StationFiles, Outgoing]:
    outgoing = Outgoing(url, client_id, station_files.IN_FLIGHT)
    outgoing.open()
    files = StationFiles(
        WatchedFolder(folder, 0.0),
        Post(outgoing.send, outgoing.answers),
        SystemClock(),
        ZoneInfo("Asia/Ho_Chi_Minh"),
        {},
    )
    return files, outgoing


def turn_until(files: StationFiles, condition: Callable[[], bool]) -> None:
    def turned() -> bool:
        files.turn()
        return condition()

    wait_for(turned, 30)


def test_a_file_waits_for_somebody_who_takes_it_in(
    tmp_path: Path, mqtt_url: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first subscription the broker would drop it: the file stays until there is one."""
    monkeypatch.setattr(station_files, "RETRY_S", 0.5)
    monkeypatch.setattr(station_files, "LOOK_S", 0.1)
    monkeypatch.setattr(station_files, "TOPIC", topic_prefix)
    wanted = drop(tmp_path, "N", 3)
    files, outgoing = carrier(tmp_path, mqtt_url, topic_prefix.replace("/", "-")[-40:])
    try:
        turn_until(files, lambda: bool(files._waiting))
        assert done(tmp_path) == []
        monkeypatch.setattr(station_files, "TOPIC", "ioc/station-files")
        listener = Listener(mqtt_url)
        turn_until(files, lambda: len(done(tmp_path)) == len(wanted))
        wait_for(lambda: wanted <= listener.came.keys())
        listener.close()
    finally:
        outgoing.close()


def test_a_cut_line_loses_nothing(
    tmp_path: Path,
    mqtt_url: str,
    listener: Listener,
    proxy: Callable[[str], ProxiedUrl],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Files that came while the broker was away, or whose answer was lost, arrive later."""
    monkeypatch.setattr(station_files, "LOOK_S", 0.1)
    line = proxy(mqtt_url)
    wanted = drop(tmp_path, "C", 30)
    files, outgoing = carrier(tmp_path, line.url, f"cut-{tmp_path.name[-12:]}")
    try:
        turn_until(files, lambda: len(done(tmp_path)) > 0)
        line.cut()
        wanted |= drop(tmp_path, "D", 30)
        for _ in range(10):
            files.turn()
        assert len(done(tmp_path)) < len(wanted)
        line.restore()
        turn_until(files, lambda: len(done(tmp_path)) == len(wanted))
        wait_for(lambda: wanted <= listener.came.keys())
    finally:
        outgoing.close()
