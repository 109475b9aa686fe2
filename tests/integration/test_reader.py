"""The session with the real broker: plain, TLS and websockets, ours and paho's own reading."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest import retained
from ingest.codec import Presence
from ingest.inbox import Inbox
from ingest.mqtt import Reader, Session
from ioc.clock import SystemClock
from ioc.domain.intake import Arrival
from tests.awaiting import wait_for
from tests.fix_outage import Outage
from tests.services.ports import free_port
from tests.services.servers import Mosquitto, own

PROJECT: Final = Path(__file__).resolve().parents[2]
# Around each border of a length: one, two and three bytes of it, a read, several TLS records.
SIZES: Final = (0, 1, 90, 127, 128, 129, 200, 16_300, 16_384, 70_000, 300_000)
Way = Literal["mqtt", "mqtts", "ws"]


@dataclass
class Broker:
    """A private mosquitto with three listeners."""

    ports: dict[Way, int]
    certificate: Path

    def url(self, way: Way) -> str:
        return f"{way}://localhost:{self.ports[way]}"


@pytest.fixture
def broker(outage: Outage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """Return a broker whose certificate this process trusts."""
    subprocess.run(
        [sys.executable, str(PROJECT / ".build/compose_secrets.py"), "--folder", str(tmp_path)],
        check=True,
        capture_output=True,
    )
    tls, ws = free_port(), free_port()
    server = outage.mosquitto()
    assert isinstance(server, Mosquitto)
    server.stop()
    for name in ("mqtt_certificate", "mqtt_key"):
        (server.path / name).write_bytes((tmp_path / name).read_bytes())
        own(server.path / name, "mosquitto")
    server.configuration = (
        "allow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n"
        f"listener {server.port} 127.0.0.1\n"
        f"listener {tls} 127.0.0.1\ncertfile {server.folder}/mqtt_certificate\n"
        f"keyfile {server.folder}/mqtt_key\n"
        f"listener {ws} 127.0.0.1\nprotocol websockets\n"
    )
    server.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "mqtt_certificate"))
    return Broker({"mqtt": server.port, "mqtts": tls, "ws": ws}, tmp_path / "mqtt_certificate")


def session(broker: Broker, way: Way, name: str, *, stock: bool, topic: str) -> Session:
    presence = Presence(f"{topic}-state/me", b"here", b"gone")
    return Session(
        broker.url(way), name, [f"{topic}/#"], 20_000, 3_600, stock_reader=stock, presence=presence
    )


def reading(wanted: Session) -> Reader:
    """Return a reader, not yet started."""
    return Reader(wanted, Inbox(SystemClock(), linger_s=0.02, batch_cap=1_000), SystemClock())


@pytest.fixture
def device(broker: Broker) -> Iterator[paho.Client]:
    """Return a plain client that publishes."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(1_000)
    client.connect("localhost", broker.ports["mqtt"])
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def send(device: paho.Client, topic: str, rounds: int) -> list[tuple[str, bytes, bool]]:
    """Publish payloads of all sizes at all levels of service; return topic, payload, QoS 0."""
    extra = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    extra.UserProperty = ("station", "x" * 200)
    sent, waiting = [], []
    for n in range(rounds):
        for size in SIZES:
            body = bytes([n % 256]) * size
            name = f"{topic}/trạm {n}"
            qos = (1, 1, 1, 0, 2)[n % 5]
            waiting.append(device.publish(name, body, qos=qos, properties=extra if n % 2 else None))
            sent.append((name, body, qos == 0))
    for one in waiting:
        one.wait_for_publish(20)
    return sent


def collect(reader: Reader, count: int) -> list[Arrival]:
    """Take and acknowledge until so many messages are there."""
    found: list[Arrival] = []

    def turn() -> bool:
        taken = reader.take()
        found.extend(taken)
        reader.done(taken)
        return len(found) >= count

    wait_for(turn, timeout=30)
    return found


@pytest.mark.parametrize("reader_kind", ["buffered", "stock"])
@pytest.mark.parametrize("way", ["mqtt", "mqtts", "ws"])
def test_every_message_comes_once_over_every_transport(
    broker: Broker, device: paho.Client, topic_prefix: str, way: Way, reader_kind: str
) -> None:
    """Sizes around every border, long properties, three levels of service: all whole, in order.

    What was acknowledged is not sent again to the same session.
    """
    stock = reader_kind == "stock"
    wanted = session(broker, way, f"r-{reader_kind}-{way}", stock=stock, topic=topic_prefix)
    reader = reading(wanted)
    reader.start()
    try:
        wait_for(lambda: reader.connected_since, timeout=20)
        probe(device, reader, topic_prefix)
        sent = send(device, topic_prefix, 10)
        found = collect(reader, len(sent))
    finally:
        reader.stop()
    assert sorted((a.topic, a.payload) for a in found) == sorted((t, b) for t, b, _ in sent)
    assert all((a.packet_id is None) == (a.topic[-1] in "38") for a in found)
    for name in {a.topic for a in found}:
        assert [a.payload for a in found if a.topic == name] == [b for t, b, _ in sent if t == name]
    again = reading(wanted)
    again.start()
    try:
        device.publish(f"{topic_prefix}/last", b"last", qos=1).wait_for_publish(10)
        assert [a.payload for a in collect(again, 1)] == [b"last"]
        assert not again.began_clean(again.inbox.session)
    finally:
        again.stop()


def probe(device: paho.Client, reader: Reader, topic: str) -> None:
    """Wait until the subscription stands: QoS 0 messages before it would be lost."""

    def heard() -> bool:
        device.publish(f"{topic}/probe", b"", qos=0)
        taken = reader.take()
        reader.done(taken)
        return bool(taken)

    wait_for(heard, timeout=20)
    while reader.take():
        pass


def test_what_was_not_acknowledged_comes_again(
    broker: Broker, device: paho.Client, topic_prefix: str
) -> None:
    """A message taken and never done is delivered again, marked so, to the next connection."""
    wanted = session(broker, "mqtt", "r-again", stock=False, topic=topic_prefix)
    first = reading(wanted)
    first.start()
    wait_for(lambda: first.connected_since, timeout=20)
    probe(device, first, topic_prefix)
    device.publish(f"{topic_prefix}/a", b"x", qos=1).wait_for_publish(10)
    wait_for(lambda: [a for a in first.take() if a.payload == b"x"], timeout=10)
    first.stop()
    second = reading(wanted)
    second.start()
    try:
        (arrival,) = collect(second, 1)
    finally:
        second.stop()
    assert (arrival.payload, arrival.dup) == (b"x", True)


def test_devices_learn_that_we_are_there_and_that_we_left(
    broker: Broker, device: paho.Client, topic_prefix: str
) -> None:
    """The presence of a format is published, retained, at connection and at the end."""
    said: list[bytes] = []
    device.on_message = lambda _c, _u, message: said.append(bytes(message.payload))
    device.subscribe(f"{topic_prefix}-state/me", qos=1)
    reader = reading(session(broker, "mqtt", "r-here", stock=False, topic=topic_prefix))
    reader.start()
    wait_for(lambda: said == [b"here"], timeout=10)
    reader.stop()
    wait_for(lambda: said == [b"here", b"gone"], timeout=10)


def test_a_kept_session_gives_up_what_it_is_told_to(broker: Broker, device: paho.Client) -> None:
    """Filters that another took over while we were away are not read when we come back."""
    wanted = session(broker, "mqtt", "kept", stock=False, topic="mine")
    first = reading(wanted)
    first.subscribe(["theirs/#"])
    first.start()

    def subscribed() -> int:
        device.publish("theirs/a", b"1", qos=1).wait_for_publish(10)
        return len(first.inbox)

    wait_for(subscribed)  # connected comes before it
    first.done(first.take())
    first.stop()
    again = reading(wanted)
    again.unsubscribe(["theirs/#"])
    again.start()
    try:
        wait_for(lambda: again.connected_since)
        got: list[Arrival] = []

        def heard(word: bytes) -> bool:
            device.publish("theirs/a", word, qos=1).wait_for_publish(10)
            device.publish("mine/a", word, qos=1).wait_for_publish(10)
            got.extend(again.take())
            return ("mine/a", word) in [(one.topic, one.payload) for one in got]

        wait_for(lambda: heard(b"before"))  # from now on the broker has had our word
        del got[:]
        wait_for(lambda: heard(b"after"))
        assert ("theirs/a", b"after") not in [(one.topic, one.payload) for one in got]
    finally:
        again.stop()


@pytest.mark.parametrize("way", ["mqtt", "mqtts", "ws"])
def test_retained_messages_are_read_by_every_way(
    broker: Broker, device: paho.Client, way: Way
) -> None:
    """The reading at a session's begin knows TLS and websockets too."""
    device.publish("r/a", b"x", qos=1, retain=True).wait_for_publish(10)
    found = retained.read(broker.url(way), "reads", ["r/#"], SystemClock())
    assert [(one.topic, one.payload, one.retain) for one in found] == [("r/a", b"x", True)]
