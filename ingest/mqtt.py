"""The MQTT 5 session: QoS 1, acknowledged by us after the commit, kept while we are away.

Receive Maximum is the whole back-pressure: a slow database means no acknowledgements, so the
broker keeps the rest. paho-mqtt is pinned: the joined acknowledgement uses `_packet_queue`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ioc.clock import Clock
from ioc.domain.errors import ConfigError
from ioc.domain.instant import SECOND, Micros
from ioc.domain.intake import Arrival

KEEPALIVE_S: Final = 30
QUIET_S: Final = 0.002  # nothing new for so long: the window of the broker may be full, so commit
IDLE_S: Final = 0.25  # how long `take` waits before it lets the loop look around
# What may lie here beside Receive Maximum (large payloads, messages without QoS): beyond it the
# reader stops reading, and TCP holds the broker.
MAX_BYTES: Final = 64 << 20
BATCH_BYTES: Final = 8 << 20  # of one transaction, so that 1 MB messages do not make a long one
# A message is stamped before it can be seen here; no thread is held up longer than this.
WATERMARK_MARGIN: Final = Micros(SECOND // 10)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Session:
    """How to connect and what to ask for."""

    url: str  # mqtt://[user:password@]host[:port] or mqtts://…
    client_id: str
    subscriptions: Sequence[str]
    receive_maximum: int
    expiry_s: int
    linger_s: float
    batch_cap: int


class Reader:
    """One connection that comes back for ever. `take` and `done` are for the writer's thread."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._wanted = session
        self._clock = clock
        self._pending: deque[Arrival] = deque()
        self._bytes = 0
        self._room = threading.Condition()
        self._filled = threading.Event()
        self._in_hand: Micros | None = None
        self._session = 0
        self._clean: set[int] = set()
        self._stopping = False
        self.connected_since: Micros | None = None
        self._client = _client(session)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe

    def start(self) -> None:
        """Connect in the background and stay connected."""
        wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wanted.SessionExpiryInterval = self._wanted.expiry_s
        wanted.ReceiveMaximum = self._wanted.receive_maximum
        url = urlsplit(self._wanted.url)
        self._client.connect_async(
            url.hostname or "127.0.0.1",
            url.port or (8883 if url.scheme == "mqtts" else 1883),
            keepalive=KEEPALIVE_S,
            clean_start=False,
            properties=wanted,
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; the broker keeps the session and everything not acknowledged."""
        with self._room:
            self._stopping = True
            self._room.notify_all()
        self._client.disconnect()
        self._client.loop_stop()

    def take(self) -> list[Arrival]:
        """Return pending messages of one session, waiting for a fuller batch up to the linger.

        The wait ends early when nothing new came for 2 ms: the window of unacknowledged messages
        may be full, and then only a commit brings more.
        """
        if not self._pending:
            self._filled.clear()
            if not self._pending and not self._filled.wait(IDLE_S):
                return []
        self._linger()
        return self._pop()

    def done(self, arrivals: Sequence[Arrival]) -> None:
        """Acknowledge committed messages in one write.

        Those of a former connection are not: the broker delivers them again, and they are
        absorbed then.
        """
        self._in_hand = None
        ids = [
            a.packet_id for a in arrivals if a.packet_id is not None and a.session == self._session
        ]
        if ids and self.connected_since is not None:
            packet = b"".join(b"\x40\x02" + i.to_bytes(2, "big") for i in ids)
            self._client._packet_queue(mqtt.PUBACK, packet, 0, 0)  # noqa: SLF001  one write a batch

    def began_clean(self, session: int) -> bool:
        """Say whether the broker had no session of ours when this connection began."""
        return session in self._clean

    def watermark(self) -> Micros:
        """Return the instant before which nothing that reached us is uncommitted."""
        oldest = self._clock.now()
        in_hand = self._in_hand
        if in_hand is not None:
            oldest = min(oldest, in_hand)
        with contextlib.suppress(IndexError):  # the writer may take the last one now
            oldest = min(oldest, self._pending[0].received)
        return Micros(oldest - WATERMARK_MARGIN)

    @property
    def pending(self) -> int:
        return len(self._pending)

    def _linger(self) -> None:
        ends = time.monotonic() + self._wanted.linger_s
        have = 0
        while len(self._pending) > have and time.monotonic() < ends:
            have = len(self._pending)
            if have >= self._wanted.batch_cap:
                return
            time.sleep(QUIET_S)

    def _pop(self) -> list[Arrival]:
        taken: list[Arrival] = []
        size = 0
        with self._room:
            if self._pending:
                self._in_hand = self._pending[0].received
            while (
                self._pending
                and len(taken) < self._wanted.batch_cap
                and size < BATCH_BYTES
                and (not taken or self._pending[0].session == taken[0].session)
            ):
                arrival = self._pending.popleft()
                size += len(arrival.payload)
                taken.append(arrival)
            self._bytes -= size
            self._room.notify_all()
        return taken

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:  # noqa: ANN401
        arrival = Arrival(
            message.topic,
            bytes(message.payload),
            self._clock.now(),
            message.mid if message.qos else None,
            message.dup,
            message.retain,
            self._session,
        )
        with self._room:
            while self._bytes > MAX_BYTES and not self._stopping:
                self._room.wait()
            self._pending.append(arrival)
            self._bytes += len(arrival.payload)
        if not self._filled.is_set():
            self._filled.set()

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
        with self._room:
            self._session += 1
            if flags.session_present:
                self._drop_redelivered()
            else:
                self._clean = {self._session}
        self.connected_since = self._clock.now()
        log.info("broker_connected", session_present=flags.session_present)
        if self._wanted.subscriptions:
            options = SubscribeOptions(
                qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
            )
            client.subscribe([(topic, options) for topic in self._wanted.subscriptions])

    def _drop_redelivered(self) -> None:
        """Drop what the broker is about to deliver again: else each reconnect adds a window."""
        kept = [a for a in self._pending if a.packet_id is None]
        self._pending.clear()
        self._pending.extend(kept)
        self._bytes = sum(len(a.payload) for a in kept)
        self._room.notify_all()

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
        log.warning("broker_disconnected", reason=str(reason))


def _client(session: Session) -> mqtt.Client:
    url = urlsplit(session.url)
    if url.scheme not in ("mqtt", "mqtts"):
        raise ConfigError("IOC_MQTT_URL is not mqtt://host:port or mqtts://host:port")
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=session.client_id,
        protocol=mqtt.MQTTv5,
        manual_ack=True,
    )
    if url.username is not None:
        client.username_pw_set(unquote(url.username), unquote(url.password or ""))
    if url.scheme == "mqtts":
        client.tls_set()
    client.reconnect_delay_set(1, 10)
    return client
