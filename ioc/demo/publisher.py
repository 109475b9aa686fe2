"""Publish over MQTT 5 with QoS 1 and a bounded number of messages in flight."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ioc import broker
from ioc.domain.errors import ConfigError

IN_FLIGHT: Final = 90  # below the trial broker's fixed window of 100
QUEUE: Final = 1000  # waiting messages: about two seconds of the demonstration's opening
ANSWER_S: Final = 10.0  # a broker that has not greeted us by then is none, or not one for MQTT 5


class Publisher:
    """One connection that comes back for ever; `send` waits while too much is unacknowledged."""

    def __init__(self, url: str, client_id: str) -> None:
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            transport=broker.transport(url),
        )
        self._address = broker.prepare(self._client, url)
        self._client.max_inflight_messages_set(IN_FLIGHT)
        self._client.reconnect_delay_set(1, 5)
        self._client.on_connect = self._greeted
        self._greeting: ReasonCode | None = None
        self._answered = threading.Event()
        self._waiting: deque[mqtt.MQTTMessageInfo] = deque()
        self.acknowledged = 0

    def open(self) -> None:
        """Connect. ConfigError when nobody answers or the broker refuses us."""
        host, port = self._address
        try:
            self._client.connect(host, port, keepalive=30)
        except (OSError, ValueError) as error:
            raise ConfigError(f"IOC_MQTT_URL: {host}:{port} does not answer ({error})") from error
        self._client.loop_start()
        if not self._answered.wait(ANSWER_S):
            self.close()
            raise ConfigError(f"IOC_MQTT_URL: {host}:{port} is open but speaks no MQTT 5")
        if self._greeting is not None and self._greeting.is_failure:
            self.close()
            raise ConfigError(f"IOC_MQTT_URL: {host}:{port} refuses us ({self._greeting})")

    def send(self, topic: str, payload: bytes, stop: threading.Event) -> None:
        """Queue one message; blocks while QUEUE messages wait, until `stop`."""
        self._settle()
        while len(self._waiting) >= QUEUE and not stop.wait(0.01):
            self._settle()
        if not stop.is_set():
            self._waiting.append(self._client.publish(topic, payload, qos=1))

    def drain(self, stop: threading.Event) -> bool:
        """Wait until all is acknowledged or `stop`; tell whether it is."""
        self._settle()
        while self._waiting and not stop.wait(0.01):
            self._settle()
        return not self._waiting

    def close(self) -> None:
        """Say goodbye to the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _greeted(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        greeting: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._greeting = greeting
        self._answered.set()

    def _settle(self) -> None:
        # A message given while the connection is down is queued by paho and sent after it.
        while self._waiting and self._waiting[0].mid not in self._client._out_messages:  # noqa: SLF001
            self._waiting.popleft()
            self.acknowledged += 1
