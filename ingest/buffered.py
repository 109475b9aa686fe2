"""paho-mqtt with one recv() for many messages.

The stock client reads a packet with four recv() and one select(), 40 µs a message. This one takes
what the socket has, hands whole reads of QoS 1 messages over, and gives every other packet to
paho's own code. It relies on private names of paho-mqtt 2.2 (`_sock_recv`, `_packet_read`,
`_loop_rc_handle`, `_msgtime_mutex`, `_last_bytes_received`), so that version is pinned.
TLS and websockets work: paho asks a TLS socket for pending bytes before it waits, and a websocket
frame is read like any other piece of the stream.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode

from ioc.domain.instant import Micros
from ioc.domain.intake import Arrival

READ_BYTES: Final = 1 << 18
# A broker writes message by message, so an eager reader wakes for each of them: select, recv, a
# turn of the interpreter's lock, together dearer than the message. A pause after a short read lets
# the next ones gather in the kernel. It is a sixteenth of the longest linger.
PAUSE_S: Final = 0.001
SHORT_READ: Final = 1 << 15
# MQTT allows 256 MiB; a packet that is larger than what a dead letter may hold several times over
# is a broken stream, and its bytes would lie here until it ends.
MAX_PACKET: Final = 16 << 20
_QOS1_PUBLISH: Final = 0x32
_BUT_DUP_RETAIN: Final = 0xF6
_DUP: Final = 0x08
_RETAIN: Final = 0x01
_MORE: Final = 0x80

# Topics as text, by their bytes: beyond so many names somebody puts a counter in the topic.
_TOPICS: Final = 200_000


class BufferedClient(mqtt.Client):
    """An MQTT 5 client that hands over QoS 1 messages by the read.

    `moment` gives the instant of a read and the session; its messages are stamped a microsecond
    apart, never two alike. `on_messages` takes them with the size of their payloads.
    """

    moment: Callable[[], tuple[Micros, int]]
    on_messages: Callable[[Sequence[Arrival], int], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  paho's own
        super().__init__(*args, **kwargs)
        self._rest = b""
        self._feed = b""
        self._read_from: object = None
        self._topics: dict[bytes, str] = {}
        self._free = 0  # the first instant that no message was stamped with

    def _sock_recv(self, bufsize: int) -> bytes:
        """Give paho's packet reader the packet that was cut out for it."""
        taken, self._feed = self._feed[:bufsize], self._feed[bufsize:]
        return taken

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read once and handle every whole packet."""
        del max_packets
        sock = self._sock
        if sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if sock is not self._read_from:  # another connection: the old one's rest is void
            self._read_from, self._rest = sock, b""
        try:
            data = sock.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            data = b""
        if not data:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
        try:
            code = self._split(self._rest + data if self._rest else data)
        except IndexError:
            code = MQTTErrorCode.MQTT_ERR_PROTOCOL
        return self._loop_rc_handle(code) if code else code

    def _split(self, stream: bytes) -> MQTTErrorCode:  # noqa: C901, PLR0912, PLR0915  see below
        """Handle the whole packets of a stream and keep its rest. Raises IndexError.

        This loop is the hottest of the process; what is inlined here costs a call a message.
        """
        arrivals: list[Arrival] = []
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        topics, make = self._topics, tuple.__new__
        now, session = 0, 0
        at, size, end_of_stream = 0, 0, len(stream)
        while end_of_stream - at >= 2:  # noqa: PLR2004  type and length
            head, length, body = stream[at], stream[at + 1], at + 2
            if length & _MORE:
                if body < end_of_stream and not stream[body] & _MORE:  # two bytes: nearly all
                    length, body = length & 0x7F | stream[body] << 7, body + 1
                else:
                    body, length = _varint(stream, at + 1)
                    if length < 0:
                        break
                if length > MAX_PACKET:
                    code = MQTTErrorCode.MQTT_ERR_PROTOCOL
                    break
            end = body + length
            if end > end_of_stream:
                break
            if head & _BUT_DUP_RETAIN == _QOS1_PUBLISH:
                if not arrivals:
                    now, session = self.moment()
                    now = max(now, self._free)
                mid = body + 2 + (stream[body] << 8 | stream[body + 1])
                properties = stream[mid + 2]
                payload = mid + 3 + properties
                if properties & _MORE:
                    payload, properties = _varint(stream, mid + 2)
                    payload += properties
                raw = stream[body + 2 : mid]
                topic = topics.get(raw) or self._topic(raw)
                packet_id = stream[mid] << 8 | stream[mid + 1]
                fields = (topic, stream[payload:end], now, packet_id, head & _DUP > 0,
                          head & _RETAIN > 0, session)  # fmt: skip
                arrivals.append(make(Arrival, fields))
                now += 1  # the arrival of messages without a time is what tells them apart
                size += end - payload
            else:
                self._feed = stream[at:end]
                code = self._packet_read()
                if code:
                    break
            at = end
        self._rest = stream[at:]
        if arrivals:
            self._free = now
            self.on_messages(arrivals, size)
            if end_of_stream < SHORT_READ:
                time.sleep(PAUSE_S)
        return code

    def _topic(self, raw: bytes) -> str:
        if len(self._topics) >= _TOPICS:
            self._topics.clear()
        topic = self._topics[raw] = raw.decode("utf-8", "replace")
        return topic


def _varint(stream: bytes, at: int) -> tuple[int, int]:
    """Return where a variable byte integer ends, and its value: -1 while it is not whole."""
    value = shift = 0
    for end in range(at + 1, min(at + 4, len(stream)) + 1):
        byte = stream[end - 1]
        value |= (byte & 0x7F) << shift
        if not byte & _MORE:
            return end, value
        shift += 7
    return at, -1 if at + 4 > len(stream) else MAX_PACKET + 1
