"""The buffered reader: whatever pieces the stream comes in, every message comes out once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from ingest.buffered import MAX_PACKET, BufferedClient
from ioc.domain.instant import Micros
from ioc.domain.intake import Arrival

NOW: Final = Micros(1_795_311_000_000_000)
PINGRESP: Final = b"\xd0\x00"

Sent = tuple[str, bytes, int, bool, bool, bytes]  # topic, payload, packet id, dup, retain, property


def varint(value: int) -> bytes:
    """Encode a variable byte integer as MQTT does."""
    out = bytearray()
    while True:
        value, byte = divmod(value, 128)
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def packet(sent: Sent) -> bytes:
    """Encode a QoS 1 PUBLISH of MQTT 5."""
    topic, payload, packet_id, dup, retain, extra = sent
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + packet_id.to_bytes(2, "big")
    body += varint(len(extra)) + extra + payload
    return bytes([0x32 | dup << 3 | retain]) + varint(len(body)) + body


def user_property(text: str) -> bytes:
    """Encode one user property."""
    raw = text.encode()
    return b"\x26\x00\x01k" + len(raw).to_bytes(2, "big") + raw


class Ear(BufferedClient):
    """A client without a connection that keeps what it is handed."""

    def __init__(self) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.heard: list[Arrival] = []
        self.bytes = 0
        self.moment = lambda: (NOW, 7)
        self.on_messages = self._hear

    def _hear(self, arrivals: Sequence[Arrival], size: int) -> None:
        self.heard.extend(arrivals)
        self.bytes += size

    def feed(self, piece: bytes) -> MQTTErrorCode:
        return self._split(self._rest + piece)


messages = st.lists(
    st.tuples(
        st.text("ab/é₫", min_size=1),
        st.one_of(st.binary(max_size=200), st.integers(0, 20_000).map(bytes)),
        st.integers(1, 65_535),
        st.booleans(),
        st.booleans(),
        st.sampled_from([b"", user_property("short"), user_property("long" * 60)]),
    ),
    max_size=12,
)


@given(messages, st.lists(st.integers(0, 60_000), max_size=20), st.integers(0, 12))
def test_any_pieces_give_the_same_messages(sent: list[Sent], cuts: list[int], ping: int) -> None:
    """Messages come out once, whole and in order, however the network cuts the stream."""
    packets = [packet(one) for one in sent]
    packets.insert(min(ping, len(packets)), PINGRESP)
    stream = b"".join(packets)
    ends = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    ear = Ear()
    for start, end in pairwise(ends):
        assert ear.feed(stream[start:end]) == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert ear.heard == [
        Arrival(t, p, Micros(NOW + n), i, d, r, 7) for n, (t, p, i, d, r, _) in enumerate(sent)
    ]
    assert ear.bytes == sum(len(one[1]) for one in sent)


def test_no_two_messages_have_one_moment() -> None:
    """A device without a clock is known by arrival: its messages of one read must differ."""
    ear = Ear()
    stream = b"".join(packet(("t", b"1", n, False, False, b"")) for n in range(1, 51))
    ear.feed(stream)
    ear.feed(stream)  # at the same moment of a coarse clock
    stamps = [arrival.received for arrival in ear.heard]
    assert stamps == sorted(set(stamps))
    assert stamps[0] == NOW


def test_a_packet_beyond_the_limit_ends_the_connection() -> None:
    """A length nobody can mean is a broken stream, not a reason to wait for its bytes."""
    head = b"\x32" + varint(MAX_PACKET + 1)
    assert Ear().feed(head) == MQTTErrorCode.MQTT_ERR_PROTOCOL
    assert Ear().feed(b"\x32\xff\xff\xff\xff\x01") == MQTTErrorCode.MQTT_ERR_PROTOCOL


def test_a_message_shorter_than_it_says_is_no_message() -> None:
    """A topic length beyond the packet is a broken stream."""
    ear = Ear()
    with pytest.raises(IndexError):
        ear.feed(b"\x32\x04\x00\xff\x00\x01")
    assert ear.heard == []
