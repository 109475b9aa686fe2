"""What ChirpStack and The Things Stack have in common: values decoded there, or bytes to decode."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Any, Final

from ingest.codec import Ignored, Outcome
from ingest.reading import json_values, paths, tree
from ingest.reading.devices import Device, Part
from ingest.reading.measured import Origin
from ioc.domain.errors import PayloadError
from ioc.domain.instant import SECOND, Micros
from ioc.domain.observation import Decoded, Flag

MAX_FRAME: Final = 1024  # bytes; a LoRaWAN frame carries 242 at most


def outcomes(origin: Origin, decoded: Any, device: Device | None) -> list[Outcome]:  # noqa: ANN401  JSON
    """Return what the network server's decoder made; `device` says what its names mean.

    Values come in the object's own order, save that those a known device is there for come first.
    """
    if device is None:
        return [_outcome(origin, leaf) for leaf in tree.values(decoded)]
    now, past = decoded, None
    if device.history and isinstance(decoded, dict):
        past = decoded.get(device.history)
    if isinstance(past, list):
        now = {key: value for key, value in decoded.items() if key != device.history}
    units = device.units

    def number(path: str, text: str) -> float | None:
        return json_values.number_in(text) if path in units else None

    found = tree.values(now, number)
    if device.first:
        found.sort(key=lambda leaf: leaf[0] not in device.first)
    made = [_outcome(origin, leaf, device) for leaf in found]
    return [*made, *_past(origin, past, device)] if isinstance(past, list) else made


def frame_outcomes(origin: Origin, device: Device, frame: bytes, port: int) -> list[Outcome]:
    """Return what our own decoder of the device makes of its bytes."""
    if len(frame) > MAX_FRAME:
        raise PayloadError("bad_frame", f"{len(frame)} bytes")
    return [_reading(origin, part) for part in device.decode(frame, port)]


def frame_of(raw: Any) -> bytes:  # noqa: ANN401  JSON
    """Return the bytes of a frame that came as they are or as base64; b"" where none came."""
    if raw is None or isinstance(raw, bytes):
        return raw or b""
    try:
        return b64decode(raw, validate=True)
    except (ValueError, TypeError) as error:
        raise PayloadError("bad_frame", "no base64") from error


def port_of(raw: Any) -> int:  # noqa: ANN401  JSON
    """Return an fPort; absent is 0, as proto3 leaves zeros out."""
    return raw if isinstance(raw, int) else 0


def position(where: Any) -> tuple[float, float]:  # noqa: ANN401  JSON
    """Return (lon, lat); PayloadError("bad_location"). An absent coordinate is 0, two are none."""
    if not isinstance(where, dict) or not (where.get("latitude") or where.get("longitude")):
        raise PayloadError("bad_location", "none")
    try:
        lon = json_values.read(where.get("longitude", 0), None)
        lat = json_values.read(where.get("latitude", 0), None)
    except PayloadError as error:
        raise PayloadError("bad_location", paths.shown(error.detail)) from error
    if not (abs(lon) <= 180 and abs(lat) <= 90):  # noqa: PLR2004  degrees; NaN fails too
        raise PayloadError("bad_location", f"{lon}, {lat}")
    return lon, lat


def _outcome(origin: Origin, leaf: tree.Value, device: Device | None = None) -> Outcome:
    name, result = leaf
    if not isinstance(result, float):
        return result
    return origin.value(name, result, None if device is None else device.units.get(name))


def _reading(origin: Origin, part: Part) -> Outcome:
    if isinstance(part, (Ignored, PayloadError)):
        return part
    own = part.time is not None
    flags = origin.flags & Flag.SIMULATED if own else origin.flags
    if part.historical:
        flags |= Flag.HISTORICAL
    time = part.time if own else origin.time
    quality = part.quality
    return Decoded(origin.thing, part.name, time, part.value, part.unit, quality, flags)


def _past(origin: Origin, records: list[Any], device: Device) -> Iterator[Outcome]:
    """Yield the past values of a maker's decoder, each under the name of its present one."""
    for record in records[: json_values.MAX_RECORDS]:
        try:
            time = _seconds(record)
            flags = Flag.HISTORICAL | (origin.flags & Flag.SIMULATED)
            then = Origin(origin.thing, time, flags)
            values = {k: v for k, v in record.items() if k != "timestamp"}
            for leaf in tree.values(values):
                yield _outcome(then, leaf, device)
        except PayloadError as error:
            yield error
    if len(records) > json_values.MAX_RECORDS:
        yield PayloadError("too_many_records", str(len(records)))


def _seconds(record: Any) -> Micros:  # noqa: ANN401  JSON
    """Return the device's own time of a past value."""
    time = record.get("timestamp") if isinstance(record, dict) else None
    if isinstance(time, bool) or not isinstance(time, (int, float)) or not abs(time) < 1e12:  # noqa: PLR2004  year 33658
        raise PayloadError("bad_time", paths.shown(time))
    return Micros(int(time * SECOND))
