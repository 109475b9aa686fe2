"""Packets of the load tools: what they write is MQTT 5, what they read may come in any pieces."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import paho.mqtt.client as mqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import freshen, mqtt5
from bench.line import LineError
from bench.load import Acknowledgements, Grid, Listed, Plan, payload, topic

PLAN = Plan("mqtt://nowhere", count=10, topics=7, prefix="p")


def read(packet: bytes) -> tuple[str, int, bytes]:
    """Return topic, packet id and payload of one whole QoS 1 PUBLISH, read independently."""
    assert packet[0] == 0x32
    length, at, shift = 0, 1, 0
    while True:
        byte = packet[at]
        length |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            break
    assert len(packet) == at + length
    (size,) = struct.unpack_from(">H", packet, at)
    at += 2
    name = packet[at : at + size].decode()
    (number,) = struct.unpack_from(">H", packet, at + size)
    assert packet[at + size + 2] == 0
    return name, number, packet[at + size + 3 :]


def read_all(data: bytes, size: int) -> list[tuple[str, int, bytes]]:
    return [read(data[at : at + size]) for at in range(0, len(data), size)]


@pytest.mark.parametrize(
    ("number", "wanted"), [(0, "00"), (127, "7f"), (128, "8001"), (321, "c102")]
)
def test_varint(number: int, wanted: str) -> None:
    """Lengths are written as MQTT's variable byte integers."""
    assert mqtt5.varint(number).hex() == wanted


def test_publish_is_read_back() -> None:
    """Topic, packet id and payload stand where MQTT 5 wants them, whatever the length."""
    for size in (0, 1, 100, 130, 20_000):
        body = b"x" * size
        assert read(mqtt5.publish("a/đ", body, 513)) == ("a/đ", 513, body)


def test_connect_of_a_kept_session() -> None:
    """CONNECT says MQTT 5, clean start, session expiry and receive maximum."""
    packet = mqtt5.connect("me", clean=False, expiry_s=60, receive_maximum=20_000)
    wanted = "10 17 0004 4d515454 05 00 0000 08 11 0000003c 21 4e20 0002 6d65"
    assert packet == bytes.fromhex(wanted)
    assert mqtt5.connect("me")[9] == 2


def stream(numbers: list[int]) -> bytes:
    """Return what a broker may send: messages of all sizes with other packets between them."""
    out = b"\x20\x03\x00\x00\x00"
    for number in numbers:
        out += mqtt5.publish("t", b"y" * (number % 400), number) + b"\xd0\x00"
    return out + b"\x30\x04\x00\x01t\x00"


@given(st.lists(st.integers(1, 65_535), max_size=20), st.lists(st.integers(1, 300), max_size=40))
def test_scanner_takes_any_pieces(numbers: list[int], cuts: list[int]) -> None:
    """Packets come out whole and in order however the bytes were cut."""
    data, scanner = stream(numbers), mqtt5.Scanner()
    ids: list[bytes] = []
    kinds: list[int] = []
    at = 0
    for cut in [*cuts, len(data)]:
        more, others = scanner.feed(data[at : at + cut])
        ids += more
        kinds += [packet.kind for packet in others]
        at += cut
    assert [int.from_bytes(i, "big") for i in ids] == numbers
    assert kinds == [mqtt5.CONNACK, *[0xD0] * len(numbers), mqtt5.PUBLISH]


def test_scanner_takes_single_bytes() -> None:
    """Even a length of several bytes may be cut in its middle."""
    scanner = mqtt5.Scanner()
    data = mqtt5.publish("t", b"y" * 20_000, 7)
    found = [scanner.feed(data[n : n + 1])[0] for n in range(len(data))]
    assert found[-1] == [b"\0\7"]
    assert not any(found[:-1])


def test_scanner_refuses_an_endless_length() -> None:
    """A length of more than four bytes is an error, not a wait for ever."""
    with pytest.raises(ValueError, match="four bytes"):
        mqtt5.Scanner().feed(b"\x30\xff\xff\xff\xff\xff")


def test_receive_maximum_is_found_among_other_properties() -> None:
    """The broker's own window is kept; without one it is MQTT's."""
    properties = b"\x22\x00\x0a" + b"\x12\x00\x01c" + b"\x21\x00\x64" + b"\x27\x00\x00\x00\x01"
    assert mqtt5.receive_maximum(b"\0\0" + bytes([len(properties)]) + properties) == 100
    assert mqtt5.receive_maximum(b"\0\0\0") == 65_535


def test_joined_acknowledgement_is_what_paho_counts() -> None:
    """One PUBACK for each id, joined; nothing for none."""
    joined = mqtt5.acknowledgement([b"\0\1", b"\x12\x34"])
    assert joined == bytes([mqtt.PUBACK, 2, 0, 1, mqtt.PUBACK, 2, 0x12, 0x34])
    assert mqtt5.acknowledgement([]) == b""


def test_payload_has_its_size_and_values() -> None:
    """A payload is JSON of exactly the size, with time and values; too many values are refused."""
    for values in (1, 10):
        body = payload(5, values, 200, 1_764_000_000_000_000)
        found = json.loads(body)
        assert len(body) == 200
        assert found["t"] == 1_764_000_000_000_000
        assert [found[f"v{n}"] for n in range(values)] == [20.05] * values
    with pytest.raises(ValueError, match="do not fit"):
        payload(0, 10, 60)


@pytest.mark.parametrize("values", [1, 10])
def test_grid_patches_whole_packets(values: int) -> None:
    """Each device in turn gets the stamp, the next id and another value than in the last round."""
    grid = Grid(replace(PLAN, values=values))
    seen: dict[str, list[float]] = {}
    number = 0
    while number < 21:
        stamp = 1_764_000_000_000_000 + number
        taken, data = grid.block(number, 5, stamp)
        raw = bytes(data)
        for n, (name, packet_id, body) in enumerate(read_all(raw, len(raw) // taken)):
            found = json.loads(body)
            assert (name, packet_id) == (topic("p", (number + n) % 7), number + n + 1)
            assert found["t"] == stamp
            seen.setdefault(name, []).append(found[f"v{values - 1}"])
        number += taken
    assert all(len(set(of_one)) == 3 for of_one in seen.values())


def test_ids_begin_again_after_the_last() -> None:
    """Packet id 0 does not exist, in made and in listed messages."""
    listed = Listed([("a", b"\xff")], 65_536, now=0.0)
    ends = [read(bytes(listed.block(n, 1, 0)[1])) for n in (65_534, 65_535)]
    assert [number for _, number, _ in ends] == [65_535, 1]
    _, data = Grid(replace(PLAN, topics=2)).block(65_534, 2, 0)
    size = len(bytes(data)) // 2
    assert [entry[1] for entry in read_all(bytes(data), size)] == [65_535, 1]


def test_listed_messages_are_news_each_time() -> None:
    """A repeated message keeps its topic and carries a later time in each repetition."""
    source = Listed([("a", b'{"ts":1700000000}'), ("b", b"\xff\x00")], 4, now=1_764_000_000.0)
    bodies = [read(bytes(source.block(n, 1, 0)[1])) for n in range(4)]
    assert [name for name, _, _ in bodies] == ["a", "b", "a", "b"]
    assert [json.loads(bodies[n][2])["ts"] for n in (0, 2)] == [1_763_999_998, 1_763_999_999]
    assert bodies[1][2] == bodies[3][2] == b"\xff\x00"


def test_times_of_a_message_move_together() -> None:
    """ISO texts and counts of any unit are moved, their distances and fractions stay."""
    old = b'{"a":"2026-11-22T08:15:07.412+07:00","b":1795335300123,"c":"2026-11-22 08:15:00"}'
    new = freshen.moved(old, 1_795_421_707)
    assert (
        new == b'{"a":"2026-11-23T08:15:07.412+07:00","b":1795421700123,"c":"2026-11-23 08:15:00"}'
    )


@pytest.mark.parametrize("body", [b"\xff\xfe1795335300", b'{"id":"x1795335300","v":12.5}', b""])
def test_what_is_no_time_stays(body: bytes) -> None:
    """Binary payloads, names and values are not touched."""
    assert freshen.moved(body, 1_800_000_000) == body


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 9))
def test_acknowledgements_are_counted(long: list[bool], cut: int) -> None:
    """Acknowledgements with and without a reason code are counted in any pieces."""
    heard = Acknowledgements()
    data = b"".join(
        (b"\x40\x03" if more else b"\x40\x02") + (n + 1).to_bytes(2, "big") + b"\x10" * more
        for n, more in enumerate(long)
    )
    for at in range(0, len(data), cut):
        heard.feed(data[at : at + cut])
    assert (heard.count, heard.refused) == (len(long), 0)


def test_refusals_are_counted_apart() -> None:
    """A reason code of failure is an answer, but no message taken."""
    heard = Acknowledgements()
    heard.feed(b"\x40\x02\x00\x01\x40\x04\x00\x02\x97\x00")
    assert (heard.count, heard.refused) == (2, 1)


def test_an_acknowledgement_out_of_order_is_an_error() -> None:
    """Counting would be wrong if the broker mixed them up."""
    with pytest.raises(LineError):
        Acknowledgements().feed(b"\x40\x02\x00\x02")
