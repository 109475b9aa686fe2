"""ChirpStack v4 events in their two encodings -> one shape: that of the JSON encoding.

The protobuf encoding is told apart by nothing in the topic or the message: the feed says which.
Absent fields are zero in both (proto3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from struct import unpack
from typing import Any, Final, NamedTuple

from chirpstack_api.integration import integration_pb2
from google.protobuf.message import DecodeError

from ingest.reading import json_values, tree
from ioc.domain.errors import PayloadError
from ioc.domain.instant import SECOND, Micros

# A field's number and wire type, its value (an int, or bytes) as it stands on the wire.
Field = tuple[int, int, Any]

UPLINK_CODEC: Final = "UPLINK_CODEC"
_CODES: Final = {2: UPLINK_CODEC}  # the enum's number, where a server writes enums as numbers
_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5
_BESIDE: Final = 13  # bytes of a map's entry of one number that are not the key's
_LONG: Final = 0x80  # the length of a key from which on it takes two bytes
_OBJECT: Final = integration_pb2.UplinkEvent.DESCRIPTOR.fields_by_name["object"].number


class Event(NamedTuple):
    """One event. `time`: RFC 3339 in JSON, µs from protobuf; `body` has JSON's own keys."""

    identity: str
    time: str | Micros | None
    device: Mapping[str, Any]
    body: Mapping[str, Any]


def from_json(_kind: str, payload: bytes) -> Event:
    """Read the JSON encoding. PayloadError not_of_format and those of JSON."""
    root = json_values.parse(payload)
    if not isinstance(root, dict):
        raise PayloadError("not_of_format", "no object")
    device = root.get("deviceInfo", {})
    if not isinstance(device, dict):
        raise PayloadError("not_of_format", "deviceInfo")
    identity = root.get("deduplicationId")
    return Event(identity if isinstance(identity, str) else "", root.get("time"), device, root)


def from_protobuf(kind: str, payload: bytes) -> Event:
    """Read the protobuf encoding. PayloadError empty, bad_protobuf."""
    if not payload:
        raise PayloadError("empty")
    message, body = _MESSAGES[kind]
    try:
        event = message.FromString(payload)
    except DecodeError as error:
        raise PayloadError("bad_protobuf", kind) from error
    info = event.device_info
    device = {"deviceName": info.device_name, "deviceProfileName": info.device_profile_name}
    if info.dev_eui:
        device["devEui"] = info.dev_eui
    time = None
    if event.HasField("time"):
        time = Micros(event.time.seconds * SECOND + event.time.nanos // 1000)
    return Event(getattr(event, "deduplication_id", ""), time, device, body(event, payload))


def log_code(body: Mapping[str, Any]) -> str:
    """Return the code of a log event by its name."""
    code = body.get("code")
    if isinstance(code, str):
        return code
    return _CODES.get(code, "") if isinstance(code, int) else ""


def _up(event: Any, payload: bytes) -> dict[str, Any]:  # noqa: ANN401  generated classes
    body = {"data": event.data, "fPort": event.f_port}
    if event.HasField("object"):
        body["object"] = _struct(_last(payload, _OBJECT), 1)
    return body


def _status(event: Any, _payload: bytes) -> dict[str, Any]:  # noqa: ANN401  generated classes
    return {
        "margin": event.margin,
        "externalPowerSource": event.external_power_source,
        "batteryLevelUnavailable": event.battery_level_unavailable,
        "batteryLevel": event.battery_level,
    }


def _location(event: Any, _payload: bytes) -> dict[str, Any]:  # noqa: ANN401  generated classes
    if not event.HasField("location"):
        return {}
    where = event.location
    return {"location": {"latitude": where.latitude, "longitude": where.longitude}}


def _log(event: Any, _payload: bytes) -> dict[str, Any]:  # noqa: ANN401  generated classes
    return {"code": event.code, "description": event.description}


Body = Callable[[Any, bytes], dict[str, Any]]
_MESSAGES: Final[Mapping[str, tuple[Any, Body]]] = {
    "up": (integration_pb2.UplinkEvent, _up),
    "status": (integration_pb2.StatusEvent, _status),
    "location": (integration_pb2.LocationEvent, _location),
    "log": (integration_pb2.LogEvent, _log),
}


def _last(payload: bytes, wanted: int) -> bytes:
    """Return the last field of a number."""
    found = b""
    for number, wire, value in _fields(payload):
        if number == wanted and wire == _LEN:
            found = value
    return found


def _struct(payload: bytes, depth: int) -> dict[str, Any]:
    """Read a google.protobuf.Struct in the order of the wire: a parsed map has none.

    What a datastream is called and in which order values come must not depend on a hash. The
    library has checked the bytes before.
    """
    if depth > tree.MAX_DEPTH:
        raise PayloadError("too_deep")
    found: dict[str, Any] = {}
    for number, wire, entry in _fields(payload):
        if number == 1 and wire == _LEN:
            key, value = _plain(entry) or _entry(entry, depth)
            found[key.decode("utf-8", "replace")] = value
            _bounded(len(found))
    return found


def _plain(entry: bytes) -> tuple[bytes, float] | None:
    """Read an entry as nearly all are written: a short key, then one number; None: another."""
    size = entry[1] if len(entry) > _BESIDE else _LONG
    plain = size < _LONG and len(entry) == size + _BESIDE and entry[0] == 0x0A  # noqa: PLR2004
    if not plain or entry[size + 2 : size + 5] != b"\x12\x09\x11":
        return None
    return entry[2 : size + 2], unpack("<d", entry[size + 5 :])[0]


def _entry(entry: bytes, depth: int) -> tuple[bytes, Any]:
    """Read an entry of any form."""
    parts = {part: content for part, kind, content in _fields(entry) if kind == _LEN}
    return parts.get(1, b""), _value(parts.get(2, b""), depth)


def _value(payload: bytes, depth: int) -> Any:  # noqa: ANN401  JSON
    """Read a google.protobuf.Value by field number and wire type; of several the last counts."""
    found: Any = None
    for number, wire, content in _fields(payload):
        match number, wire:
            case 1, 0:
                found = None
            case 2, 1:
                found = unpack("<d", content)[0]
            case 3, 2:
                found = content.decode("utf-8", "replace")
            case 4, 0:
                found = content != 0
            case 5, 2:
                found = _struct(content, depth + 1)
            case 6, 2:
                found = _list(content, depth + 1)
    return found


def _list(payload: bytes, depth: int) -> list[Any]:
    if depth > tree.MAX_DEPTH:
        raise PayloadError("too_deep")
    found = []
    for number, wire, one in _fields(payload):
        if number == 1 and wire == _LEN:
            found.append(_value(one, depth))
            _bounded(len(found))
    return found


def _bounded(values: int) -> None:
    if values > tree.MAX_VALUES:
        raise PayloadError("too_many_records", f"more than {tree.MAX_VALUES} values")


def _fields(payload: bytes) -> Iterator[Field]:
    """Yield the fields of a message; groups, which nobody writes, are refused."""
    at, end = 0, len(payload)
    while at < end:
        tag, at = _varint(payload, at)
        wire = tag & 7
        if wire == _LEN:
            size, at = _varint(payload, at)
        elif wire == _VARINT:
            number, at = _varint(payload, at)
            yield tag >> 3, wire, number
            continue
        elif wire in (_I64, _I32):
            size = 8 if wire == _I64 else 4
        else:
            raise PayloadError("bad_protobuf", f"wire type {wire}")
        if at + size > end:
            raise PayloadError("bad_protobuf", "cut off")
        yield tag >> 3, wire, payload[at : at + size]
        at += size


def _varint(payload: bytes, at: int) -> tuple[int, int]:
    if at < len(payload) and payload[at] < 0x80:  # noqa: PLR2004  one byte: nearly all of them
        return payload[at], at + 1
    number = shift = 0
    for byte in payload[at : at + 10]:  # ten bytes hold 64 bits
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004
            return number, at
        shift += 7
    raise PayloadError("bad_protobuf", "cut off")
