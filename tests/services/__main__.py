"""`python -m tests.services start|stop|status`: see the package's docstring."""

from __future__ import annotations

import os
import sys
from typing import Final

from tests.services import embedded, rootfs
from tests.services.places import (
    NAMES,
    PORTS,
    URLS,
    ServiceError,
    alone,
    recall,
    remember,
    tell,
)
from tests.services.ports import free_port, is_free
from tests.services.servers import Mosquitto, Postgres, Redis, Server, sweep

_KINDS: Final[dict[str, type[Server]]] = {"database": Postgres, "redis": Redis, "mqtt": Mosquitto}


def main(argv: list[str]) -> int:
    """Obey one word; return the exit code."""
    word = argv[0] if len(argv) == 1 else ""
    try:
        if word == "hold":
            return embedded.hold()
        with alone():
            return {"start": start, "stop": stop, "status": status}[word]()
    except KeyError:
        tell("usage: python -m tests.services start|stop|status")
        return 2
    except ServiceError as error:
        tell(f"services: {error}")
        return 1


def given() -> dict[str, str]:
    """Return the services that the environment names."""
    found = {name: os.environ.get(f"IOC_TEST_{name.upper()}_URL", "") for name in NAMES}
    return {name: url for name, url in found.items() if url}


def start() -> int:
    """Start what is not given from outside, and write where everything is."""
    urls = given()
    missing = [name for name in NAMES if name not in urls]
    if missing and not (why := _obstacle()):
        urls |= _start_debian(missing)
        _write(urls, "debian")
    elif missing:
        tell(f"services: embedded ones ({why}): without TimescaleDB and mosquitto's outage tests")
        urls = embedded.start() | urls
        _write(urls, "embedded")
    else:
        _write(urls, "given")
    return status()


def stop() -> int:
    """Stop what we started; says nothing when nothing runs."""
    if rootfs.built():
        for server in _servers().values():
            server.stop()
    embedded.stop()
    URLS.unlink(missing_ok=True)
    return 0


def status() -> int:
    """Say where the services are; exit code 3 when they do not run."""
    known = recall(URLS)
    if not known:
        tell("services: not running (make services)")
        return 3
    for name in NAMES:
        tell(f"{name:9} {known[name]}")
    return 0


def _obstacle() -> str:
    """Return why there is no root folder, after trying to build it; empty when there is one."""
    why = rootfs.obstacle()
    if os.environ.get("IOC_TEST_SERVICES") == "embedded":
        why = "IOC_TEST_SERVICES=embedded"
    if why:
        return why
    try:
        rootfs.build()
    except ServiceError as error:
        if os.environ.get("CI") or os.environ.get("IOC_REQUIRE_SERVICES"):
            raise
        return str(error)
    return ""


def _start_debian(names: list[str]) -> dict[str, str]:
    sweep()
    servers = _servers()
    for name in names:
        servers[name].start()
    return {name: servers[name].url for name in names}


def _servers() -> dict[str, Server]:
    """Return our servers on their remembered ports; a port lost to a stranger is chosen anew."""
    ports = recall(PORTS)
    servers = {}
    for name, kind in _KINDS.items():
        port = ports.get(name)
        server = kind(f"/srv/main/{name}", port if isinstance(port, int) else free_port())
        if server.pid() is None and not is_free(server.port):
            server.port = _another_port(name, server)
        servers[name] = server
    remember(PORTS, {name: server.port for name, server in servers.items()})
    return servers


def _another_port(name: str, server: Server) -> int:
    tell(f"services: port {server.port} of {name} is held by somebody else; taking another")
    return free_port()


def _write(urls: dict[str, str], kind: str) -> None:
    remember(URLS, {**urls, "kind": kind})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
