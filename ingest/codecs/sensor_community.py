"""sensor.community (airRohr, Luftdaten): what the firmware posts, forwarded to MQTT as it is.

Numbers are texts. P0, P1 and P2 are PM1, PM10 and PM2.5, pressure is in Pa, there is no time.
A weak supply makes the firmware send bytes that are no text in the midst of the JSON: what can
still be told apart is read, each broken value is refused alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ingest.codec import METADATA, TEXT, Codec, Decoding, FeedView, Message, Outcome
from ingest.reading import json_values, naming, paths
from ingest.reading.deletions import unless_deleted
from ingest.reading.json_values import MAX_RECORDS
from ingest.reading.measured import Origin, number
from ingest.reading.options import read_options
from ioc.domain.errors import PayloadError
from ioc.domain.intake import DatastreamSpec, Sighting
from ioc.domain.observation import Decoded

_IDS: Final = ("esp8266id", "esp32id", "raspiid", "rpiid")
_TEXTS: Final = frozenset({"GPS_date", "GPS_time", "GPS_timestamp"})
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
_LENIENT: Final = json.JSONDecoder(strict=False)  # control characters within strings
_BROKEN: Final = frozenset({"bad_json", "not_utf8", "binary"})
_RECORD: Final = re.compile(
    r"""\{\s*"value_type"\s*:\s*"([^"\\{}]{1,100})"\s*,\s*"value"\s*:\s*"([^"\\{}]{0,100})"\s*\}"""
)
_ID: Final = re.compile(r'"(?:esp8266id|esp32id|raspiid|rpiid)"\s*:\s*"?(\w{1,32})"?\s*[,}]')
_MAX_LAT: Final = 90.0
_MAX_LON: Final = 180.0

_MICROGRAM: Final = "µg/m³"
_DATASTREAMS: Final[Mapping[str, DatastreamSpec]] = {
    "P0": DatastreamSpec("pm1", _MICROGRAM),
    "P1": DatastreamSpec("pm10", _MICROGRAM),
    "P2": DatastreamSpec("pm25", _MICROGRAM),
    "*_P0": DatastreamSpec("pm1", _MICROGRAM),
    "*_P1": DatastreamSpec("pm10", _MICROGRAM),
    "*_P2": DatastreamSpec("pm25", _MICROGRAM),
    "*_P4": DatastreamSpec(None, _MICROGRAM),  # PM4 of an SPS30
    "*temperature": DatastreamSpec("temperature", "°C"),
    "*humidity": DatastreamSpec("humidity", "%"),
    "*pressure": DatastreamSpec("air_pressure", "Pa"),
    "*noise_LAeq": DatastreamSpec("noise", "dBA"),
    "*noise_LA_min": DatastreamSpec(None, "dBA"),
    "*noise_LA_max": DatastreamSpec(None, "dBA"),
    "signal": DatastreamSpec("rssi", "dBm"),
    "min_micro": DatastreamSpec(None, "µs"),
    "max_micro": DatastreamSpec(None, "µs"),
    "interval": DatastreamSpec(None, "ms"),
}


_SIGNAL: Final = "signal"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`thing`: parts of the topic in braces, for messages that hold no id of their own."""

    thing: str = "{id}"


def build(options: Mapping[str, Any], feed: FeedView) -> Codec:
    """Make the codec. Raises ConfigError where the topics do not name the device."""
    wanted = read_options(options, Options)
    return Codec(unless_deleted(_Reader(wanted, feed).decode), _DATASTREAMS)


class _Reader:
    def __init__(self, options: Options, feed: FeedView) -> None:
        self._thing = naming.of_topic(options.thing, feed)

    def decode(self, message: Message) -> Decoding:
        """Read one message; PayloadError when nothing in it can be read."""
        root, broken = _document(message.payload)
        thing = _own_id(root) or self._thing(message)
        values = root.get("sensordatavalues")
        if not isinstance(values, list):
            raise PayloadError("not_of_format", "sensordatavalues is no list")
        if len(values) > MAX_RECORDS:
            raise PayloadError("too_many_records", str(len(values)))
        found = Decoding()
        if root.keys() - {"sensordatavalues", *_IDS}:
            found.outcomes.append(METADATA)
        found.outcomes.extend(_value(thing, value) for value in values)
        if broken is not None:
            found.outcomes.append(broken)
        if not found.outcomes:
            raise PayloadError("missing_value", thing)
        _sight(found, thing)
        return found


def _document(payload: bytes) -> tuple[dict[str, Any], PayloadError | None]:
    """Return the object and what of it is broken; PayloadError where nothing can be read."""
    try:
        return json_values.document(payload), None
    except PayloadError as error:
        if error.reason not in _BROKEN:
            raise
        broken = error
    text = payload.decode(errors="replace").lstrip()
    try:
        root, end = _LENIENT.raw_decode(text)
    except (ValueError, RecursionError):
        return _fragments(text, broken), broken
    if not isinstance(root, dict):
        raise broken
    return root, broken if text[end:].strip(" \r\n\t\0") else None


def _fragments(text: str, broken: PayloadError) -> dict[str, Any]:
    """Return the records that are whole where the document is not."""
    records = [{"value_type": one[1], "value": one[2]} for one in _RECORD.finditer(text)]
    if not records:
        raise broken
    found: dict[str, Any] = {"sensordatavalues": records}
    own = _ID.search(text)
    return found if own is None else {_IDS[0]: own[1], **found}


def _own_id(root: Mapping[str, Any]) -> str | None:
    for key in _IDS:
        raw = root.get(key)
        if isinstance(raw, bool) or not isinstance(raw, (str, int)):
            continue
        text = (raw if isinstance(raw, str) else paths.shown(raw)).strip()
        if _is_name(text):
            return text
    return None


def _value(thing: str, record: Any) -> Outcome:  # noqa: ANN401  JSON
    if not isinstance(record, dict):
        return PayloadError("not_of_format", "a value is no object")
    name = record.get("value_type")
    if not isinstance(name, str) or not _is_name(name):
        return PayloadError("unnamed_channel", paths.shown(name))
    if name in _TEXTS:
        return TEXT
    if "value" not in record:
        return PayloadError("missing_value", name)
    raw = record["value"]
    if name == _SIGNAL and isinstance(raw, str):  # firmware of 2017 writes the unit too
        raw = raw.strip().removesuffix("dBm")
    return number(Origin(thing), name, raw)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= paths.MAX_NAME and text.isprintable() and _REPLACED not in text


def _sight(found: Decoding, thing: str) -> None:
    """Note a position; without a fix the firmware sends -200."""
    here = {one.datastream: one.result for one in found.outcomes if isinstance(one, Decoded)}
    lat, lon = here.get("GPS_lat"), here.get("GPS_lon")
    if lat is not None and lon is not None and abs(lat) <= _MAX_LAT and abs(lon) <= _MAX_LON:
        found.sightings.append(Sighting(thing, None, lon, lat))
