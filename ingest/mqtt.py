"""The MQTT 5 session: QoS 1, acknowledged by us after the commit, kept while we are away.

Receive Maximum is the whole back-pressure: a slow database means no acknowledgements, so the
broker keeps the rest. paho-mqtt is pinned: the joined acknowledgement uses `_packet_queue`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import numpy as np
import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest.buffered import BufferedClient
from ingest.codec import Presence
from ingest.inbox import Inbox
from ioc.clock import Clock
from ioc.domain.errors import ConfigError
from ioc.domain.instant import Micros
from ioc.domain.intake import Arrival

KEEPALIVE_S: Final = 30
_LEAVE_S: Final = 1.0
_TAKEN_OVER: Final = 0x8E
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
_PUBACK: Final = np.dtype([("head", ">u2"), ("id", ">u2")])
_PUBACK_HEAD: Final = 0x4002  # type, and a length of two: success without a word

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Session:
    """How to connect and what to ask for."""

    url: str  # mqtt://[user:password@]host[:port], mqtts://…, ws://…/path, wss://…/path
    client_id: str
    subscriptions: Sequence[str]
    receive_maximum: int
    expiry_s: int
    stock_reader: bool = False  # paho's own reading, packet by packet: slower, and nothing private
    presence: Presence | None = None  # at most one: MQTT has one last will a connection


class Reader:
    """One connection that comes back for ever; messages go into its inbox."""

    def __init__(self, session: Session, inbox: Inbox, clock: Clock) -> None:
        self._wanted = session
        self._clock = clock
        self.inbox = inbox
        self.connected_since: Micros | None = None
        self._more: list[str] = []
        self._less: list[str] = []
        self.displaced = False  # another client has our client id now
        self._client = _client(session)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe
        if isinstance(self._client, BufferedClient):
            self._client.moment = self._moment
            self._client.on_messages = inbox.push

    def start(self) -> None:
        """Connect in the background and stay connected."""
        wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wanted.SessionExpiryInterval = self._wanted.expiry_s
        wanted.ReceiveMaximum = self._wanted.receive_maximum
        url = urlsplit(self._wanted.url)
        self._client.connect_async(
            url.hostname or "127.0.0.1",
            url.port or _PORTS[url.scheme],
            keepalive=KEEPALIVE_S,
            clean_start=False,
            properties=wanted,
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; the broker keeps the session and everything not acknowledged."""
        self.inbox.stop()
        if self._wanted.presence is not None:
            self._leave(self._wanted.presence)
        self._client.disconnect()
        self._client.loop_stop()

    def _leave(self, presence: Presence) -> None:
        """Say that we go; a clean end sends no last will, so wait for the broker's answer."""
        said = self._client.publish(presence.topic, presence.gone, qos=1, retain=True)
        with contextlib.suppress(RuntimeError):  # not connected: the last will has said it
            said.wait_for_publish(_LEAVE_S)

    def subscribe(self, filters: Sequence[str]) -> None:
        """Ask for more, now and at each later connection."""
        self._more, self._less = list(filters), []
        if self.connected_since is not None:
            self._ask(self._client, self._more)

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Take that back, now and at each later connection: a kept session still asks for it."""
        self._more, self._less = [], list(filters)
        if self._less and self.connected_since is not None:
            self._client.unsubscribe(self._less)

    def _ask(self, client: mqtt.Client, filters: Sequence[str]) -> None:
        plain = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        if filters:
            client.subscribe([(one, plain) for one in filters])

    def take(self) -> list[Arrival]:
        """Return pending messages of one session; empty when there were none for a while."""
        return self.inbox.take()

    def began_clean(self, session: int) -> bool:
        """Say whether the broker had no session of ours when this connection began."""
        return self.inbox.began_clean(session)

    def done(self, arrivals: Sequence[Arrival]) -> None:
        """Acknowledge committed messages in one write.

        Those of a former connection are not: the broker delivers them again, and they are
        absorbed then.
        """
        self.inbox.finished()
        session = self.inbox.session
        ids = [a.packet_id for a in arrivals if a.packet_id is not None and a.session == session]
        if ids and self.connected_since is not None:
            packets = np.empty(len(ids), _PUBACK)
            packets["head"], packets["id"] = _PUBACK_HEAD, ids
            self._client._packet_queue(mqtt.PUBACK, packets.tobytes(), 0, 0)  # noqa: SLF001  one write a batch

    def publish(self, topic: str, payload: bytes) -> None:
        """Send an answer to a device, at most once; it is asked for again when it is lost."""
        self._client.publish(topic, payload, qos=0)

    def _moment(self) -> tuple[Micros, int]:
        return self._clock.now(), self.inbox.session

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:  # noqa: ANN401
        arrival = Arrival(
            message.topic,
            bytes(message.payload),
            self._clock.now(),
            message.mid if message.qos else None,
            message.dup,
            message.retain,
            self.inbox.session,
        )
        self.inbox.push([arrival], len(arrival.payload))

    def _on_connect(
        self,
        client: mqtt.Client,
        _data: Any,  # noqa: ANN401
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.warning("broker_refused", reason=str(reason))
            return
        self.inbox.connected(session_present=flags.session_present)
        self.connected_since = self._clock.now()
        log.info("broker_connected", session_present=flags.session_present)
        if self._wanted.presence is not None:
            here = self._wanted.presence
            client.publish(here.topic, here.here, qos=1, retain=True)
        if self._less:
            client.unsubscribe(self._less)
        self._ask(client, [*self._wanted.subscriptions, *self._more])

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: Any,  # noqa: ANN401
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            log.error("subscription_refused", reasons=refused)

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _data: Any,  # noqa: ANN401
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.connected_since = None
        self.displaced |= reason.value == _TAKEN_OVER
        log.warning("broker_disconnected", reason=str(reason))


def _client(session: Session) -> mqtt.Client:
    url = urlsplit(session.url)
    if url.scheme not in _PORTS:
        raise ConfigError("IOC_MQTT_URL is not mqtt://, mqtts://, ws:// or wss:// and host:port")
    kind = mqtt.Client if session.stock_reader else BufferedClient
    client = kind(
        CallbackAPIVersion.VERSION2,
        client_id=session.client_id,
        protocol=mqtt.MQTTv5,
        transport="websockets" if url.scheme.startswith("ws") else "tcp",
        manual_ack=True,
    )
    if url.scheme.startswith("ws"):
        client.ws_set_options(path=url.path or "/mqtt")
    if url.username is not None:
        client.username_pw_set(unquote(url.username), unquote(url.password or ""))
    if url.scheme in {"mqtts", "wss"}:
        client.tls_set()
    if session.presence is not None:
        client.will_set(session.presence.topic, session.presence.gone, qos=1, retain=True)
    client.reconnect_delay_set(1, 10)
    return client
