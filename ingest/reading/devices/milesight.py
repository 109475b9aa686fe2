"""Milesight: blocks of channel, type, little-endian value (their published payload tables)."""

from __future__ import annotations

from typing import Final

from ingest.codec import Ignored
from ingest.reading.devices import Device, Part, Reading
from ioc.domain.errors import PayloadError
from ioc.domain.instant import SECOND, Micros

_BATTERY: Final = (0x01, 0x75)
_DISTANCE: Final = (0x03, 0x82)
_HISTORY: Final = (0x20, 0xCE)
# What the device says of itself at joining and in answer to settings: type -> bytes of the value.
_ABOUT: Final = {
    0x01: 1, 0x09: 2, 0x0A: 2, 0x0B: 1, 0x0F: 1, 0x16: 8, 0xFE: 1, 0xFF: 2,
    0x02: 2, 0x03: 2, 0x06: 9, 0x10: 1, 0x11: 4, 0x17: 2, 0x1C: 2, 0x27: 1, 0x28: 1, 0x35: 8,
    0x3B: 1, 0x4A: 1, 0x68: 1, 0x69: 1, 0x6A: 3, 0x84: 1, 0x96: 8, 0xF1: 4, 0xF2: 2, 0xF5: 1,
}  # fmt: skip
# The unit of this block's distances differs between the maker's table and his decoder: the
# regular block of the same frame says it without doubt.
_ALARM: Final = (0x83, 0xE9)
_LENGTHS: Final = {_BATTERY: 1, _DISTANCE: 2, _HISTORY: 6, _ALARM: 5}


def em500_udl(frame: bytes, _port: int) -> list[Part]:
    """Decode the ultrasonic distance sensor; after a block that is not known the rest is lost.

    The distance is that to the water. History blocks hold seconds since 1970, by the device's own
    clock. The current distance comes first, the battery after it.
    """
    first: list[Part] = []
    found: list[Part] = []
    at = 0
    while at < len(frame):
        kind = (frame[at], frame[at + 1] if at + 1 < len(frame) else -1)
        length = _length(kind)
        value = frame[at + 2 : at + 2 + (length or 0)]
        if length is None or len(value) < length:
            found.append(PayloadError("bad_frame", f"byte {at}: {frame[at : at + 8].hex()}"))
            break
        (first if kind == _DISTANCE else found).extend(_block(kind, value))
        at += 2 + length
    return first + found


def _length(kind: tuple[int, int]) -> int | None:
    channel, type_ = kind
    return _ABOUT.get(type_) if channel in (0xFE, 0xFF) else _LENGTHS.get(kind)


def _block(kind: tuple[int, int], value: bytes) -> list[Part]:
    if kind == _BATTERY:
        return [Reading("battery", float(value[0]), "%")]
    if kind == _DISTANCE:
        return [Reading("distance", float(int.from_bytes(value, "little")), "mm")]
    if kind == _HISTORY:
        time = Micros(int.from_bytes(value[:4], "little") * SECOND)
        distance = float(int.from_bytes(value[4:], "little"))
        return [Reading("distance", distance, "mm", time, historical=True)]
    return [Ignored("unused" if kind == _ALARM else "metadata")]


EM500_UDL: Final = Device(
    em500_udl, {"distance": "mm", "battery": "%"}, first=("distance",), history="history"
)
