"""Messages of ours to the broker, at QoS 1: what was taken is told, message by message."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Final, NamedTuple

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ioc import broker

KEEPALIVE_S: Final = 30

log = structlog.get_logger()


class Answer(NamedTuple):
    """The broker's word on one message. Not taken: refused, or nobody has ever subscribed."""

    number: int
    taken: bool
    words: str


class Outgoing:
    """One connection that comes back for ever; what was not answered is sent again then."""

    def __init__(self, url: str, client_id: str, in_flight: int) -> None:
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            transport=broker.transport(url),
        )
        self._address = broker.prepare(self._client, url)
        self._client.max_inflight_messages_set(in_flight)
        self._client.reconnect_delay_set(1, 10)
        self._client.on_publish = self._on_publish
        self._client.on_connect = self._on_connect
        self._answers: deque[Answer] = deque()
        self._came = threading.Event()

    def open(self) -> None:
        """Connect in the background and stay connected."""
        self._client.connect_async(*self._address, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def send(self, topic: str, payload: bytes) -> int | None:
        """Give a message to the connection; return its number, None while there is none."""
        if not self._client.is_connected():
            return None
        return self._client.publish(topic, payload, qos=1).mid

    def answers(self, wait_s: float) -> list[Answer]:
        """Return the answers that came, waiting up to `wait_s` for the first."""
        self._came.wait(wait_s)
        self._came.clear()
        found = []
        while self._answers:
            found.append(self._answers.popleft())
        return found

    def close(self) -> None:
        """Say goodbye; what is not answered is not taken."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_publish(
        self,
        _client: mqtt.Client,
        _data: Any,  # noqa: ANN401
        number: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        # 0x10, no matching subscribers, is a success to the protocol and a loss to us.
        self._answers.append(Answer(number, reason.value == 0, str(reason)))
        self._came.set()

    def _on_connect(
        self,
        _client: mqtt.Client,
        _data: Any,  # noqa: ANN401
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.warning("broker_refused", reason=str(reason))
