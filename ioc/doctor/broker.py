"""The broker as `ioc check` sees it, from CONNACK and from `$SYS`.

What can be known: CONNACK tells the largest packet, the highest QoS, for how long it keeps a
session, and the window (mosquitto's `max_inflight_messages`, which binds what it sends to us too).
`$SYS` of mosquitto tells its version and how many messages it has dropped. What cannot be known:
`max_queued_messages`, `persistence` and `autosave_interval` are told to nobody, and a probe would
have to publish, which ingest's account rightly may not; so a drop shows only once it has happened.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ioc import broker
from ioc.doctor.finding import Finding, ok, unset, warning, wrong
from ioc.settings import Settings
from ioc.text import say

TIMEOUT_S: Final = 5
SYS_S: Final = 1.0  # $SYS is retained: what comes does so at once
MIN_PACKET: Final = 1 << 20  # what a dead letter keeps whole
MIN_WINDOW: Final = 1000  # with 20, mosquitto's default, a 20 ms commit allows 1,000 messages/s
_VERSION: Final = "$SYS/broker/version"
_DROPPED: Final = "$SYS/broker/publish/messages/dropped"


@dataclass(slots=True)
class Answer:
    """What the broker said. `refusal` is set when it did not take us."""

    refusal: str = ""
    window: int = 65535
    packet: int | None = None
    qos: int = 2
    session_s: int | None = None  # only told when it is less than we asked for
    told: dict[str, str] = field(default_factory=dict)

    @property
    def dropped(self) -> int:
        text = self.told.get(_DROPPED, "")
        return int(text) if text.isdecimal() else 0


def check(settings: Settings) -> Iterator[Finding]:
    """Examine the broker that ingest would use."""
    if not settings.mqtt_url:
        yield unset("broker", "IOC_MQTT_URL")
        return
    answer = _ask(settings)
    if answer.refusal:
        yield wrong("broker", answer.refusal, "broker_remedy")
    elif settings.trial_broker:
        yield warning("broker", _shown(answer), "broker_trial_remedy")
    else:
        yield from judge(answer, settings.ingest.session_expiry_s)


def judge(answer: Answer, session_s: int) -> Iterator[Finding]:
    """Judge the limits; one finding each, so that all can be mended at once."""
    shown = _shown(answer)
    faults = [
        (answer.qos < 1, wrong("broker", shown, "broker_qos_remedy")),
        (answer.window < MIN_WINDOW, warning("broker", shown, "broker_window_remedy")),
        (
            answer.packet is not None and answer.packet < MIN_PACKET,
            warning("broker", shown, "broker_packet_remedy"),
        ),
        (
            answer.session_s is not None and answer.session_s < session_s,
            warning("broker", f"{shown}, {answer.session_s} s", "broker_session_remedy"),
        ),
        (answer.dropped > 0, warning("broker", shown, "broker_dropped_remedy")),
    ]
    found = [finding for broken, finding in faults if broken]
    yield from found or [ok("broker", shown)]


def _shown(answer: Answer) -> str:
    name = answer.told.get(_VERSION, say("check.broker_no_sys"))
    dropped = f", dropped {answer.dropped}" if _DROPPED in answer.told else ""
    return f"{name}, receive maximum {answer.window}, max packet {answer.packet or '–'}{dropped}"


def _ask(settings: Settings) -> Answer:
    """Connect as ingest would, with a session that is given up again at the end."""
    url = settings.mqtt_url
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"ioc-check-{secrets.token_hex(4)}",
        protocol=MQTTProtocolVersion.MQTTv5,
        transport=broker.transport(url),
    )
    host, port = broker.prepare(client, url)
    answer, ears = Answer(say("check.broker_silent")), _Ears()
    client.on_connect = ears.connected
    client.on_message = ears.heard
    try:
        client.connect(
            host,
            port,
            keepalive=TIMEOUT_S,
            properties=_expiry(PacketTypes.CONNECT, settings.ingest.session_expiry_s),
        )
    except (OSError, ValueError) as error:
        answer.refusal = str(error)
        return answer
    client.loop_start()
    if ears.greeted.wait(TIMEOUT_S):
        answer = ears.answer
        if not answer.refusal:
            client.subscribe([(_VERSION, 0), (_DROPPED, 0)])
            ears.complete.wait(SYS_S)
    client.disconnect(properties=_expiry(PacketTypes.DISCONNECT, 0))
    client.loop_stop()
    return answer


def _expiry(packet: int, seconds: int) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = seconds
    return properties


@dataclass(slots=True)
class _Ears:
    """Callbacks of the connection's own thread."""

    answer: Answer = field(default_factory=Answer)
    greeted: threading.Event = field(default_factory=threading.Event)
    complete: threading.Event = field(default_factory=threading.Event)

    def connected(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        code: ReasonCode,
        said: Properties | None,
    ) -> None:
        if self.greeted.is_set():
            return  # paho tries again after a refusal; the first word counts
        limits: Any = said
        self.answer = Answer(
            str(code) if code.is_failure else "",
            getattr(limits, "ReceiveMaximum", 65535),
            getattr(limits, "MaximumPacketSize", None),
            getattr(limits, "MaximumQoS", 2),
            getattr(limits, "SessionExpiryInterval", None),
        )
        self.greeted.set()

    def heard(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        told = self.answer.told
        told[message.topic] = message.payload.decode("utf-8", "replace")
        if {_VERSION, _DROPPED} <= told.keys():
            self.complete.set()
