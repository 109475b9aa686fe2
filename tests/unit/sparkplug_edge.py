"""An edge node as the Sparkplug specification describes it, written apart from our own host.

Even its protobuf is written by hand here, so that a mistake in our schema cannot hide in both.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64 = range(1, 9)
FLOAT, DOUBLE, BOOLEAN, STRING, DATETIME, TEXT, UUID, DATASET, BYTES, FILE, TEMPLATE = range(9, 20)
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
Scalar = int | float | bool | str | bytes | None


def varint(number: int) -> bytes:
    """Return a protobuf varint."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def tagged(number: int, content: float | str | bytes) -> bytes:
    """Return one protobuf field; a float is a double."""
    if isinstance(content, float):
        return varint(number << 3 | _FIXED64) + struct.pack("<d", content)
    if isinstance(content, int):
        return varint(number << 3 | _VARINT) + varint(content)
    raw = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | _LENGTH) + varint(len(raw)) + raw


def metric(
    value: Scalar = None,
    datatype: int | None = None,
    *,
    name: str | bytes | None = None,
    alias: int | None = None,
    time: int | None = None,
    properties: dict[str, Scalar] | None = None,
    historical: bool = False,
    transient: bool = False,
    null: bool = False,
    sent_as: int | None = None,
) -> bytes:
    """Return the bytes of a metric; `sent_as` is the datatype that only the birth names."""
    out = b"" if name is None else tagged(1, name)
    out += b"" if alias is None else tagged(2, alias)
    out += b"" if time is None else tagged(3, time)
    out += b"" if datatype is None else tagged(4, datatype)
    for number, told in ((5, historical), (6, transient), (7, null)):
        out += tagged(number, 1) if told else b""
    if properties is not None:
        keys = b"".join(tagged(1, key) for key in properties)
        out += tagged(9, keys + b"".join(tagged(2, _property(one)) for one in properties.values()))
    return out + (b"" if value is None else _value(value, sent_as or datatype or 0))


def _property(value: Scalar) -> bytes:
    if isinstance(value, str):
        return tagged(1, STRING) + tagged(8, value)
    if isinstance(value, float):
        return tagged(1, DOUBLE) + tagged(6, value)
    return tagged(2, 1) if value is None else tagged(1, INT32) + tagged(3, int(value))


def _value(value: float | str | bytes, datatype: int) -> bytes:
    if datatype == FLOAT:
        return varint(12 << 3 | _FIXED32) + struct.pack("<f", value)
    if datatype == BOOLEAN:
        return tagged(14, int(bool(value)))
    if isinstance(value, float):
        return tagged(13, value)
    if isinstance(value, int):
        wide = datatype in {INT64, UINT64, DATETIME}
        return tagged(11, value % (1 << 64)) if wide else tagged(10, value % (1 << 32))
    if isinstance(value, str):
        return tagged(15, value)
    return tagged({DATASET: 17, TEMPLATE: 18}.get(datatype, 16), value)


def payload(*metrics: bytes, time: int | None = None, seq: int | None = None) -> bytes:
    """Return the bytes of a payload."""
    out = b"" if time is None else tagged(1, time)
    out += b"".join(tagged(2, one) for one in metrics)
    return out + (b"" if seq is None else tagged(3, seq))


class Sent(NamedTuple):
    topic: str
    payload: bytes


@dataclass(slots=True)
class EdgeNode:
    """A gateway that keeps the rules: births first, every message counted, aliases in data.

    `values` is by device ("": its own metrics) and metric.
    """

    group: str
    name: str
    values: dict[str, dict[str, float]]
    bdseq: int = 0
    seq: int = 255
    dead: set[str] = field(default_factory=set)

    def topic(self, kind: str, device: str = "") -> str:
        tail = f"/{device}" if device else ""
        return f"spBv1.0/{self.group}/{kind}/{self.name}{tail}"

    def births(self, now: int) -> list[Sent]:
        """Announce everything: the node, then each device that is there.

        The count goes on. A node may begin it at 0 again; where such a birth is lost, one time in
        256 nobody can see it.
        """
        living = [device for device in self.values if device and device not in self.dead]
        return [self._birth(device, now) for device in ["", *living]]

    def connect(self, now: int) -> list[Sent]:
        """Begin a new session."""
        self.bdseq = (self.bdseq + 1) % 256
        self.seq = 255
        return self.births(now)

    def data(self, device: str, name: str, value: float, now: int) -> Sent:
        """Change a value and tell it by its alias alone."""
        self.values[device][name] = value
        told = metric(value, alias=self._alias(device, name), time=now, sent_as=DOUBLE)
        kind = "DDATA" if device else "NDATA"
        return Sent(self.topic(kind, device), payload(told, time=now, seq=self._next()))

    def lose(self, device: str, now: int) -> Sent:
        """Tell that a device is gone."""
        self.dead.add(device)
        return Sent(self.topic("DDEATH", device), payload(time=now, seq=self._next()))

    def find(self, device: str, now: int) -> Sent:
        """Tell that a device is back."""
        self.dead.discard(device)
        return self._birth(device, now)

    def will(self, now: int) -> Sent:
        """Return the message that the broker publishes when the connection breaks."""
        return Sent(self.topic("NDEATH"), payload(self._bdseq(), time=now))

    def _birth(self, device: str, now: int) -> Sent:
        told = [
            metric(value, DOUBLE, name=name, alias=self._alias(device, name), time=now)
            for name, value in self.values[device].items()
        ]
        if not device:
            told += [
                self._bdseq(),
                metric(0, BOOLEAN, name="Node Control/Rebirth", time=now),
            ]
        kind = "DBIRTH" if device else "NBIRTH"
        return Sent(self.topic(kind, device), payload(*told, time=now, seq=self._next()))

    def _bdseq(self) -> bytes:
        return metric(self.bdseq, UINT64, name="bdSeq")

    def _alias(self, device: str, name: str) -> int:
        """Return a number that is unique in the node and another one in each session."""
        known = [(d, n) for d, names in self.values.items() for n in names]
        return (known.index((device, name)) + self.bdseq) % len(known) + 1

    def _next(self) -> int:
        self.seq = (self.seq + 1) % 256
        return self.seq
