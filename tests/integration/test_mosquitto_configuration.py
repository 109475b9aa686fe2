"""config/mosquitto.conf on the real mosquitto: TLS, accounts, and who may publish where."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.awaiting import wait_for
from tests.fix_services import missing
from tests.services import rootfs
from tests.services.ports import free_port
from tests.services.servers import Mosquitto, own

PROJECT = Path(__file__).resolve().parents[2]
NOT_AUTHORISED = 0x87


@dataclass
class Production:
    """The production broker with a device's and ingest's passwords."""

    server: Mosquitto
    tls_port: int
    certificate: Path
    device: str
    ingest: str


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """Return the broker started from the shipped files, only ports and paths changed."""
    if rootfs.obstacle() or not rootfs.built():
        missing(f"no real mosquitto ({rootfs.obstacle() or 'make services'})")
    made = tmp_path_factory.mktemp("secrets")
    program = [sys.executable, str(PROJECT / ".build/compose_secrets.py"), "--folder", str(made)]
    subprocess.run(program, check=True, capture_output=True)
    device = subprocess.check_output([*program, "device", "rain-001"]).decode().strip()
    tls_port = free_port()
    server = Mosquitto(f"/srv/t-{os.getpid()}-{secrets.token_hex(4)}-conf", free_port())
    server.configuration = _placed(server, tls_port)
    _hand_over(made, server.path)
    try:
        server.start()
        ingest = (made / "mqtt_url_ingest").read_text().split(":")[2].partition("@")[0]
        yield Production(server, tls_port, made / "mqtt_certificate", device, ingest)
    finally:
        server.remove()


def _placed(server: Mosquitto, tls_port: int) -> str:
    """Return the shipped configuration with the test's ports and paths."""
    text = (PROJECT / "config/mosquitto.conf").read_text()
    changes = {
        "/run/secrets/": f"{server.folder}/secrets/",
        "/mosquitto/config/": f"{server.folder}/secrets/",
        "/mosquitto/data/": f"{server.folder}/data/",
        "listener 8883": f"listener {tls_port} 127.0.0.1",
        "listener 1883": f"listener {server.port} 127.0.0.1",
        "log_dest stdout": f"log_dest file {server.folder}/data/said",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def _hand_over(made: Path, folder: Path) -> None:
    """Copy the secrets into the root folder, readable by mosquitto alone."""
    target = folder / "secrets"
    target.mkdir(parents=True)
    shutil.copy(PROJECT / "config/mosquitto-acl.conf", made)
    for name in ("mqtt_passwords", "mqtt_certificate", "mqtt_key", "mosquitto-acl.conf"):
        shutil.copy(made / name, target)
        (target / name).chmod(0o600)
        own(target / name, "mosquitto")
    own(target, "mosquitto")


class Client:
    """One MQTT 5 client that remembers what it was told."""

    def __init__(self, at: Production, user: str = "", password: str = "") -> None:
        self.connected: list[ReasonCode] = []
        self.published: list[ReasonCode] = []
        self.subscribed: list[ReasonCode] = []
        self.got: list[str] = []
        self.paho = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self.paho.on_connect = lambda _c, _u, _f, code, _p: self.connected.append(code)
        self.paho.on_publish = lambda _c, _u, _m, code, _p: self.published.append(code)
        self.paho.on_subscribe = lambda _c, _u, _m, codes, _p: self.subscribed.extend(codes)
        self.paho.on_message = lambda _c, _u, message: self.got.append(message.topic)
        if user:
            self.paho.username_pw_set(user, password)
        context = ssl.create_default_context(cafile=str(at.certificate))
        self.paho.tls_set_context(context)
        self.port = at.tls_port

    def __enter__(self) -> Self:
        self.paho.connect("localhost", self.port)
        self.paho.loop_start()
        wait_for(lambda: self.connected)
        return self

    def __exit__(self, *_: object) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()

    def publish(self, topic: str) -> ReasonCode:
        """Publish with QoS 1 and return what the broker answered."""
        self.published.clear()
        self.paho.publish(topic, b"1", qos=1)
        return wait_for(lambda: self.published)[0]


def test_stranger_is_refused(production: Production) -> None:
    """Without credentials, or with wrong ones, there is no connection."""
    for user, password in (("", ""), ("rain-001", "wrong"), ("nobody", production.device)):
        with Client(production, user, password) as client:
            assert client.connected[0].value == NOT_AUTHORISED


def test_device_publishes_below_its_own_prefix_alone(production: Production) -> None:
    """An account is an identity: it can neither speak for another nor listen to it."""
    with (
        Client(production, "ioc-ingest", production.ingest) as ingest,
        Client(production, "rain-001", production.device) as device,
    ):
        assert device.connected[0].value == 0
        ingest.paho.subscribe("device/#", qos=1)
        wait_for(lambda: ingest.subscribed)
        assert device.publish("device/rain-002/data").value == NOT_AUTHORISED
        assert device.publish("ioc/http/x").value == NOT_AUTHORISED
        assert device.publish("device/rain-001/data").value == 0
        wait_for(lambda: ingest.got)
        assert ingest.got == ["device/rain-001/data"]


def test_device_hears_only_its_commands(production: Production) -> None:
    """A subscription to everything brings nothing of others."""
    with (
        Client(production, "rain-001", production.device) as device,
        Client(production, "ioc-ingest", production.ingest) as ingest,
    ):
        device.paho.subscribe("#", qos=1)
        wait_for(lambda: device.subscribed)
        ingest.publish("device/rain-002/data")
        device.publish("device/rain-001/data")
    assert device.got == []


def test_plain_line_is_not_tls(production: Production) -> None:
    """The published port speaks TLS 1.2 or newer only."""
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(production.certificate)
    assert old.minimum_version >= ssl.TLSVersion.TLSv1_2
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.username_pw_set("rain-001", production.device)
    answers: list[object] = []
    client.on_connect = lambda *words: answers.append(words)
    client.on_disconnect = lambda *_: answers.append("closed")
    client.connect("localhost", production.tls_port)
    client.loop_start()
    try:
        assert wait_for(lambda: answers)[0] == "closed"
    finally:
        client.loop_stop()


def test_broker_does_not_complain(production: Production) -> None:
    """It starts without a warning: no option is unknown, no secret is open to others."""
    said = production.server.data / "said"
    beginning, running, _ = wait_for(said.read_text).partition(" running")
    assert running, beginning
    assert not re.search(r"deprecat|unknown|warning|world", beginning, re.IGNORECASE), beginning


def test_limits_lose_nothing_acknowledged() -> None:
    """The lines whose defaults lost a third to all of the messages are there."""
    lines = (PROJECT / "config/mosquitto.conf").read_text().splitlines()
    wanted = {"max_inflight_messages 0", "max_queued_messages 0", "persistence true"}
    assert wanted | {"autosave_interval 5", "allow_anonymous false"} <= set(lines)
    assert any(line.startswith("max_queued_bytes ") for line in lines)
