"""docker-compose.yml, Dockerfile and their configuration: what can be proved without an engine."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

PROJECT = Path(__file__).resolve().parents[2]

Duration = Annotated[str, msgspec.Meta(pattern=r"^\d+(s|m)$")]
Port = Annotated[str, msgspec.Meta(pattern=r"^\d+:\d+$")]


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A part of the Compose specification, as far as we use it."""


class Health(Strict):
    test: list[str]
    interval: Duration
    timeout: Duration
    retries: int
    start_period: Duration = "0s"


class Dependency(Strict):
    condition: Literal["service_healthy", "service_completed_successfully"]


class Logging(Strict):
    driver: Literal["json-file"]
    options: dict[str, str]


class Service(Strict):
    image: str
    restart: Literal["unless-stopped", "no"]
    logging: Logging  # bounded: a full disk stops the database
    networks: list[str]
    build: str = ""
    profiles: list[str] = []
    init: bool = False
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[str] = []
    cap_add: list[str] = []
    security_opt: list[str] = []
    shm_size: str = ""
    stop_grace_period: Duration = "10s"
    environment: dict[str, str] = {}
    command: list[str] = []
    ports: list[Port] = []
    volumes: list[str] = []
    secrets: list[str] = []
    depends_on: dict[str, Dependency] = {}
    healthcheck: Health | None = None


class Network(Strict):
    internal: bool = False


class Secret(Strict):
    file: str


class Compose(Strict):
    name: str
    services: dict[str, Service]
    networks: dict[str, Network]
    volumes: dict[str, dict[str, str]]
    secrets: dict[str, Secret]


def _compose() -> Compose:
    raw = msgspec.yaml.decode((PROJECT / "docker-compose.yml").read_bytes())
    return msgspec.convert({k: v for k, v in raw.items() if not k.startswith("x-")}, Compose)


COMPOSE = _compose()
SERVICES = sorted(COMPOSE.services)
PINNED = re.compile(r"^[a-z0-9./_-]+:v?\d+\.\d+\.\d+[a-z0-9.-]*$")


def test_all_parts_are_there() -> None:
    """The centre's processes, its stores and the two doors."""
    wanted = {"database", "redis", "mqtt", "migrate", "ingest", "alerting", "layers", "web"}
    assert set(SERVICES) == wanted | {"proxy", "station-files", "dispatcher"}
    optional = {name for name, service in COMPOSE.services.items() if service.profiles}
    assert optional == {"station-files"}, "what not everybody has must not stop the others"


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    """A restart next year runs the same programs."""
    assert PINNED.match(COMPOSE.services[name].image)


def test_base_images_are_pinned() -> None:
    """The Dockerfile builds from exact versions and does not run as root."""
    text = (PROJECT / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(bases) == 2
    assert all(PINNED.match(base) for base in bases)
    users = re.findall(r"^USER (\S+)", text, re.MULTILINE)
    assert users[-1:] == ["10001:10001"]


@pytest.mark.parametrize("name", SERVICES)
def test_health_and_restart(name: str) -> None:
    """Every service restarts and says whether it is well; the one-shot does neither."""
    service = COMPOSE.services[name]
    if name == "migrate":
        assert service.restart == "no"
        assert service.healthcheck is None
        return
    assert service.restart == "unless-stopped"
    assert service.healthcheck is not None
    assert service.healthcheck.test[0] in {"CMD", "CMD-SHELL"}


def test_only_the_doors_are_published() -> None:
    """Nothing but the proxy and MQTT over TLS can be reached from outside."""
    published = {name: s.ports for name, s in COMPOSE.services.items() if s.ports}
    assert published == {"proxy": ["80:80", "443:443"], "mqtt": ["8883:8883"]}
    outside = {name for name, s in COMPOSE.services.items() if "outside" in s.networks}
    assert outside == {"proxy", "mqtt", "dispatcher"}, "mail and webhooks are outside"
    assert COMPOSE.networks["inside"].internal


def test_secrets_come_from_files() -> None:
    """No password stands in the file, and a service gets only declared secrets."""
    for name, service in COMPOSE.services.items():
        for key, value in service.environment.items():
            secret = re.search(r"PASSWORD|SECRET|URL", key)
            assert not secret or (key.endswith("_FILE") and value.startswith("/run/secrets/")), name
            if value.startswith("/run/secrets/"):
                assert value.removeprefix("/run/secrets/") in service.secrets
        assert set(service.secrets) <= set(COMPOSE.secrets)
    assert all(s.file.startswith("./secrets/") for s in COMPOSE.secrets.values())
    assert "secrets/" in (PROJECT / ".gitignore").read_text().splitlines()
    assert "secrets" in (PROJECT / ".dockerignore").read_text().splitlines()


def test_data_lie_in_named_volumes() -> None:
    """What must survive a new container has a name; what is mounted from here exists."""
    for service in COMPOSE.services.values():
        for volume in service.volumes:
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert volume.endswith(":ro")
                assert (PROJECT / source).exists()
            else:
                assert source in COMPOSE.volumes
    used = {v.partition(":")[0] for s in COMPOSE.services.values() for v in s.volumes}
    assert set(COMPOSE.volumes) <= used


@pytest.mark.parametrize(
    "name", ["migrate", "ingest", "station-files", "alerting", "dispatcher", "layers", "web"]
)
def test_commands_exist(name: str) -> None:
    """What a container runs is in the package."""
    service = COMPOSE.services[name]
    commands = [service.command]
    if service.healthcheck is not None:
        commands.append(service.healthcheck.test[1:])
    for command in commands:
        if command[:2] == ["python", "-m"]:
            found = find_spec(command[2])
            assert found is not None
            inner = (
                find_spec(f"{command[2]}.__main__") if found.submodule_search_locations else found
            )
            assert inner is not None
        elif command[0] == "ioc":
            assert list(entry_points(group="console_scripts", name="ioc"))
        else:
            assert command[:2] == ["python", "-c"]
            compile(command[2], name, "exec")


def test_our_processes_run_with_nothing_to_spare() -> None:
    """Ours are read-only, without capabilities, and wait for the schema."""
    for name in ("ingest", "alerting", "dispatcher", "layers", "web"):
        service = COMPOSE.services[name]
        assert service.read_only
        assert service.cap_drop == ["ALL"]
        assert service.depends_on["migrate"].condition == "service_completed_successfully"
