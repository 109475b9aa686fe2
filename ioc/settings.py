"""The only reader of config/ioc.toml and of the environment.

Everything here is frozen; unknown keys, wrong types and values out of range raise ConfigError
with the file and the key, before any process connects to anything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from ioc.domain.credential import PasswordPolicy
from ioc.domain.errors import ConfigError
from ioc.domain.permission import Role

_PACKAGE: Final = Path(__file__).resolve().parent

Positive = Annotated[int, msgspec.Meta(gt=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]  # 0: any free port, for tests


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a secret is: the name of a variable (`NAME_FILE` works too), or a file."""

    env: str = ""
    file: str = ""


class Province(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose centre this is; the unit's title is data because it changes by resolution."""

    code: str
    name: str
    title_vi: str
    title_en: str
    zone: str = "Asia/Ho_Chi_Minh"


class Ingest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "ioc-ingest-1"
    share: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{0,32}$")] = ""
    reader: Literal["buffered", "stock"] = "buffered"
    linger_ms: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 16
    receive_maximum: Annotated[int, msgspec.Meta(ge=10, le=65535)] = 20000
    batch_cap: Annotated[int, msgspec.Meta(ge=1, le=50000)] = 10000
    session_expiry_s: Annotated[int, msgspec.Meta(ge=86400)] = 604800
    metrics_port: Port = 0


class Alerting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    late_horizon_s: Positive = 900
    evaluators: Annotated[int, msgspec.Meta(ge=1, le=8)] = 1  # 8: partitions there are to share


class Web(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: Port = 8060
    workers: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    session_hours: Positive = 13
    public_url: str = ""
    push_per_s: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 50
    api_per_s: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 50


class Background(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's own map below ours: a PMTiles `file` by ioc.toml, or `tiles` of our origin.

    `kind`, zooms and `layers` are of `tiles`; a file tells its own.
    """

    file: str = ""
    tiles: Annotated[str, msgspec.Meta(pattern=r"^(/[^/?#][^?#]*)?$")] = ""
    kind: Literal["vector", "raster"] = "raster"
    minzoom: Annotated[int, msgspec.Meta(ge=0, le=22)] = 0
    maxzoom: Annotated[int, msgspec.Meta(ge=0, le=22)] = 18
    layers: tuple[str, ...] = ()
    attribution: str = ""


class SignOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The province's sign-on (OpenID Connect); an empty issuer: there is none.

    `roles`: group -> role; the first line that fits counts, and nobody without one comes in.
    """

    issuer: str = ""
    client_id: str = ""
    secret: Reference = Reference()
    title: str = ""
    scope: str = "openid profile email"
    groups_claim: str = "groups"
    name_claim: str = "preferred_username"
    roles: dict[str, Role] = {}


class Door(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What accounts must prove, and how patient the door is."""

    password_length: Annotated[int, msgspec.Meta(ge=8, le=128)] = 10
    password_classes: Annotated[int, msgspec.Meta(ge=1, le=4)] = 4
    free_failures: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    lock_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 15
    address_failures: Annotated[int, msgspec.Meta(ge=1, le=10000)] = 30
    idle_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 15
    second_factor: tuple[Role, ...] = (Role.ADMIN,)
    sign_on: SignOn = SignOn()

    @property
    def passwords(self) -> PasswordPolicy:
        return PasswordPolicy(self.password_length, self.password_classes)


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pending_days: Positive = 30
    pending_per_feed: Positive = 10000
    dead_letter_days: Positive = 90


class StationFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The folder that an FTP or SFTP server drops station files into; "": there is none.

    `groups`: first subfolder -> the level of the topic that tells its feed. `keep_days`: how long
    `done/` and `refused/` are kept; the circular's loggers keep 60 days themselves.
    """

    folder: str = ""
    settle_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 5.0
    keep_days: Positive = 60
    groups: dict[str, Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]] = {}


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    province: Province
    ingest: Ingest = Ingest()
    alerting: Alerting = Alerting()
    web: Web = Web()
    door: Door = Door()
    retention: Retention = Retention()
    station_files: StationFiles = StationFiles()
    background: Background = Background()


class Settings(msgspec.Struct, frozen=True):
    """Everything a process may know about its surroundings. URLs are empty when not given."""

    province: Province
    ingest: Ingest
    alerting: Alerting
    web: Web
    retention: Retention
    database_url: str
    redis_url: str
    mqtt_url: str
    config_dir: Path
    assets_dir: Path
    data_dir: Path
    redis_prefix: str  # "ioc:"; tests take their own
    trial_broker: bool  # the embedded broker: not durable, and every screen says so
    station_files: StationFiles = StationFiles()
    door: Door = Door()
    background: Background = Background()

    def require(self, *names: str) -> None:
        """Raise ConfigError for the first of `names` (database_url, …) that is empty."""
        for name in names:
            if not getattr(self, name):
                variable = f"IOC_{name.upper()}"
                raise ConfigError(f"{variable} is not set; set it, or run `ioc up`, which sets it")

    def with_services(self, database_url: str, redis_url: str, mqtt_url: str) -> Settings:
        """Return the settings of a centre that runs on the embedded services."""
        return msgspec.structs.replace(
            self,
            database_url=database_url,
            redis_url=redis_url,
            mqtt_url=mqtt_url,
            trial_broker=True,
        )


def _from_environment(environment: Mapping[str, str], name: str) -> str:
    path = environment.get(f"{name}_FILE")
    if path is None:
        return environment.get(name, "")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{name}_FILE={path}: {error.strerror}") from error


def read_secret(where: Reference, environment: Mapping[str, str] | None = None) -> str:
    """Return a secret; ConfigError, without any of it, when it cannot be had."""
    env = os.environ if environment is None else environment
    if bool(where.env) == bool(where.file):
        raise ConfigError("a secret is {env: NAME} or {file: PATH}, one of them")
    if where.file:
        return _from_environment({"SECRET_FILE": where.file}, "SECRET")
    found = _from_environment(env, where.env)
    if not found:
        raise ConfigError(f"{where.env} is not set")
    return found


def _url(environment: Mapping[str, str], name: str, *schemes: str) -> str:
    """Return an address, empty when not given; ConfigError, without its password, when none."""
    url = _from_environment(environment, name)
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in schemes
        if "," not in parts.netloc:  # PostgreSQL takes several hosts; libpq reads those
            usable = usable and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"{name} is no address like {schemes[0]}://host:port")
    return url


def _shipped(name: str) -> Path:
    """Return the folder `name` of an installed wheel, else of the source tree."""
    packed = _PACKAGE / "_data" / name
    return packed if packed.is_dir() else _PACKAGE.parent / name


def read_yaml(path: Path) -> Any:  # noqa: ANN401  the caller converts it to its own struct
    """Return the parsed document of a YAML file; ConfigError names the file and the place."""
    try:
        return msgspec.yaml.decode(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read settings of this process. Raises ConfigError with one line that names the remedy."""
    env = os.environ if environment is None else environment
    config_dir = Path(env.get("IOC_CONFIG_DIR") or _shipped("config"))
    path = config_dir / "ioc.toml"
    try:
        file = msgspec.toml.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; set IOC_CONFIG_DIR to its folder") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return Settings(
        province=file.province,
        ingest=_ingest(file.ingest, env),
        alerting=file.alerting,
        web=_web(file.web, env),
        retention=file.retention,
        database_url=_url(env, "IOC_DATABASE_URL", "postgresql", "postgres"),
        redis_url=_url(env, "IOC_REDIS_URL", "redis", "rediss", "unix"),
        mqtt_url=_url(env, "IOC_MQTT_URL", "mqtt", "mqtts", "ws", "wss"),
        config_dir=config_dir,
        assets_dir=_shipped("assets"),
        data_dir=Path(env.get("IOC_DATA_DIR") or ".ioc").absolute(),
        redis_prefix=env.get("IOC_REDIS_PREFIX", "ioc:"),
        trial_broker=env.get("IOC_TRIAL_BROKER", "") == "1",
        station_files=file.station_files,
        door=file.door,
        background=file.background,
    )


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the environment in which a child process reads these very settings."""
    return {
        **os.environ,
        "IOC_DATABASE_URL": settings.database_url,
        "IOC_REDIS_URL": settings.redis_url,
        "IOC_MQTT_URL": settings.mqtt_url,
        "IOC_DATA_DIR": str(settings.data_dir),
        "IOC_REDIS_PREFIX": settings.redis_prefix,
        "IOC_TRIAL_BROKER": "1" if settings.trial_broker else "",
        "PYTHONUNBUFFERED": "1",
    }


def _ingest(ingest: Ingest, env: Mapping[str, str]) -> Ingest:
    """Apply IOC_INGEST_CLIENT_ID, which tells the processes of a shared subscription apart."""
    name = env.get("IOC_INGEST_CLIENT_ID", "")
    return msgspec.structs.replace(ingest, client_id=name) if name else ingest


def _web(web: Web, env: Mapping[str, str]) -> Web:
    """Apply IOC_WEB_HOST and IOC_WEB_PORT, which a supervisor or a container sets."""
    port = env.get("IOC_WEB_PORT", "")
    if port and not (port.isdecimal() and int(port) <= 65535):  # noqa: PLR2004  the last TCP port
        raise ConfigError(f"IOC_WEB_PORT={port!r} is not a port (0 to 65535)")
    return msgspec.structs.replace(
        web, host=env.get("IOC_WEB_HOST") or web.host, port=int(port) if port else web.port
    )
