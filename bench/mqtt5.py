"""MQTT 5 as far as the load tools need it: packets as bytes, bytes as packets. No I/O."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

CONNACK: Final = 0x20
PUBLISH: Final = 0x30
PUBACK: Final = 0x40
SUBACK: Final = 0x90
DISCONNECT: Final = b"\xe0\x00"
LAST_ID: Final = 65_535
FAILURE: Final = 0x80  # reason codes from here up

_PUBLISH_QOS_1: Final = b"\x32"
_EXPIRY: Final = 0x11
_RECEIVE_MAXIMUM: Final = 0x21
_LONGEST_LENGTH: Final = 4  # bytes of a remaining length


class Packet(NamedTuple):
    """What came from the broker beside QoS 1 messages."""

    kind: int  # high four bits of the first byte
    body: bytes


def varint(number: int) -> bytes:
    """Return a variable byte integer."""
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def text(words: str) -> bytes:
    """Return an UTF-8 string with its length in front."""
    raw = words.encode()
    return struct.pack(">H", len(raw)) + raw


def connect(
    client_id: str, *, clean: bool = True, expiry_s: int = 0, receive_maximum: int = LAST_ID
) -> bytes:
    """Return a CONNECT without keep-alive: a load run is shorter than any useful one."""
    properties = struct.pack(">BIBH", _EXPIRY, expiry_s, _RECEIVE_MAXIMUM, receive_maximum)
    head = text("MQTT") + bytes([5, 2 if clean else 0]) + b"\0\0"
    body = head + varint(len(properties)) + properties + text(client_id)
    return b"\x10" + varint(len(body)) + body


def subscribe(topic_filter: str) -> bytes:
    """Return a SUBSCRIBE with QoS 1."""
    body = b"\0\1" + b"\0" + text(topic_filter) + b"\1"
    return b"\x82" + varint(len(body)) + body


def publish_parts(topic: str, payload: bytes) -> tuple[bytes, bytes]:
    """Return a QoS 1 PUBLISH as what stands before its packet id and what follows it."""
    name = text(topic)
    length = len(name) + 2 + 1 + len(payload)
    return _PUBLISH_QOS_1 + varint(length) + name, b"\0" + payload


def publish(topic: str, payload: bytes, packet_id: int) -> bytes:
    """Return a whole QoS 1 PUBLISH."""
    head, tail = publish_parts(topic, payload)
    return head + struct.pack(">H", packet_id) + tail


def acknowledgement(ids: list[bytes]) -> bytes:
    """Return one PUBACK for each packet id (two bytes, as it came), joined."""
    return b"\x40\x02" + b"\x40\x02".join(ids) if ids else b""


def receive_maximum(connack: bytes) -> int:
    """Return how many unacknowledged messages the broker takes, from the body of its CONNACK."""
    end = 3 + connack[2]  # mosquitto's and iotcore's properties are shorter than 128 bytes
    at = 3
    while at < end:
        name = connack[at]
        if name == _RECEIVE_MAXIMUM:
            return int.from_bytes(connack[at + 1 : at + 3], "big")
        at += 1 + _property_size(name, connack, at + 1)
    return LAST_ID


def _property_size(name: int, data: bytes, at: int) -> int:
    """Return the size of a CONNACK property's value. Raises ValueError for an unknown one."""
    if name in {0x24, 0x25, 0x28, 0x29, 0x2A}:
        return 1
    if name in {0x13, 0x22}:
        return 2
    if name in {_EXPIRY, 0x27}:
        return 4
    if name in {0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F}:
        return 2 + int.from_bytes(data[at : at + 2], "big")
    raise ValueError(f"CONNACK property {name:#x}")


class Scanner:
    """Cuts the broker's bytes into packets; half a packet waits for the next call."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def empty(self) -> bool:
        """Tell that no part of a packet waits for more."""
        return not self._rest

    def feed(self, data: bytes) -> tuple[list[bytes], list[Packet]]:
        """Return the packet ids of QoS 1 messages (two bytes each) and every other packet.

        A message of QoS 0 counts as another packet. Raises ValueError for a broken length.
        """
        if self._rest:
            data = self._rest + data
        ids: list[bytes] = []
        others: list[Packet] = []
        at, end = 0, len(data)
        while at + 2 <= end:
            length = data[at + 1]
            body = at + 2
            if length > 127:
                length, body = _remaining_length(data, at + 1)
                if not body:
                    break
            stop = body + length
            if stop > end:
                break
            first = data[at]
            if first & 0xF6 == 0x32:
                place = body + 2 + (data[body] << 8 | data[body + 1])
                ids.append(data[place : place + 2])
            else:
                others.append(Packet(first & 0xF0, data[body:stop]))
            at = stop
        self._rest = data[at:]
        return ids, others


def _remaining_length(data: bytes, at: int) -> tuple[int, int]:
    """Return a remaining length and where the body begins; (0, 0) when it is not whole yet."""
    length = 0
    for n, byte in enumerate(data[at : at + _LONGEST_LENGTH]):
        length |= (byte & 0x7F) << 7 * n
        if byte < FAILURE:
            return length, at + n + 1
    if len(data) - at >= _LONGEST_LENGTH:
        raise ValueError("remaining length of more than four bytes")
    return 0, 0
