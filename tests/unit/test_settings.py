"""Settings: what is wrong is refused in one line, before anything is connected."""

from pathlib import Path
from typing import Literal

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ioc import broker, settings
from ioc.domain.errors import ConfigError

MINIMAL = '[province]\ncode = "75"\nname = "Đồng Nai"\ntitle_vi = "a"\ntitle_en = "b"\n'


def _folder(tmp_path: Path, text: str) -> dict[str, str]:
    (tmp_path / "ioc.toml").write_text(text, encoding="utf-8")
    return {"IOC_CONFIG_DIR": str(tmp_path)}


def test_shipped_file_is_valid() -> None:
    """The configuration in the tree starts as it is."""
    assert settings.load({}).province.name == "Đồng Nai"


@pytest.mark.parametrize(
    ("addition", "named"),
    [
        ("[ingest]\nlinger = 3\n", "linger"),
        ("[web]\nport = 70000\n", "port"),
        ("[ingest]\nreceive_maximum = 0\n", "receive_maximum"),
        ("[nonsense]\n", "nonsense"),
        ("= broken", "ioc.toml"),
    ],
)
def test_wrong_setting_is_named(tmp_path: Path, addition: str, named: str) -> None:
    """An unknown key, a value out of range or broken TOML is one line that names the place."""
    with pytest.raises(ConfigError) as refusal:
        settings.load(_folder(tmp_path, MINIMAL + addition))
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_missing_file_says_what_to_set(tmp_path: Path) -> None:
    """A folder without ioc.toml names the variable that points elsewhere."""
    with pytest.raises(ConfigError, match="IOC_CONFIG_DIR"):
        settings.load({"IOC_CONFIG_DIR": str(tmp_path)})


def test_secret_comes_from_a_file(tmp_path: Path) -> None:
    """…_FILE wins over the plain variable and loses its line end."""
    secret = tmp_path / "url"
    secret.write_text("postgresql://u:p@h/db\n")
    loaded = settings.load(
        _folder(tmp_path, MINIMAL)
        | {"IOC_DATABASE_URL": "other", "IOC_DATABASE_URL_FILE": str(secret)}
    )
    assert loaded.database_url == "postgresql://u:p@h/db"


def test_unreadable_secret_is_refused(tmp_path: Path) -> None:
    """A secret file that is not there stops the start with its name."""
    with pytest.raises(ConfigError, match="IOC_REDIS_URL_FILE"):
        settings.load(_folder(tmp_path, MINIMAL) | {"IOC_REDIS_URL_FILE": str(tmp_path / "no")})


@pytest.mark.parametrize("port", ["x", "-1", "65536"])
def test_wrong_port_in_environment(port: str) -> None:
    """IOC_WEB_PORT is checked like the file's port."""
    with pytest.raises(ConfigError, match="IOC_WEB_PORT"):
        settings.load({"IOC_WEB_PORT": port})


def test_children_read_the_same_settings() -> None:
    """What a supervisor passes to its children gives equal settings there."""
    own = settings.load({}).with_services("postgresql://a/b", "redis://c", "mqtt://d")
    assert settings.load(settings.child_environment(own)) == own


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://h", ("h", 1883, "tcp", False)),
        ("mqtts://u:p@h", ("h", 8883, "tcp", True)),
        ("ws://h:9001/mqtt", ("h", 9001, "websockets", False)),
        ("wss://h", ("h", 443, "websockets", True)),
    ],
)
def test_every_way_to_a_broker(
    tmp_path: Path, url: str, address: tuple[str, int, Literal["tcp", "websockets"], bool]
) -> None:
    """Plain, TLS and websockets are taken, each with its usual port."""
    given = settings.load(_folder(tmp_path, MINIMAL) | {"IOC_MQTT_URL": url})
    way = broker.transport(given.mqtt_url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, transport=way)
    host, port = broker.prepare(client, given.mqtt_url)
    assert (host, port, way, client._ssl_context is not None) == address
